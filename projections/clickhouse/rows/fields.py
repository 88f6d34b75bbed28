"""Values as ClickHouse takes them: checked here, so that one bad event cannot hold up a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

Row = tuple[Any, ...]
MOMENTS: Final = frozenset({"occurred_at", "observed_at"})
"""Columns that hold a time: seconds in a row, DateTime64 in ClickHouse."""
_YEAR_2299: Final = 10_382_342_400_000_000


class UnwritableEventError(Exception):
    """The event cannot become a row, however often it is tried; the message says which and why."""


def seconds(micros: int) -> float:
    """Microseconds since 1970 as the number of seconds that JSON carries without loss.

    Raises UnwritableEventError outside of the years that a DateTime64 can hold.
    """
    if not 0 <= micros < _YEAR_2299:
        raise UnwritableEventError(f"{micros} microseconds since 1970 is no time ClickHouse holds")
    return micros / 1_000_000


def ensure_ids(ids: Sequence[str]) -> None:
    """Raises UnwritableEventError, naming the first, unless all are UUIDs in canonical text."""
    digits = "".join(ids).replace("-", "")
    try:
        whole = len(bytes.fromhex(digits)) == 16 * len(ids) and set(map(len, ids)) <= {36}
    except ValueError:
        whole = False
    if whole:
        return
    for text in ids:
        if len(text) != 36 or len(text.replace("-", "")) != 32 or not _is_hex(text):
            raise UnwritableEventError(f"{text!r} is no UUID")


def _is_hex(text: str) -> bool:
    return set(text) <= set("0123456789abcdefABCDEF-")


def json_text(data: dict[str, Any]) -> str:
    """`data` as JSON text without its bytes fields.

    Bytes are hashes of addresses and of secrets: nothing an analyst can use, and the former are
    derived from personal data.
    """
    try:
        return orjson.dumps(data).decode()
    except TypeError:
        return orjson.dumps(_without_bytes(data)).decode()


def _without_bytes(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_bytes(v) for k, v in value.items() if not isinstance(v, bytes)}
    if isinstance(value, list):
        return [_without_bytes(v) for v in value if not isinstance(v, bytes)]
    return value
