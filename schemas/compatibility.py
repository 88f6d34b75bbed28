"""Whether a later version of an event can read every earlier one, field by field.

Avro's own rule (the `avro` package's checker) says whether bytes can be resolved. Events are kept
for ever, so ours go further: nothing is removed, nothing changes meaning, and what is sealed for a
person stays sealed for that person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import avro.errors
import avro.schema
from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

from schemas.registry import Schema, SchemaError

Found = Iterator[tuple[str, str]]
"""(field, why) pairs; a field is a path such as `mentions[].sealed_address.address`."""


# What the parser raises for JSON that is no schema, depending on where it notices.
_REFUSALS = (
    avro.errors.AvroException,
    ValueError,
    TypeError,
    AttributeError,
    KeyError,
    RecursionError,
)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """Something that must not be committed: in which file, at which field (or none), and why."""

    file: str
    field: str
    why: str

    def __str__(self) -> str:
        where = f"{self.file}: {self.field}" if self.field else self.file
        return f"{where}: {self.why}"


def parse(definition: Schema) -> Any:
    """The schema as the `avro` package sees it. Raises SchemaError when Avro refuses it."""
    try:
        return avro.schema.parse(json.dumps(definition))
    except _REFUSALS as error:
        raise SchemaError(f"not an Avro schema: {error}") from error


def sealed_record(field: Any) -> Any:
    """The record inside a sealed field. Raises SchemaError when the mark holds none."""
    mark = field.other_props["pii"]
    if not isinstance(mark, dict) or not isinstance(mark.get("fields"), list):
        raise SchemaError(f"{field.name}: pii needs subject and fields")
    fields = mark["fields"]
    return parse({"type": "record", "name": f"Sealed_{field.name}", "fields": fields})


def incompatibilities(earlier: Schema, later: Schema) -> list[tuple[str, str]]:
    """Why `later` cannot replace `earlier`: (field, why) pairs, none when it can.

    Raises SchemaError when one of them is no Avro schema.
    """
    old, new = parse(earlier), parse(later)
    found = list(dict.fromkeys(_compare_types(old, new, "")))
    return found or [("", why) for why in _unresolvable(old, new)]


def _unresolvable(old: Any, new: Any) -> list[str]:
    checker: Any = ReaderWriterCompatibilityChecker  # the package has no types
    result = checker().get_compatibility(reader=new, writer=old)
    if result.compatibility is SchemaCompatibilityType.compatible:
        return []
    kinds = sorted({kind.value.replace("_", " ") for kind in result.incompatibilities})
    return [f"{', '.join(kinds)} ({'; '.join(sorted(result.messages))})"]


def _compare_types(old: Any, new: Any, path: str) -> Found:
    if old.type == new.type == "record":
        if old.fullname != new.fullname:
            yield path, f"the record {old.fullname} became {new.fullname}"
        yield from _compare_fields(old, new, path)
    elif old.type == new.type == "array":
        yield from _compare_types(old.items, new.items, f"{path}[]")
    elif old.type == new.type == "map":
        yield from _compare_types(old.values, new.values, f"{path}{{}}")
    else:
        yield from ((path, f"changed its type: {why}") for why in _unresolvable(old, new))
        yield from _changed_meaning(old, new, path)
        for branch in _branches(old):
            twin = next((b for b in _branches(new) if _same_record(branch, b)), None)
            if twin is not None:
                yield from _compare_fields(branch, twin, path)


def _branches(schema: Any) -> list[Any]:
    return list(schema.schemas) if schema.type in ("union", "error_union") else [schema]


def _same_record(one: Any, other: Any) -> bool:
    return bool(one.type == other.type == "record" and one.fullname == other.fullname)


def _changed_meaning(old: Any, new: Any, path: str) -> Found:
    """What Avro resolves but we do not accept: the bytes would be read as something else."""
    before, after = _meanings(old), _meanings(new)
    for kind, logical in before.items():
        if kind in after and after[kind] != logical:
            yield (
                path,
                f"changed its logical type from {logical or 'none'} to {after[kind] or 'none'}",
            )
    if "bytes" in before and "bytes" not in after and "string" in after:
        yield path, "changed its type from bytes to string: not all bytes are text"


def _meanings(schema: Any) -> dict[str, str | None]:
    return {branch.type: branch.props.get("logicalType") for branch in _branches(schema)}


def _compare_fields(old: Any, new: Any, path: str) -> Found:
    prefix = f"{path}." if path else ""
    for name, field in old.fields_dict.items():
        if name not in new.fields_dict:
            yield f"{prefix}{name}", "was removed; keep it, stored events carry it"
            continue
        after = new.fields_dict[name]
        yield from _compare_types(field.type, after.type, f"{prefix}{name}")
        yield from _compare_seals(field, after, f"{prefix}{name}")
    for name, field in new.fields_dict.items():
        if name not in old.fields_dict:
            yield from _new_field(field, f"{prefix}{name}")


def _new_field(field: Any, path: str) -> Found:
    if not field.has_default:
        yield path, "is new and has no default; earlier events do not carry it"
    if "pii" in field.other_props:
        sealed_record(field)
        if not field.other_props["pii"].get("optional"):
            yield path, "is new and sealed: mark it optional, earlier events seal nothing there"


def _compare_seals(old: Any, new: Any, path: str) -> Found:
    before, after = old.other_props.get("pii"), new.other_props.get("pii")
    if before is None:
        if after is not None:
            yield path, "became sealed; stored events hold it open, add a new field instead"
        return
    if after is None:
        yield path, "its pii mark was dropped"
        return
    inner_before, inner_after = sealed_record(old), sealed_record(new)
    for part in ("subject", "optional"):
        if before.get(part) != after.get(part):
            yield path, f"its pii {part} changed from {before.get(part)} to {after.get(part)}"
    yield from _compare_fields(inner_before, inner_after, path)
