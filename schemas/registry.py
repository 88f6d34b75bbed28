"""The schema files, loaded and checked: event types, their Avro schemas, ids and topics.

A schema file is the only definition of an event. Ids stand in stored bytes, so they are assigned
once, in `ids.lock`, and are the same on every install.
"""

from __future__ import annotations

import copy
import functools
import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import fastavro
import fastavro.schema

ROOT = Path(__file__).parent
Schema = dict[str, Any]
_FILE_NAME = re.compile(r"\w+\.v(?P<version>[1-9][0-9]*)\.avsc")


class SchemaError(Exception):
    """A schema file, a topic file or `ids.lock` is wrong; the message names the file and why."""


@dataclass(frozen=True, slots=True)
class SealedGroup:
    """A bytes field that holds the encrypted record of one subject's fields.

    `array` names the array of records it stands in, or is None at the top of the event.
    """

    field: str
    subject: str
    optional: bool
    array: str | None
    names: tuple[str, ...]
    rich: Any
    raw: Any


@dataclass(frozen=True, slots=True)
class EventSchema:
    """One version of one event type.

    `definition` is the self-contained Avro schema; `rich` reads UUIDs and datetimes, `raw` the
    text and microseconds beneath them (several times faster, for batches).
    """

    type: str
    version: int
    topic: str
    schema_id: int
    definition: Schema
    rich: Any
    raw: Any
    sealed: tuple[SealedGroup, ...]

    @property
    def subject(self) -> str:
        """The registry's subject: the full record name."""
        return f"nudge.{self.type}"


