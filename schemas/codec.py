"""Events to bytes and back: Confluent-framed Avro, personal fields sealed.

The bytes are the ones stored in the event log and the ones on Kafka: `0x00`, the schema id as
four bytes big-endian, then Avro.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from fastavro import schemaless_reader, schemaless_writer

from schemas.ports import KeyRing, RandomBytes
from schemas.registry import EventSchema, Registry, SealedGroup
from schemas.sealing import SealBrokenError, erased_fields, seal, subject_of, unseal

_FRAME = struct.Struct(">bI")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class UnreadableEventError(Exception):
    """The bytes are no event of ours: bad framing, unknown schema id, or broken Avro."""


class MissingKeyError(Exception):
    """A field was to be sealed for a subject that has no key."""


@dataclass(slots=True)
class Event:
    """A decoded event, as folds and steps see it. Ids are UUID text, times microseconds (UTC).

    `data` holds the type's own fields, unsealed ones included; a field whose key is gone is
    ERASED; without a key ring the sealed fields are absent.
    """

    type: str
    topic: str
    schema_version: int
    position: int
    event_id: str
    organization_id: str
    stream_id: str
    version: int
    occurred_at: int
    actor: str
    correlation_id: str
    causation_id: str
    data: dict[str, Any]


def to_datetime(micros: int) -> datetime:
    """Microseconds since 1970 as an aware datetime in UTC."""
    return _EPOCH + timedelta(microseconds=micros)


def to_micros(moment: datetime) -> int:
    """An aware datetime as microseconds since 1970."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def schema_id_of(value: bytes) -> int:
    """The schema id in the frame. Raises UnreadableEventError when it is no Confluent frame."""
    if len(value) < _FRAME.size or value[0] != 0:
        raise UnreadableEventError("the value does not start with 0x00 and a schema id")
    return cast("int", _FRAME.unpack_from(value)[1])


_Decoded = tuple[Event, EventSchema, EventSchema]
"""An event, the schema it was written in, and the newest of its type, in which it was read."""


class Codec:
    """Encodes and decodes events. Thread-safe; holds no state but the schemas."""

    def __init__(self, registry: Registry, random_bytes: RandomBytes) -> None:
        self.registry = registry
        self._random = random_bytes

    def encode(
        self,
        event_type: str,
        meta: Mapping[str, Any],
        data: Mapping[str, Any],
        keys: Mapping[str, bytes],
        *,
        rich: bool = False,
    ) -> bytes:
        """The bytes of one event, in the newest version of its type.

        `rich` takes UUIDs and datetimes, else UUID text and microseconds. `keys` must hold the
        key of every subject that the event seals fields for, else MissingKeyError.
        """
        schema = self.registry.latest(event_type)
        record: dict[str, Any] = {"meta": meta, **data}
        if schema.sealed:
            bound_to = str(meta["event_id"]).encode()
            for group in schema.sealed:
                self._seal_group(group, record, meta, bound_to, keys, rich=rich)
        out = io.BytesIO()
        out.write(_FRAME.pack(0, schema.schema_id))
        schemaless_writer(out, schema.rich if rich else schema.raw, record)
        return out.getvalue()

    def _seal_group(
        self,
        group: SealedGroup,
        record: dict[str, Any],
        meta: Mapping[str, Any],
        bound_to: bytes,
        keys: Mapping[str, bytes],
        *,
        rich: bool,
    ) -> None:
        if group.array is None:
            record[group.field] = self._sealed(group, record, meta, bound_to, keys, rich=rich)
            return
        record[group.array] = [
            {**item, group.field: self._sealed(group, item, meta, bound_to, keys, rich=rich)}
            for item in record[group.array]
        ]

    def _sealed(
        self,
        group: SealedGroup,
        record: Mapping[str, Any],
        meta: Mapping[str, Any],
        bound_to: bytes,
        keys: Mapping[str, bytes],
        *,
        rich: bool,
    ) -> bytes:
        if group.optional and record.get(group.names[0]) is None:
            return b""
        subject = str(record[group.subject] if group.subject in record else meta[group.subject])
        if subject not in keys:
            raise MissingKeyError(f"{group.field}: {subject} has no key")
        out = io.BytesIO()
        schemaless_writer(out, group.rich if rich else group.raw, record)
        return seal(
            out.getvalue(),
            subject=subject,
            key=keys[subject],
            nonce=self._random(12),
            bound_to=bound_to + group.field.encode(),
        )

    def subjects(
        self, event_type: str, meta: Mapping[str, Any], data: Mapping[str, Any]
    ) -> set[str]:
        """Subjects whose keys `encode` needs for this event."""
        found: set[str] = set()
        for group in self.registry.latest(event_type).sealed:
            for record in [data] if group.array is None else data[group.array]:
                if not (group.optional and record.get(group.names[0]) is None):
                    source = record if group.subject in record else meta
                    found.add(str(source[group.subject]))
        return found

    def decode(
        self, value: bytes, position: int, keys: KeyRing | None, *, rich: bool = False
    ) -> Event:
        """One event. Raises UnreadableEventError when the bytes are none."""
        return self.decode_batch([(value, position)], keys, rich=rich)[0]

    def decode_batch(
        self, values: Iterable[tuple[bytes, int]], keys: KeyRing | None, *, rich: bool = False
    ) -> list[Event]:
        """Events of (value, position) pairs, in order; keys are looked up once for all.

        Raises UnreadableEventError at the first value that is no event, SealBrokenError at one
        whose sealed bytes were altered.
        """
        decoded = [self._decode_one(value, position, rich=rich) for value, position in values]
        if keys is None:
            for event, _, latest in decoded:
                _drop_sealed(event, latest)
        else:
            wanted = {s for event, _, latest in decoded for s in _sealed_for(event, latest)}
            found = keys.keys_of(wanted) if wanted else {}
            for event, written, latest in decoded:
                _open_sealed(event, written, latest, found, rich=rich)
        return [event for event, _, _ in decoded]

    def _decode_one(self, value: bytes, position: int, *, rich: bool) -> _Decoded:
        schema = self.registry.by_id.get(schema_id_of(value))
        if schema is None:
            raise UnreadableEventError(f"schema id {schema_id_of(value)} is not in ids.lock")
        latest = self.registry.latest(schema.type)
        source = io.BytesIO(value)
        source.seek(_FRAME.size)
        try:
            record = cast(
                "dict[str, Any]",
                schemaless_reader(
                    source,
                    schema.rich if rich else schema.raw,
                    None if latest is schema else (latest.rich if rich else latest.raw),
                ),
            )
        except Exception as error:
            raise UnreadableEventError(f"{schema.type}: {error}") from error
        meta = record.pop("meta")
        return _event(schema, position, meta, record), schema, latest


