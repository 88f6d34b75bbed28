"""Example events as files: read strictly, so that an example says what the schema says.

A file holds `meta` and `data` (sealed fields open), times as RFC 3339 text in UTC, bytes as
hexadecimal text. One under `must-fail/` also holds `fails_because`, part of the reason why.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from schemas.codec import to_micros
from schemas.registry import ROOT, EventSchema, Registry, Schema

_INT = 2**31
_LONG = 2**63


class ExampleError(Exception):
    """The example is not what its schema says; the message names the field."""


@dataclass(frozen=True, slots=True)
class Example:
    """One file. `fails_because` is None for a valid one."""

    path: Path
    topic: str
    type: str
    meta: Mapping[str, Any]
    data: Mapping[str, Any]
    fails_because: str | None


def all_examples(root: Path = ROOT) -> list[Example]:
    """Valid examples, in the order of their paths."""
    return [_load(path) for path in sorted(root.glob("examples/*/*.json"))]


def all_must_fail(root: Path = ROOT) -> list[Example]:
    """Examples that must be refused."""
    return [_load(path) for path in sorted(root.glob("examples/*/must-fail/*.json"))]


def _load(path: Path) -> Example:
    raw = json.loads(path.read_text())
    topic = path.parent.parent.name if path.parent.name == "must-fail" else path.parent.name
    kind = path.name.split(".")[0]
    return Example(path, topic, kind, raw["meta"], raw["data"], raw.get("fails_because"))


def values(
    example: Example, registry: Registry, *, rich: bool
) -> tuple[dict[str, Any], dict[str, Any]]:
    """meta and data as `Codec.encode` takes them. Raises ExampleError naming the field."""
    schema = registry.latest(example.type)
    if schema.topic != example.topic:
        raise ExampleError(f"{example.type}: belongs to {schema.topic}")
    meta_fields = schema.definition["fields"][0]["type"]["fields"]
    meta = _record(list(meta_fields), example.meta, "meta.", rich=rich)
    return meta, _record(list(open_fields(schema)), example.data, "", rich=rich)


def open_fields(schema: EventSchema) -> Iterator[Schema]:
    """The type's own fields as a decoded event has them: sealed ones open, without meta."""
    return _open(schema.definition["fields"][1:])


def _open(fields: list[Schema]) -> Iterator[Schema]:
    for field in fields:
        if "pii" not in field:
            yield field
        elif field["pii"].get("optional"):
            yield from ({**f, "type": ["null", f["type"]]} for f in field["pii"]["fields"])
        else:
            yield from field["pii"]["fields"]


def _record(fields: list[Schema], value: Any, prefix: str, *, rich: bool) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise ExampleError(f"{prefix.rstrip('.')}: expected a record")
    names = [field["name"] for field in fields]
    for name in value:
        if name not in names:
            raise ExampleError(f"{prefix}{name}: unknown field")
    found = {}
    for field in fields:
        name = field["name"]
        if name not in value:
            raise ExampleError(f"{prefix}{name}: missing")
        found[name] = _value(field["type"], value[name], f"{prefix}{name}", rich=rich)
    return found


def _value(kind: Any, value: Any, path: str, *, rich: bool) -> Any:
    if isinstance(kind, list):
        if value is None:
            return None
        return _value(next(k for k in kind if k != "null"), value, path, rich=rich)
    name = kind["type"] if isinstance(kind, dict) else kind
    if name == "array":
        if not isinstance(value, list):
            raise ExampleError(f"{path}: expected a list")
        items = enumerate(value)
        return [_value(kind["items"], item, f"{path}[{i}]", rich=rich) for i, item in items]
    if name == "record":
        return _record(list(_open(kind["fields"])), value, f"{path}.", rich=rich)
    logical = kind.get("logicalType") if isinstance(kind, dict) else None
    try:
        return _READ[logical or name](value, rich)
    except (KeyError, TypeError, ValueError, AttributeError):
        raise ExampleError(f"{path}: expected {logical or name}, got {value!r}") from None


def _text(value: Any, _: bool) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(limit: int) -> Callable[[Any, bool], int]:
    def read(value: Any, _: bool) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not -limit <= value < limit:
            raise ValueError
        return value

    return read


def _number(value: Any, _: bool) -> float:
    if isinstance(value, bool):
        raise TypeError
    return float(value + 0)


def _flag(value: Any, _: bool) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _uuid(value: Any, rich: bool) -> UUID | str:
    parsed = UUID(value)
    if str(parsed) != value:
        raise ValueError
    return parsed if rich else str(parsed)


def _time(value: Any, rich: bool) -> datetime | int:
    moment = datetime.fromisoformat(value)
    if moment.utcoffset() is None:
        raise ValueError
    return moment if rich else to_micros(moment)


_READ: dict[str, Callable[[Any, bool], Any]] = {
    "string": _text,
    "int": _whole(_INT),
    "long": _whole(_LONG),
    "double": _number,
    "boolean": _flag,
    "bytes": lambda value, _: bytes.fromhex(value),
    "uuid": _uuid,
    "timestamp-micros": _time,
}
