"""How the entrance says no. The same words whether or not an address is known."""

from __future__ import annotations

from datetime import timedelta
from math import ceil

from domain.shared.errors import DomainError, InvalidValueError


class NotAdmittedError(DomainError):
    """Whoever asks has not shown who they are."""


class NotYoursToGiveError(DomainError):
    """A role was to be given or taken that allows more than the caller may do."""

    def __init__(self) -> None:
        super().__init__("role_beyond_yours", "This role allows what you may not do: ask an owner.")


class TooSoonError(DomainError):
    """Too many attempts lately; `seconds` is when the next one will be looked at."""

    def __init__(self, pause: timedelta) -> None:
        self.seconds = max(1, ceil(pause.total_seconds()))
        super().__init__(
            "slow_down", f"Too many attempts lately. Try again in {self.seconds} seconds."
        )


def wrong_credentials() -> NotAdmittedError:
    """Whatever was wrong about an address and a password."""
    return NotAdmittedError("invalid_credentials", "Address and password do not belong together.")


def wrong_current_password() -> InvalidValueError:
    """Somebody who is in gives a password that is not theirs."""
    return InvalidValueError(
        "current_password", "wrong_password", "This is not your current password."
    )


def bad_link() -> NotAdmittedError:
    """Whatever is wrong with the token of a link."""
    return NotAdmittedError(
        "invalid_link", "This link was used, is too old, or is none of ours: ask for a new one."
    )


def bad_refresh_token() -> NotAdmittedError:
    """Whatever is wrong with a refresh token."""
    return NotAdmittedError("invalid_refresh_token", "Log in again.")
