"""`eventsourcing` on our log: its mapper, recorder and repository over one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast
from uuid import UUID

from eventsourcing.domain import CanInitAggregate, DomainEventProtocol
from eventsourcing.persistence import (
    AggregateRecorder,
    EventStore,
    JSONTranscoder,
    Mapper,
    StoredEvent,
)
from eventsourcing.utils import resolve_topic

from domain.shared.aggregate import Root
from domain.shared.meta import Meta
from infra.event_log import Draft, EventWriter, NewEvent, append
from infra.keys import SubjectKeys
from infra.postgres import Connection
from schemas.codec import Codec, Event

_OLDEST_FIRST = (
    "SELECT version, type, bytes FROM log.events WHERE stream_id = %s::uuid"
    " AND version > %s AND version <= %s ORDER BY version LIMIT %s"
)
_NEWEST_FIRST = (
    "SELECT version, type, bytes FROM log.events WHERE stream_id = %s::uuid"
    " AND version > %s AND version <= %s ORDER BY version DESC LIMIT %s"
)
_ENVELOPE = {"originator_id", "originator_version", "timestamp", "meta", "originator_topic"}


def draft_of(event: DomainEventProtocol[UUID]) -> Draft:
    """A domain event as a draft of the Avro type that its TOPIC names."""
    fields = vars(event)
    meta: Meta = fields["meta"]
    return Draft(
        type=type(event).TOPIC,  # type: ignore[attr-defined]
        stream_id=str(fields["originator_id"]),
        version=fields["originator_version"],
        data={name: value for name, value in fields.items() if name not in _ENVELOPE},
        organization_id=str(meta.organization_id),
        actor=meta.actor,
        correlation_id=str(meta.correlation_id),
        causation_id=str(meta.causation_id),
        now=meta.now,
        rich=True,
    )


def domain_event_of(event: Event) -> DomainEventProtocol[UUID]:
    """The domain event of a decoded (rich) event. Old rules are not checked again."""
    event_class = resolve_topic(event.type)
    occurred_at = cast("Any", event.occurred_at)
    state = {
        **event.data,
        "originator_id": cast("Any", event.stream_id),
        "originator_version": event.version,
        "timestamp": occurred_at,
        "meta": Meta(
            cast("Any", event.organization_id),
            event.actor,
            cast("Any", event.correlation_id),
            cast("Any", event.causation_id),
            occurred_at,
        ),
    }
    if issubclass(event_class, CanInitAggregate):
        state["originator_topic"] = _owner_topic(event_class)
    domain_event = object.__new__(event_class)
    object.__setattr__(domain_event, "__dict__", state)
    return cast("DomainEventProtocol[UUID]", domain_event)


def _owner_topic(created: type) -> str:
    for aggregate in Root.__subclasses__():
        if getattr(aggregate, "Created", None) is created:
            return cast("str", cast("Any", aggregate).TOPIC)
    raise TypeError(f"{created} creates no aggregate of ours")


class AvroMapper(Mapper[UUID]):
    """Stored bytes are the Kafka bytes: Confluent-framed Avro with sealed fields."""

    def __init__(
        self, codec: Codec, writer: EventWriter, keys: SubjectKeys, connection: Connection
    ) -> None:
        super().__init__(JSONTranscoder())
        self._codec = codec
        self._writer = writer
        self._keys = keys
        self._connection = connection

    def to_stored_event(self, domain_event: DomainEventProtocol[UUID]) -> StoredEvent:
        """Encode, making keys on the transaction's connection."""
        new = self._writer.encode(self._connection, [draft_of(domain_event)])[0]
        return LogEvent(UUID(new.stream_id), new.version, new.type, new.value, new.organization_id)

    def to_domain_event(self, stored_event: StoredEvent) -> DomainEventProtocol[UUID]:
        """Decode; fields whose key is gone read as ERASED."""
        ring = self._keys.on(self._connection)
        return domain_event_of(self._codec.decode(stored_event.state, 0, ring, rich=True))


class LogEvent(StoredEvent):
    """A stored event that also says whose it is."""

    organization_id: str

    def __init__(
        self, stream: UUID, version: int, topic: str, state: bytes, organization_id: str
    ) -> None:
        super().__init__(stream, version, topic, state)
        object.__setattr__(self, "organization_id", organization_id)


class LogRecorder(AggregateRecorder):
    """The recorder over one connection: inserts through the log's locked function.

    The caller's transaction decides when it commits; a taken version raises
    VersionConflictError, and nothing is retried inside.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def insert_events(self, stored_events: Sequence[StoredEvent], **_kwargs: Any) -> Sequence[int]:
        """Positions of the events, in order."""
        return append(
            self._connection,
            [
                NewEvent(
                    str(event.originator_id),
                    event.originator_version,
                    event.topic,
                    cast("LogEvent", event).organization_id,
                    event.state,
                )
                for event in stored_events
            ],
        )

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """Events of one stream in order of version."""
        rows = self._connection.execute(
            _NEWEST_FIRST if desc else _OLDEST_FIRST,
            (str(originator_id), gt or 0, lte or 2**31 - 1, limit),
        ).fetchall()
        return [StoredEvent(UUID(str(originator_id)), *row) for row in rows]


def event_store(
    codec: Codec, writer: EventWriter, keys: SubjectKeys, connection: Connection
) -> EventStore[UUID]:
    """The library's event store over one transaction of ours."""
    return EventStore(AvroMapper(codec, writer, keys, connection), LogRecorder(connection))
