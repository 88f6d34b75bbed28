"""Reads of what was: `?as_of=` a position of the log, or a time."""

from __future__ import annotations

from typing import Annotated, Any, Final, TypeVar

from fastapi import Query

from api.auth import Principal
from api.errors import Problem
from api.ports import Connection, Services
from projections.history.moments import position_of
from projections.history.streams import LogHistories
from schemas.codec import Event, to_datetime

T = TypeVar("T")
HEADER: Final = "Nudge-As-Of"
"""The answer's header: the position that was read."""

AsOf = Annotated[
    str | None,
    Query(
        max_length=64,
        description="As it was at this position of the log, or at this RFC 3339 time: at the last"
        " position recorded at or before it.",
        examples=["1200", "2026-01-31T09:00:00Z"],
    ),
]


def past_of(
    connection: Connection, caller: Principal, services: Services, as_of: str | None
) -> LogHistories:
    """The caller's log as of then, or as of now. Raises InvalidValueError (422)."""
    organization = str(caller.organization_id)
    position = position_of(connection, as_of)
    return LogHistories(connection, services.decode_events, organization, position)


def was_there(row: T | None, past: LogHistories, stream_id: str, what: str) -> T:
    """The row, or 404, which says when it begins where it begins later."""
    if row is not None:
        return row
    began = past.began_later(stream_id)
    if began is None or began <= past.position:
        raise Problem(404, "not_found", f"There is no such {what}.")
    raise Problem(
        404,
        "not_there_yet",
        f"The {what} begins at position {began}; you asked for {past.position}.",
    )


def header_of(past: LogHistories) -> dict[str, str]:
    """What an answer about the past carries."""
    return {HEADER: str(past.position)}


def show_event(event: Event) -> dict[str, Any]:
    """Which event it was, when and by whom."""
    return {
        "event": event.type,
        "position": event.position,
        "stream": event.stream_id,
        "version": event.version,
        "at": to_datetime(event.occurred_at).isoformat().replace("+00:00", "Z"),
        "actor": event.actor,
    }


def showable(value: Any) -> Any:
    """An event's own fields as JSON can say them; bytes as hexadecimal text."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {name: showable(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [showable(each) for each in value]
    return value
