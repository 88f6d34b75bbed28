"""Everything `nudge schemas check` looks at: schema files, `ids.lock`, topic files, a base."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from schemas.compatibility import Finding, incompatibilities
from schemas.registry import (
    Schema,
    SchemaError,
    file_order,
    fingerprint,
    read_definition,
    read_lock,
    read_meta,
)
from schemas.rules import broken_rules
from schemas.topics import Topic, load_topic

_LOCK = "ids.lock"


@dataclass(frozen=True, slots=True)
class _File:
    path: str
    topic: str
    type: str
    version: int
    definition: Schema


def check(root: Path, base: Path | None = None) -> list[Finding]:
    """Findings in the schema folder `root`, and in what changed since the folder `base`."""
    files, findings = _read_files(root)
    topics, broken = _read_topics(root)
    findings += broken
    for file in files:
        findings += _at(file, broken_rules(file.definition))
    findings += _check_lock(root, files)
    findings += _check_versions(files)
    findings += _check_topics(topics, files)
    if base is not None:
        findings += _check_base(root, base, files, topics)
    return sorted(set(findings))


def _at(file: _File, found: list[tuple[str, str]]) -> list[Finding]:
    return [Finding(file.path, field, why) for field, why in found]


def _read_files(root: Path) -> tuple[list[_File], list[Finding]]:
    files, findings = [], []
    meta = read_meta(root)
    for path in sorted(root.glob("avro/*/*")):
        name = str(path.relative_to(root))
        try:
            definition = read_definition(path, meta)
            _, kind, version = file_order(path)
            files.append(_File(name, path.parent.name, kind, version, definition))
        except SchemaError as error:
            findings.append(Finding(name, "", str(error).removeprefix(f"{path.name}: ")))
    return sorted(files, key=lambda f: (f.topic, f.type, f.version)), findings


def _read_topics(root: Path) -> tuple[dict[str, Topic], list[Finding]]:
    topics, findings = {}, []
    for path in sorted(root.glob("topics/*.yaml")):
        try:
            topics[path.stem] = load_topic(path)
        except (SchemaError, ValueError) as error:
            why = str(error).removeprefix(f"{path.name}: ")
            findings.append(Finding(f"topics/{path.name}", "", why))
    return topics, findings


def _check_lock(root: Path, files: list[_File]) -> Iterator[Finding]:
    try:
        locked = read_lock(root / _LOCK)
    except (SchemaError, ValueError) as error:
        yield Finding(_LOCK, "", str(error))
        return
    present = {(file.type, file.version) for file in files}
    for kind, version in sorted(set(locked) - present):
        yield Finding(_LOCK, "", f"{kind} v{version} is published and its file is gone")
    for file in files:
        entry = locked.get((file.type, file.version))
        if entry is None:
            yield Finding(file.path, "", "has no id yet; run `nudge schemas lock`")
        elif entry[1] != fingerprint(file.definition):
            yield Finding(
                file.path,
                "",
                f"changed after it was published; undo it and add {file.type}.v{file.version + 1}",
            )


def _check_versions(files: list[_File]) -> Iterator[Finding]:
    by_type: dict[str, list[_File]] = {}
    for file in files:
        by_type.setdefault(file.type, []).append(file)
    for versions in by_type.values():
        versions.sort(key=lambda file: file.version)
        if [file.version for file in versions] != list(range(1, len(versions) + 1)):
            yield Finding(versions[-1].path, "", "versions count from 1 without a gap")
        if len({file.topic for file in versions}) > 1:
            yield Finding(versions[-1].path, "", "an event type belongs to exactly one topic")
        for earlier, later in combinations(versions, 2):
            yield from _compare(earlier, later)


def _compare(earlier: _File, later: _File) -> list[Finding]:
    try:
        found = incompatibilities(earlier.definition, later.definition)
    except SchemaError:
        return []  # the rules of the file itself say so already
    return [
        Finding(later.path, field, f"{why} (against v{earlier.version})") for field, why in found
    ]


def _check_topics(topics: dict[str, Topic], files: list[_File]) -> Iterator[Finding]:
    used = {file.topic for file in files}
    for name in sorted(used - set(topics)):
        yield Finding(f"avro/{name}", "", f"has no topic file topics/{name}.yaml")
    for name, topic in sorted(topics.items()):
        path = f"topics/{name}.yaml"
        if topic.partitions < 1:
            yield Finding(path, "partitions", "a topic has at least one")
        if topic.config.get("cleanup.policy") not in ("delete", "compact"):
            yield Finding(path, "config.cleanup.policy", "is delete or compact")
        if not topic.config.get("retention.ms", "").lstrip("-").isdigit():
            yield Finding(path, "config.retention.ms", "is a number of milliseconds, or -1")
        if (topic.value == "avro") != (name in used):
            yield Finding(path, "value", "is avro exactly when avro/ holds events of the topic")
        if topic.value == "avro" and topic.config.get("retention.ms") != "-1":
            yield Finding(path, "config.retention.ms", "is -1: events are kept for ever")


def _check_base(
    root: Path, base: Path, files: list[_File], topics: dict[str, Topic]
) -> Iterator[Finding]:
    before = _lines(base / _LOCK)
    if _lines(root / _LOCK)[: len(before)] != before:
        yield Finding(_LOCK, "", "only ever grows; a published line was changed or removed")
    now = {(file.type, file.version): file for file in files}
    for old in _read_files(base)[0]:
        new = now.get((old.type, old.version))
        if new is None:
            yield Finding(old.path, "", "is published and its file is gone")
        elif new.topic != old.topic:
            yield Finding(new.path, "", f"moved here from {old.topic}")
        elif fingerprint(old.definition) != fingerprint(new.definition):
            yield from _edited(old, new)
    for name, topic in _read_topics(base)[0].items():
        if name not in topics:
            yield Finding(f"topics/{name}.yaml", "", "is published and its file is gone")
        elif topics[name].partitions != topic.partitions:
            why = f"was {topic.partitions}; make a new topic version and replay instead"
            yield Finding(f"topics/{name}.yaml", "partitions", why)


def _edited(old: _File, new: _File) -> Iterator[Finding]:
    """A published file was edited; names the fields when they break a rule."""
    try:
        found = incompatibilities(old.definition, new.definition)
    except SchemaError:
        found = []
    for field, why in found or [("", "differs from what was published")]:
        yield Finding(new.path, field, f"{why} (a published file never changes)")


def _lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []
