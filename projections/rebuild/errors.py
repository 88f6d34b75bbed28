"""Why a rebuild, a comparison or a swap is refused; each message says what to do."""

from __future__ import annotations


class RebuildError(Exception):
    """Refused, with nothing half done. The message is for a person."""


class UnknownViewError(RebuildError):
    """There is no such read model."""

    def __init__(self, name: str, known: list[str]) -> None:
        super().__init__(f"there is no read model {name}; there are {', '.join(known)}")


class BusyError(RebuildError):
    """Somebody else is at work on the same read model."""


class NoShadowError(RebuildError):
    """Nothing has been built for this read model, or not far enough."""


class NotCaughtUpError(RebuildError):
    """The shadow is behind the live table."""


class BadPositionError(RebuildError):
    """An as-of in the future or before the first event."""


class UnfoldableEventError(RebuildError):
    """An event of the log cannot be read or folded by this version of the code."""
