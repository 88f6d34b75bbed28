"""The event log: the one table that decides, and the only way to append to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import UUID, uuid5

from psycopg import errors

from domain.shared.errors import InvalidValueError
from infra.keys import SubjectKeys
from infra.postgres import Connection
from schemas.codec import Codec, to_micros

LARGEST_EVENT = 512 * 1024
MOST_EVENTS = 1000
LONGEST_PAUSE = "30s"
"""After so long without a word Postgres ends a transaction that has appended: it holds the log's
lock, and whoever was frozen in it would stop everybody's appends."""
_APPEND: Final = """
    SELECT appended FROM set_config('idle_in_transaction_session_timeout', %s, true),
        log.append_events(%s::uuid[], %s::integer[], %s::text[], %s::uuid[], %s::bytea[])
        AS appended
"""


class VersionConflictError(Exception):
    """Somebody else appended to the same stream first. Nothing of this append remains."""


class EventTooLargeError(InvalidValueError):
    """An event is over 512 KiB; refused before the append, so that none can stop the relay."""

    def __init__(self, event_type: str, size: int) -> None:
        super().__init__(
            "body",
            "too_large",
            f"{event_type} would hold {size:,} bytes; an event holds at most {LARGEST_EVENT:,}.",
        )


class NewEvent(NamedTuple):
    """An encoded event, ready to append."""

    stream_id: str
    version: int
    type: str
    organization_id: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """An event before encoding. `data` holds UUID text and microseconds, or UUIDs and datetimes
    when `rich`."""

    type: str
    stream_id: str
    version: int
    data: Mapping[str, Any]
    organization_id: str
    actor: str
    correlation_id: str
    causation_id: str
    now: datetime
    rich: bool = False


@dataclass(frozen=True, slots=True)
class Appended:
    """An event with the position it got."""

    position: int
    stream_id: str
    version: int
    type: str


def append(connection: Connection, events: Sequence[NewEvent]) -> list[int]:
    """Append on the caller's connection, as the last thing its transaction does.

    Holds the log's lock until the commit, which must follow within LONGEST_PAUSE. Returns the
    positions, in order. Raises VersionConflictError when a (stream, version) is taken; the
    transaction is then lost. Takes at most 1,000 events. Never retries.
    """
    if not events:
        return []
    try:
        rows = connection.execute(
            _APPEND,
            (
                LONGEST_PAUSE,
                [event.stream_id for event in events],
                [event.version for event in events],
                [event.type for event in events],
                [event.organization_id for event in events],
                [event.value for event in events],
            ),
        ).fetchall()
    except errors.UniqueViolation as error:
        raise VersionConflictError(str(error)) from error
    return [position for (position,) in rows]


class EventWriter:
    """Encodes drafts, making keys for subjects that have none, and appends them."""

    def __init__(self, codec: Codec, keys: SubjectKeys) -> None:
        self._codec = codec
        self._keys = keys

    def encode(self, connection: Connection, drafts: Sequence[Draft]) -> list[NewEvent]:
        """The drafts as events; keys are made on the connection. Raises EventTooLargeError."""
        metas = [_meta(draft) for draft in drafts]
        wanted: dict[str, str] = {}
        for draft, meta in zip(drafts, metas, strict=True):
            for subject in self._codec.subjects(draft.type, meta, draft.data):
                wanted[subject] = draft.organization_id
        keys = self._keys.ensure(connection, wanted) if wanted else {}
        return [
            self._encode_one(draft, meta, keys) for draft, meta in zip(drafts, metas, strict=True)
        ]

    def _encode_one(
        self, draft: Draft, meta: Mapping[str, Any], keys: Mapping[str, bytes]
    ) -> NewEvent:
        value = self._codec.encode(draft.type, meta, draft.data, keys, rich=draft.rich)
        if len(value) > LARGEST_EVENT:
            raise EventTooLargeError(draft.type, len(value))
        return NewEvent(draft.stream_id, draft.version, draft.type, draft.organization_id, value)

    def append(self, connection: Connection, drafts: Sequence[Draft]) -> list[Appended]:
        """Encode and append, as the last thing the transaction does."""
        positions = append(connection, self.encode(connection, drafts))
        return [
            Appended(position, draft.stream_id, draft.version, draft.type)
            for position, draft in zip(positions, drafts, strict=True)
        ]


def _meta(draft: Draft) -> dict[str, Any]:
    return {
        "event_id": str(uuid5(UUID(draft.stream_id), str(draft.version))),
        "organization_id": draft.organization_id,
        "stream_id": draft.stream_id,
        "stream_version": draft.version,
        "occurred_at": draft.now if draft.rich else to_micros(draft.now),
        "actor": draft.actor,
        "correlation_id": draft.correlation_id,
        "causation_id": draft.causation_id,
    }
