"""Copies of the schema folder in which tests make up changes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.registry import ROOT, Schema

Edit = Callable[[Schema], None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the schema files, lock and topics; nothing in it is wrong."""
    copy = tmp_path / "schemas"
    for part in ("avro", "topics"):
        shutil.copytree(ROOT / part, copy / part)
    shutil.copy(ROOT / "ids.lock", copy / "ids.lock")
    return copy


def path_of(folder: Path, kind: str, version: int = 1) -> Path:
    """The file of an event type, found by its first version."""
    return next(folder.glob(f"avro/*/{kind}.v1.avsc")).with_name(f"{kind}.v{version}.avsc")


def edit(folder: Path, kind: str, change: Edit, version: int = 1) -> None:
    """Change a file in place."""
    path = path_of(folder, kind, version)
    schema = json.loads(path.read_text())
    change(schema)
    path.write_text(json.dumps(schema, indent=2))


def add_version(folder: Path, kind: str, change: Edit) -> int:
    """A next version that is the newest one, changed; its number."""
    version = 2
    while path_of(folder, kind, version).exists():
        version += 1
    shutil.copy(path_of(folder, kind, version - 1), path_of(folder, kind, version))
    edit(folder, kind, change, version)
    return version


def field(schema: Schema, name: str) -> dict[str, Any]:
    """A field of a record; dots lead into sealed records and arrays of records."""
    first, _, rest = name.partition(".")
    found: dict[str, Any] = next(f for f in schema["fields"] if f["name"] == first)
    if not rest:
        return found
    inner = found["pii"] if "pii" in found else found["type"]["items"]
    return field(inner, rest)


def without(schema: Schema, name: str) -> None:
    """Remove a field; dots as in `field`."""
    *parents, last = name.split(".")
    record = schema
    for parent in parents:
        found = field(record, parent)
        record = found["pii"] if "pii" in found else found["type"]["items"]
    record["fields"] = [f for f in record["fields"] if f["name"] != last]
