"""The reference pages of events and topics, made from the files that define them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

from schemas.registry import EventSchema, Registry, Schema, default_registry
from schemas.topics import Topic, all_topics

_NOTE = "<!-- Made by `nudge schemas docs` from the files in schemas/. Do not edit. -->"


def events_page(registry: Registry | None = None) -> str:
    """Every event type with its fields, by topic."""
    registry = registry or default_registry()
    lines = [
        "# Events",
        "",
        _NOTE,
        "",
        "An event is Confluent-framed Avro: `0x00`, the schema id as four bytes big-endian, then",
        "the record. The same bytes stand in the event log and on Kafka. A *sealed* field is part",
        "of a record that is encrypted under the key of its subject; once that key is gone it",
        "reads as erased. Examples of every event, in decoded form, are in `schemas/examples/`.",
        "",
        "## `meta`, part of every event",
        "",
        *_table(_rows(_any_event(registry).definition["fields"][0]["type"]["fields"])),
    ]
    for topic, types in sorted(registry.topics.items()):
        lines += ["", f"## {topic}"]
        for kind in sorted(types):
            lines += ["", *_event(registry.versions[kind])]
    return "\n".join(lines) + "\n"


def _any_event(registry: Registry) -> EventSchema:
    return registry.by_id[min(registry.by_id)]


def _event(versions: list[EventSchema]) -> list[str]:
    latest = versions[-1]
    ids = ", ".join(f"{schema.schema_id} (version {schema.version})" for schema in versions)
    lines = [f"### {latest.type}", "", latest.definition["doc"], "", f"Schema id: {ids}"]
    rows = list(_rows(latest.definition["fields"][1:]))
    return [*lines, "", *_table(iter(rows))] if rows else lines


def _table(rows: Iterator[tuple[str, str, str, str]]) -> list[str]:
    lines = ["| field | type | sealed for | meaning |", "|---|---|---|---|"]
    for name, kind, sealed, doc in rows:
        lines.append(f"| `{name}` | {kind} | {sealed} | {_escaped(doc)} |")
    return lines


def _escaped(text: str) -> str:
    return text.replace("|", "&#124;").replace("<", "&lt;")


def _rows(
    fields: list[Schema], prefix: str = "", sealed: str = ""
) -> Iterator[tuple[str, str, str, str]]:
    for field in fields:
        name = f"{prefix}{field['name']}"
        if "pii" in field:
            subject = f"`{field['pii']['subject']}`"
            yield from _rows(field["pii"]["fields"], prefix, subject)
            continue
        yield name, type_name(field["type"]), sealed, field["doc"]
        kind = field["type"]
        if isinstance(kind, dict) and kind["type"] == "array" and isinstance(kind["items"], dict):
            yield from _rows(kind["items"].get("fields", []), f"{name}[].")


def type_name(kind: Any) -> str:
    """An Avro type as people read it."""
    if isinstance(kind, list):
        return " or ".join(type_name(part) for part in kind if part != "null") + ", or null"
    if isinstance(kind, str):
        return kind
    if kind["type"] == "array":
        return f"list of {type_name(kind['items'])}"
    if kind["type"] == "record":
        return str(kind["name"])
    return {"timestamp-micros": "time"}.get(kind.get("logicalType"), kind.get("logicalType")) or (
        str(kind["type"])
    )


def topics_page(registry: Registry | None = None) -> str:
    """Every topic with who writes and reads it."""
    registry = registry or default_registry()
    lines = [
        "# Topics",
        "",
        _NOTE,
        "",
        "Names are without the installation's prefix (`NUDGE_TOPIC_PREFIX`). The partition count",
        "of a topic never changes. Records of events carry the headers `position` (decimal text),",
        "`type` and `organization` (UUID text); consume with `isolation.level=read_committed`.",
    ]
    for topic in all_topics(registry.root).values():
        lines += ["", f"## {topic.name}", "", topic.description, "", *_topic(topic)]
        events = sorted(registry.topics.get(topic.name, []))
        if events:
            links = ", ".join(f"[{kind}](events.md#{kind.lower()})" for kind in events)
            lines += ["", f"Events: {links}."]
    return "\n".join(lines) + "\n"


def _topic(topic: Topic) -> list[str]:
    rows = {
        "key": topic.key,
        "value": topic.value,
        "partitions": str(topic.partitions),
        "written by": ", ".join(topic.producers),
        "read by": ", ".join(topic.consumers),
        "dead letters": f"`{topic.dead_letters}`" if topic.dead_letters else "none",
        "kept": _kept(topic),
        **{f"`{name}`": value for name, value in topic.config.items() if name not in _SAID},
    }
    return ["| | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows.items())]


_SAID = ("cleanup.policy", "retention.ms")


def _kept(topic: Topic) -> str:
    if topic.config["cleanup.policy"] == "compact":
        return "the newest record of each key"
    retention = int(topic.config["retention.ms"])
    return "for ever" if retention < 0 else f"{retention // 86_400_000} days"


PAGES: Final[dict[str, Callable[[], str]]] = {
    "events.md": events_page,
    "topics.md": topics_page,
}
"""File name in docs/reference -> what it holds."""
