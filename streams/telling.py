"""What may be said of a failure where nothing is sealed: what kind, and where; no value it met.

Reasons and traces stand in the headers of dead letters and in logs, in the clear and for as long
as these are kept, so that erasing a person could not reach what they say.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator
from typing import Final

import psycopg

from domain.shared.masking import mask_text
from streams.ports import RefusedRecordError

LONGEST_REASON: Final = 500
LONGEST_TRACE: Final = 8_000
_HEAD: Final = "Traceback (most recent call last):\n"
_QUOTED: Final = re.compile(r"'[^']*'|\"[^\"]*\"|“[^”]*”")
_OURS: Final = re.compile(r".(?:[a-z]+(?:_[a-z0-9]+)+|(?:[A-Z][a-z0-9]+){2,}).")
"""What is quoted and is a name of a column, a field or an event: two words in one."""


def reason_of(error: BaseException) -> str:
    """The kind of error, and its message without values, in one line."""
    return f"{type(error).__name__}: {_message(error)}"


def trace_of(error: BaseException) -> str:
    """Where it was raised, with every error that led to it; the end of it, if it is long."""
    parts = [
        f"{_HEAD}{''.join(traceback.format_tb(each.__traceback__))}{reason_of(each)}\n"
        for each in _led_to(error)
    ]
    return "\n".join(parts)[-LONGEST_TRACE:]


def _message(error: BaseException) -> str:
    said = str(error)
    if isinstance(error, psycopg.Error):  # its details are whole rows
        said = error.diag.message_primary or said.partition("\n")[0]
    if not isinstance(error, RefusedRecordError):  # those are worded by us
        said = _QUOTED.sub(lambda found: found[0] if _OURS.fullmatch(found[0]) else "'…'", said)
    return mask_text(" ".join(said.split()))[:LONGEST_REASON]


def _led_to(error: BaseException) -> Iterator[BaseException]:
    """The first cause first."""
    chain: list[BaseException] = []
    at: BaseException | None = error
    while at is not None and at not in chain:
        chain.append(at)
        at = at.__cause__ or (None if at.__suppress_context__ else at.__context__)
    return reversed(chain)
