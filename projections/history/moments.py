"""As of when: a position of the log, or a time, which means the last position recorded by then."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from domain.shared.errors import InvalidValueError
from projections.queries.rows import Conn

FIELD: Final = "as_of"
_LARGEST: Final = 2**63 - 1


def last_position(conn: Conn) -> int:
    """Where the log ends now."""
    return int(_one(conn, "SELECT log.last_position()")[0])


def position_of(conn: Conn, as_of: str | None) -> int:
    """The position that is meant; without any, the log's end.

    Times are those at which the log took an event, by Postgres's clock. Raises InvalidValueError
    for what is neither, for what is still to come, and for what was before the first event.
    """
    if as_of is None:
        return last_position(conn)
    if as_of.isascii() and as_of.isdigit():
        return _checked(conn, min(int(as_of[:20]), _LARGEST))
    return _recorded_by(conn, _moment(as_of))


def _checked(conn: Conn, position: int) -> int:
    last = last_position(conn)
    if position > last:
        raise InvalidValueError(
            FIELD, "as_of_in_future", f"The log ends at position {last}; give that or an earlier."
        )
    if position < 1:
        raise _before_everything()
    return position


def _recorded_by(conn: Conn, moment: datetime) -> int:
    position, future = _one(
        conn, "SELECT log.position_at(%(at)s), %(at)s > clock_timestamp()", at=moment
    )
    if future:
        raise InvalidValueError(
            FIELD, "as_of_in_future", "That time is still to come; give an earlier one."
        )
    if position < 1:
        raise _before_everything()
    return int(position)


def _moment(as_of: str) -> datetime:
    """An RFC 3339 time. A plus that a client did not escape arrives as a space."""
    try:
        moment = datetime.fromisoformat(as_of.strip().replace(" ", "+"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidValueError(
            FIELD,
            "invalid_as_of",
            "Give a position, such as 1200, or a time with its offset, such as"
            " 2026-01-31T09:00:00Z.",
        )
    return moment


def _before_everything() -> InvalidValueError:
    return InvalidValueError(
        FIELD,
        "as_of_before_first_event",
        "Nothing had happened yet: give a later position or time.",
    )


def _one(conn: Conn, query: str, **params: Any) -> tuple[Any, ...]:
    row = conn.execute(query.encode(), params).fetchone()
    return tuple(row) if row else (0, False)