def _event(
    schema: EventSchema, position: int, meta: Mapping[str, Any], data: dict[str, Any]
) -> Event:
    return Event(
        schema.type,
        schema.topic,
        schema.version,
        position,
        meta["event_id"],
        meta["organization_id"],
        meta["stream_id"],
        meta["stream_version"],
        meta["occurred_at"],
        meta["actor"],
        meta["correlation_id"],
        meta["causation_id"],
        data,
    )


def _records(event: Event, group: SealedGroup) -> Sequence[dict[str, Any]]:
    return [event.data] if group.array is None else event.data[group.array]


def _sealed_for(event: Event, schema: EventSchema) -> Iterable[str]:
    for group in schema.sealed:
        for record in _records(event, group):
            if record[group.field]:
                yield subject_of(record[group.field])


def _drop_sealed(event: Event, schema: EventSchema) -> None:
    for group in schema.sealed:
        for record in _records(event, group):
            del record[group.field]


def _open_sealed(
    event: Event,
    written: EventSchema,
    latest: EventSchema,
    keys: Mapping[str, bytes],
    *,
    rich: bool,
) -> None:
    for group in latest.sealed:
        writer = group if written is latest else _written_group(written, group)
        for record in _records(event, group):
            record.update(_opened(event, record, writer, group, keys, rich=rich))


def _opened(
    event: Event,
    record: dict[str, Any],
    writer: SealedGroup,
    group: SealedGroup,
    keys: Mapping[str, bytes],
    *,
    rich: bool,
) -> dict[str, Any]:
    envelope = record.pop(group.field)
    if not envelope:
        return dict.fromkeys(group.names)
    subject = subject_of(envelope)
    # A changed subject would otherwise look like one whose key is gone: erased instead of broken.
    named = record[group.subject] if group.subject in record else getattr(event, group.subject)
    if str(named) != subject:
        raise SealBrokenError(f"{event.type}.{group.field} is sealed for {subject}, not {named}")
    key = keys.get(subject)
    if key is None:
        return erased_fields(list(group.names))
    bound_to = str(event.event_id).encode() + group.field.encode()
    source = io.BytesIO(unseal(envelope, key=key, bound_to=bound_to))
    if writer is group:
        opened = schemaless_reader(source, group.rich if rich else group.raw, None)
    elif rich:
        opened = schemaless_reader(source, writer.rich, group.rich)
    else:
        opened = schemaless_reader(source, writer.raw, group.raw)
    return cast("dict[str, Any]", opened)


def _written_group(written: EventSchema, group: SealedGroup) -> SealedGroup:
    """The same sealed field as the event's own version has it; a later field holds no bytes."""
    same = (g for g in written.sealed if (g.array, g.field) == (group.array, group.field))
    return next(same, group)
