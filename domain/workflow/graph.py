"""The workflow graph: typed nodes, edges, the rules a graph must keep, and its JSON form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from jsonschema import Draft202012Validator, FormatChecker

TriggerKind = Literal["immediate", "scheduled", "event"]
Branch = Literal["yes", "no"]
Scalar = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Trigger:
    """What starts a run. `at` (aware) goes with scheduled, `event` (in words) with event."""

    id: str
    kind: TriggerKind
    at: datetime | None = None
    event: str | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """The moment the campaign's audience conditions are settled into contacts."""

    id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """A pause between two nodes; whole seconds, more than none."""

    id: str
    duration: timedelta


@dataclass(frozen=True, slots=True)
class Condition:
    """A fork on one field of the contact: one edge leaves for yes, one for no."""

    id: str
    field: str
    op: str
    value: Scalar = None


@dataclass(frozen=True, slots=True)
class Send:
    """E-mail number `step` (from 1) of the campaign goes to everybody who is here."""

    id: str
    step: int


@dataclass(frozen=True, slots=True)
class End:
    """Nothing follows."""

    id: str


Node = Trigger | Audience | Wait | Condition | Send | End


@dataclass(frozen=True, slots=True)
class Edge:
    """From node id to node id; `branch` only where the source is a condition."""

    source: str
    target: str
    branch: Branch | None = None


@dataclass(frozen=True, slots=True)
class Graph:
    """A workflow. `version` rises by one with every change of the same campaign's graph."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    version: int = 1


@dataclass(frozen=True, slots=True)
class Problem:
    """A rule that a graph breaks: a stable code, the node it is about, and a sentence."""

    code: str
    node: str | None
    detail: str


class GraphError(ValueError):
    """A graph, or its JSON form, that cannot be accepted; `problems` says why."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(p.detail for p in problems))
        self.problems = problems


def to_json(graph: Graph) -> dict[str, Any]:
    """The public shape: version, nodes (id, type and the fields of that type), edges (from, to)."""
    return {
        "version": graph.version,
        "nodes": [_node_to_json(node) for node in graph.nodes],
        "edges": [_edge_to_json(edge) for edge in graph.edges],
    }


def canonical(graph: Graph) -> str:
    """The same text for the same graph, wherever it is made: for hashing and comparing."""
    return json.dumps(to_json(graph), sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def from_json(document: object) -> Graph:
    """Read the public shape back. Raises GraphError when it does not satisfy the schema."""
    errors = sorted(_schema().iter_errors(document), key=lambda e: list(map(str, e.path)))
    if errors or not isinstance(document, Mapping):
        raise GraphError([Problem("schema", None, f"{e.json_path}: {e.message}") for e in errors])
    return Graph(
        nodes=tuple(_node_from_json(node) for node in document["nodes"]),
        edges=tuple(Edge(e["from"], e["to"], e.get("branch")) for e in document["edges"]),
        version=document["version"],
    )


def _node_to_json(node: Node) -> dict[str, Any]:
    match node:
        case Trigger(id, kind, at, event):
            when = {"at": at.astimezone(UTC).isoformat().replace("+00:00", "Z")} if at else {}
            what = {"event": event} if event is not None else {}
            return {"id": id, "type": "trigger", "kind": kind, **when, **what}
        case Audience(id):
            return {"id": id, "type": "audience"}
        case Wait(id, duration):
            return {"id": id, "type": "wait", "seconds": int(duration.total_seconds())}
        case Condition(id, field, op, value):
            return {"id": id, "type": "condition", "field": field, "op": op, "value": value}
        case Send(id, step):
            return {"id": id, "type": "send", "step": step}
        case End(id):
            return {"id": id, "type": "end"}


def _edge_to_json(edge: Edge) -> dict[str, Any]:
    branch = {"branch": edge.branch} if edge.branch else {}
    return {"from": edge.source, "to": edge.target, **branch}


def _node_from_json(node: Mapping[str, Any]) -> Node:
    match node["type"]:
        case "trigger":
            at = datetime.fromisoformat(node["at"]) if "at" in node else None
            return Trigger(node["id"], node["kind"], at, node.get("event"))
        case "audience":
            return Audience(node["id"])
        case "wait":
            return Wait(node["id"], timedelta(seconds=node["seconds"]))
        case "condition":
            return Condition(node["id"], node["field"], node["op"], node["value"])
        case "send":
            return Send(node["id"], node["step"])
        case _:
            return End(node["id"])


@cache
def _schema() -> Draft202012Validator:
    text = files("domain.workflow").joinpath("workflow.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text), format_checker=_FORMATS)


_FORMATS = FormatChecker(formats=())


@_FORMATS.checks("date-time", raises=ValueError)
def _is_moment(value: object) -> bool:
    return not isinstance(value, str) or datetime.fromisoformat(value).tzinfo is not None
