"""Replays into files: NDJSON, or an Avro container that any Avro reader opens. Both can go on."""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any, Final

from fastavro import block_reader, reader
from fastavro.write import Writer

from infra.replay.records import Replayed, ReplayError
from schemas.codec import Codec, Event, to_datetime, to_micros
from schemas.container import container_schema, event_in_container
from schemas.registry import Registry

_TAIL: Final = 1 << 20


def shown(codec: Codec, record: Replayed) -> dict[str, Any]:
    """A record as JSON can say it: an event with its personal fields sealed, or raw in base64."""
    came = {"topic": record.topic, "recorded_at": record.at.isoformat()}
    if record.offset is not None:
        came |= {"partition": record.partition, "offset": record.offset}  # type: ignore[dict-item]
    if record.topic not in codec.registry.topics:
        headers = {name: value.decode(errors="replace") for name, value in record.headers.items()}
        return {**came, "headers": headers, "value": base64.b64encode(record.value).decode()}
    return {**came, **_event(codec.decode(record.value, record.position, None))}


def _event(event: Event) -> dict[str, Any]:
    return {
        "position": event.position,
        "type": event.type,
        "schema_version": event.schema_version,
        "event_id": event.event_id,
        "stream": event.stream_id,
        "version": event.version,
        "organization_id": event.organization_id,
        "occurred_at": to_datetime(event.occurred_at).isoformat(),
        "actor": event.actor,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
        "data": {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in event.data.items()
        },
    }


class NdjsonFile:
    """One JSON object a line."""

    def __init__(self, path: Path, codec: Codec) -> None:
        self._codec = codec
        self._file = path.open("ab")

    def write(self, records: Sequence[Replayed]) -> None:
        """Add lines, and hand them to the system."""
        for record in records:
            line = json.dumps(shown(self._codec, record), ensure_ascii=False)
            self._file.write(line.encode() + b"\n")
        self._file.flush()

    def close(self) -> None:
        """Done."""
        self._file.close()


class AvroFile:
    """An Avro container of `nudge.Recorded`, deflated; a block for each chunk."""

    def __init__(self, path: Path, registry: Registry, types: Sequence[str]) -> None:
        """Goes on behind what is there. Raises ReplayError when that has no room for a type."""
        if path.exists() and path.stat().st_size and not set(types) <= _types_in(path):
            raise ReplayError(f"{path.name} was made for other event types: give the same ones")
        self._registry = registry
        self._file: IO[bytes] = path.open("a+b")
        schema = container_schema(registry, types)
        self._writer: Any = Writer(self._file, schema, codec="deflate")

    def write(self, records: Sequence[Replayed]) -> None:
        """Add events. Raises ReplayError for a raw record."""
        for record in records:
            if record.topic not in self._registry.topics:
                raise ReplayError("raw records go into .ndjson files")
            self._writer.write(
                {
                    "position": record.position,
                    "recorded_at": to_micros(record.at),
                    "topic": record.topic,
                    "event": event_in_container(self._registry, record.value),
                }
            )
        self._writer.flush()
        self._file.flush()

    def close(self) -> None:
        """Done."""
        self._file.close()


def _types_in(path: Path) -> set[str]:
    """Event types that the container's own schema has."""
    with path.open("rb") as file:
        schema: Any = reader(file).writer_schema
    (union,) = [field["type"] for field in schema["fields"] if field["name"] == "event"]
    return {each["name"].rpartition(".")[2] for each in union}


def mend(path: Path) -> int:
    """Cut off what a killed replay left half written; the last position in the file, 0 if none.

    Raises ReplayError for a file that no replay wrote.
    """
    if not path.exists() or path.stat().st_size == 0:
        return 0
    end, position = _ends[path.suffix](path)
    with path.open("r+b") as file:
        file.truncate(end)
    return position


def _end_of_ndjson(path: Path) -> tuple[int, int]:
    size = path.stat().st_size
    with path.open("rb") as file:
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    whole = tail.rfind(b"\n") + 1
    if not whole and size > _TAIL:
        raise ReplayError(f"{path.name} has a line of more than {_TAIL:,} bytes")
    lines = tail[:whole].splitlines()
    try:
        position = int(json.loads(lines[-1])["position"]) if lines else 0
    except (ValueError, KeyError, TypeError):
        raise ReplayError(f"{path.name} does not end with an event of a replay") from None
    return size - len(tail) + whole, position


def _end_of_avro(path: Path) -> tuple[int, int]:
    """Behind the last whole block; a broken one after it is a replay's that was killed."""
    position = 0
    with path.open("rb") as file:
        try:
            blocks = block_reader(file)
            end = file.tell()
        except (ValueError, EOFError, IndexError) as error:
            raise ReplayError(f"{path.name} is no Avro container: {error}") from None
        try:
            for block in blocks:
                last: Any = deque(block, maxlen=1)[0]
                position = int(last["position"])
                end = block.offset + block.size
        except (ValueError, EOFError, IndexError, KeyError, TypeError):
            pass
    return end, position


_ends: Final[dict[str, Callable[[Path], tuple[int, int]]]] = {
    ".ndjson": _end_of_ndjson,
    ".avro": _end_of_avro,
}
SUFFIXES: Final = tuple(_ends)