def fingerprint(definition: Schema) -> str:
    """SHA-256 of all that decides how bytes are read and sealed: everything but the docs.

    Avro's parsing canonical form will not do: it leaves out defaults, logical types and pii.
    """
    canonical = json.dumps(_without_docs(definition), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _without_docs(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: _without_docs(v) for k, v in schema.items() if k != "doc"}
    if isinstance(schema, list):
        return [_without_docs(part) for part in schema]
    return schema


def without_logical_types(schema: Any) -> Any:
    """The same schema without logical types: same bytes, plain values."""
    if isinstance(schema, dict):
        return {k: without_logical_types(v) for k, v in schema.items() if k != "logicalType"}
    if isinstance(schema, list):
        return [without_logical_types(part) for part in schema]
    return schema


def _parse(definition: Any) -> Any:
    return fastavro.parse_schema(copy.deepcopy(definition))


def _sealed_record(owner: str, field: Schema) -> Schema:
    name = f"{owner}_{field['name']}"
    return {"type": "record", "name": name, "fields": field["pii"]["fields"]}


def _group(owner: str, field: Schema, array: str | None) -> SealedGroup:
    record = _sealed_record(owner, field)
    return SealedGroup(
        field=field["name"],
        subject=field["pii"]["subject"],
        optional=bool(field["pii"].get("optional", False)),
        array=array,
        names=tuple(f["name"] for f in record["fields"]),
        rich=_parse(record),
        raw=_parse(without_logical_types(record)),
    )


def _sealed_groups(definition: Schema) -> tuple[SealedGroup, ...]:
    groups = []
    for field in definition["fields"]:
        if "pii" in field:
            groups.append(_group(definition["name"], field, None))
        kind = field["type"]
        if (
            isinstance(kind, dict)
            and kind.get("type") == "array"
            and isinstance(kind["items"], dict)
        ):
            groups += [
                _group(definition["name"], inner, field["name"])
                for inner in kind["items"].get("fields", [])
                if "pii" in inner
            ]
    return tuple(groups)


class Registry:
    """All event schemas of one folder. Immutable once loaded."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._meta = read_meta(root)
        self.locked = read_lock(root / "ids.lock")
        self.by_id: dict[int, EventSchema] = {}
        self.versions: dict[str, list[EventSchema]] = {}
        for path in sorted(root.glob("avro/*/*.avsc"), key=file_order):
            self._add(path)

    def _add(self, path: Path) -> None:
        definition = read_definition(path, self._meta)
        name, version = definition["name"], file_version(path)
        schema_id = self._locked_id(path, name, version, definition)
        schema = EventSchema(
            type=name,
            version=version,
            topic=path.parent.name,
            schema_id=schema_id,
            definition=definition,
            rich=_parse(definition),
            raw=_parse(without_logical_types(definition)),
            sealed=_sealed_groups(definition),
        )
        self.by_id[schema_id] = schema
        self.versions.setdefault(name, []).append(schema)

    def _locked_id(self, path: Path, name: str, version: int, definition: Schema) -> int:
        entry = self.locked.get((name, version))
        if entry is None:
            raise SchemaError(f"{path.name}: has no id yet; run `nudge schemas lock`")
        if entry[1] != fingerprint(definition):
            raise SchemaError(
                f"{path.name}: changed after it was published;"
                f" add {name}.v{version + 1}.avsc instead"
            )
        return entry[0]

    def latest(self, event_type: str) -> EventSchema:
        """The newest version of an event type. Raises SchemaError for an unknown one."""
        try:
            return self.versions[event_type][-1]
        except KeyError:
            raise SchemaError(f"{event_type}: no such event type in schemas/avro") from None

    @functools.cached_property
    def topics(self) -> dict[str, list[str]]:
        """Event types by topic."""
        found: dict[str, list[str]] = {}
        for name, versions in self.versions.items():
            found.setdefault(versions[-1].topic, []).append(name)
        return found

    @functools.cached_property
    def topic_of(self) -> dict[str, str]:
        """Topic by event type."""
        return {name: versions[-1].topic for name, versions in self.versions.items()}


def file_version(path: Path) -> int:
    """The version in a file's name. Raises SchemaError when it has none."""
    found = _FILE_NAME.fullmatch(path.name)
    if found is None:
        raise SchemaError(f"{path.name}: the file is named <record name>.v<version>.avsc")
    return int(found["version"])


def file_order(path: Path) -> tuple[str, str, int]:
    """By topic, event type, version."""
    return path.parent.name, path.name.split(".")[0], file_version(path)


def read_meta(root: Path = ROOT) -> Schema:
    """The record that every event shares."""
    return cast("Schema", json.loads((root / "avro" / "meta.avsc").read_text()))


def read_definition(path: Path, meta: Schema) -> Schema:
    """The file's schema, self-contained. Raises SchemaError when the file breaks a rule."""
    try:
        definition = cast("Schema", json.loads(path.read_text()))
    except ValueError as error:
        raise SchemaError(f"{path.name}: is not JSON: {error}") from error
    if path.name != f"{definition.get('name')}.v{file_version(path)}.avsc":
        raise SchemaError(f"{path.name}: the file is named <record name>.v<version>.avsc")
    first = (definition.get("fields") or [{}])[0]
    if first.get("name") != "meta" or first.get("type") != "nudge.Meta":
        raise SchemaError(f"{path.name}: the first field is meta, of type nudge.Meta")
    for field in definition["fields"]:
        if not field.get("doc"):
            raise SchemaError(f"{path.name}: field {field.get('name')} has no doc")
    first["type"] = copy.deepcopy(meta)
    return definition


def read_lock(path: Path) -> dict[tuple[str, int], tuple[int, str]]:
    """(type, version) -> (id, fingerprint). Raises SchemaError for ids that repeat.

    Lines are in the order of publication; ids may leave gaps, for work that goes on elsewhere.
    """
    entries: dict[tuple[str, int], tuple[int, str]] = {}
    taken: set[int] = set()
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else [], 1):
        schema_id, name, version, digest = line.split()
        if int(schema_id) in taken or (name, int(version)) in entries:
            raise SchemaError(f"ids.lock:{number}: each id and each version stands here once")
        taken.add(int(schema_id))
        entries[name, int(version)] = (int(schema_id), digest)
    return entries


def lock_new_schemas(root: Path = ROOT) -> list[str]:
    """Append an id for every schema file that has none; returns the new lines."""
    lock = root / "ids.lock"
    entries = read_lock(lock)
    meta = read_meta(root)
    lines = []
    for path in sorted(root.glob("avro/*/*.avsc"), key=file_order):
        definition = read_definition(path, meta)
        key = (definition["name"], file_version(path))
        if key not in entries:
            next_id = max((given for given, _ in entries.values()), default=0) + 1
            entries[key] = (next_id, fingerprint(definition))
            lines.append(f"{next_id} {key[0]} {key[1]} {entries[key][1]}")
    with lock.open("a") as file:
        file.writelines(line + "\n" for line in lines)
    return lines


@functools.cache
def default_registry() -> Registry:
    """The registry of the committed schema files."""
    return Registry()
