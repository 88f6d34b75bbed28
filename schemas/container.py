"""Events in Avro container files: one schema that holds every event type, for any Avro reader."""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Final

from fastavro import schemaless_reader

from schemas.codec import UnreadableEventError, schema_id_of
from schemas.registry import Registry, Schema

_HEADER: Final = 5
_NAMED: Final = frozenset({"record", "enum", "fixed"})
_BUILT_IN: Final = "nudge.Recorded"


def container_schema(registry: Registry, types: Iterable[str]) -> Schema:
    """`nudge.Recorded`: a position, when it was recorded, its topic, and the event as one of these
    types, in its newest version. Sealed fields stay sealed: bytes, as in the log."""
    known: set[str] = set()
    union = [_once(registry.latest(name).definition, "", known) for name in sorted(types)]
    return {
        "type": "record",
        "name": _BUILT_IN,
        "doc": "An event of the log, as a replay wrote it.",
        "fields": [
            {"name": "position", "type": "long"},
            {"name": "recorded_at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
            {"name": "topic", "type": "string"},
            {"name": "event", "type": union},
        ],
    }


def _once(schema: Any, namespace: str, known: set[str]) -> Any:
    """The schema, with records that were defined before replaced by their name."""
    if isinstance(schema, list):
        return [_once(each, namespace, known) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if schema.get("type") in _NAMED:
        namespace = schema.get("namespace", namespace)
        name = schema["name"] if "." in schema["name"] else f"{namespace}.{schema['name']}"
        if name in known:
            return name
        known.add(name)
        fields = [
            {**each, "type": _once(each["type"], namespace, known)}
            for each in schema.get("fields", ())
        ]
        return {**schema, "fields": fields} if "fields" in schema else schema
    return {k: _once(v, namespace, known) if k in ("type", "items", "values") else v
            for k, v in schema.items()}  # fmt: skip


def event_in_container(registry: Registry, value: bytes) -> tuple[str, dict[str, Any]]:
    """Full name and fields of a stored event, sealed fields as they are. Raises
    UnreadableEventError."""
    schema = registry.by_id.get(schema_id_of(value))
    if schema is None:
        raise UnreadableEventError(f"schema id {schema_id_of(value)} is not in ids.lock")
    latest = registry.latest(schema.type)
    source = io.BytesIO(value)
    source.seek(_HEADER)
    try:
        record = schemaless_reader(source, schema.raw, None if latest is schema else latest.raw)
    except Exception as error:
        raise UnreadableEventError(f"{schema.type}: {error}") from error
    return latest.subject, dict(record)  # type: ignore[arg-type]
