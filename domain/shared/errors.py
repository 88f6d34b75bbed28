"""How the domain says no. Codes are stable and public; messages are for people."""

from __future__ import annotations


class DomainError(Exception):
    """A command was not carried out. Nothing was recorded."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class RuleViolatedError(DomainError):
    """A business rule says no, in the present state."""


class NotFoundError(DomainError):
    """There is no such thing in this organization."""

    def __init__(self, what: str) -> None:
        super().__init__("not_found", f"There is no such {what}.")


class ConflictError(DomainError):
    """Somebody else changed the same thing at the same moment, again and again."""


class InvalidValueError(DomainError):
    """A value cannot be what it claims to be; `field` says which."""

    def __init__(self, field: str, code: str, message: str) -> None:
        super().__init__(code, message)
        self.field = field


class UnavailableError(Exception):
    """Something that is needed is away for now; trying again later is right."""
