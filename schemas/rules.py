"""What every event schema must look like, whatever its version: documented, and sealed right."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from schemas.compatibility import Found, parse, sealed_record
from schemas.registry import Schema, SchemaError

_SUBJECTS_IN_META = ("organization_id", "stream_id")


def broken_rules(definition: Schema) -> list[tuple[str, str]]:
    """(field, why) pairs for one self-contained event schema; none when all is well."""
    try:
        event = parse(definition)
    except SchemaError as error:
        return [("", str(error))]
    found = [] if definition.get("doc") else [("", "has no doc")]
    if event.fullname != f"nudge.{event.name}":
        found.append(("", f"its namespace is nudge, not {event.fullname}"))
    found += _check_record(event, "", sealable=True)
    # A mark that holds no record is reported above; names can be compared once it does.
    return found or list(_colliding_names(event))


def _check_record(record: Any, path: str, *, sealable: bool) -> Found:
    prefix = f"{path}." if path else ""
    for field in record.fields:
        here = f"{prefix}{field.name}"
        if not field.doc:
            yield here, "has no doc"
        if "pii" in field.other_props:
            yield from _check_seal(record, field, here, sealable=sealable)
        # The codec seals at the top of an event and in an array of records, nowhere else.
        in_array = field.type.type == "array" and not path
        for inner, suffix in _records_in(field.type):
            yield from _check_record(inner, here + suffix, sealable=in_array and suffix == "[]")


def _records_in(kind: Any, suffix: str = "") -> Iterator[tuple[Any, str]]:
    if kind.type == "record":
        yield kind, suffix
    elif kind.type == "array":
        yield from _records_in(kind.items, f"{suffix}[]")
    elif kind.type == "map":
        yield from _records_in(kind.values, f"{suffix}{{}}")
    elif kind.type == "union":
        for branch in kind.schemas:
            yield from _records_in(branch, f"{suffix}?")


def _check_seal(record: Any, field: Any, path: str, *, sealable: bool) -> Found:
    pii = field.other_props["pii"]
    if not sealable:
        yield path, "is marked pii where nothing is sealed: only at the top, or in an array"
    if field.type.type != "bytes":
        yield path, "is marked pii and not bytes"
    try:
        inner = sealed_record(field)
    except SchemaError as error:
        yield path, str(error)
        return
    if set(pii) - {"subject", "fields", "optional"} or not inner.fields:
        yield path, "its pii mark holds subject, fields and optional, with at least one field"
    subject = pii.get("subject")
    if subject not in record.fields_dict and subject not in _SUBJECTS_IN_META:
        yield path, f"its pii subject {subject} is no field beside it, nor in meta"
    for part in inner.fields:
        if not part.doc:
            yield f"{path}.{part.name}", "has no doc"


def _colliding_names(event: Any) -> Found:
    """Unsealed fields stand beside the open ones in a decoded event, so names must differ."""
    for record, path in [(event, ""), *_item_records(event)]:
        names = [field.name for field in record.fields]
        for field in record.fields:
            if "pii" in field.other_props:
                for part in field.other_props["pii"].get("fields", []):
                    if part["name"] in names:
                        yield f"{path}{field.name}.{part['name']}", "its name is used twice"
                    names.append(part["name"])


def _item_records(event: Any) -> Iterator[tuple[Any, str]]:
    for field in event.fields:
        if field.type.type == "array" and field.type.items.type == "record":
            yield field.type.items, f"{field.name}[]."
