"""The rules a workflow graph must keep before anything may run it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter

from domain.workflow.graph import (
    Audience,
    Condition,
    Edge,
    End,
    Graph,
    Node,
    Problem,
    Send,
    Trigger,
    Wait,
)


def validate(graph: Graph) -> list[Problem]:
    """Every rule that is broken; an empty list is a graph that can run."""
    broken_references = [*_identities(graph), *_references(graph)]
    if broken_references:
        return broken_references  # what follows would only repeat them in other words
    return [
        *_starts(graph),
        *_shapes(graph),
        *_exits(graph),
        *_reachability(graph),
        *_order(graph),
    ]


def _identities(graph: Graph) -> Iterator[Problem]:
    for node_id, count in Counter(node.id for node in graph.nodes).items():
        if count > 1:
            yield Problem("duplicate_id", node_id, f"{count} nodes share the id {node_id!r}.")


def _references(graph: Graph) -> Iterator[Problem]:
    known = {node.id for node in graph.nodes}
    for edge in graph.edges:
        for end in (edge.source, edge.target):
            if end not in known:
                yield Problem("unknown_node", end, f"An edge names {end!r}, which is no node.")


def _starts(graph: Graph) -> Iterator[Problem]:
    triggers = [node for node in graph.nodes if isinstance(node, Trigger)]
    if len(triggers) != 1:
        yield Problem("one_trigger", None, f"A graph has one trigger, not {len(triggers)}.")
    audiences = [node for node in graph.nodes if isinstance(node, Audience)]
    if len(audiences) != 1:
        yield Problem("one_audience", None, f"A graph has one audience, not {len(audiences)}.")
    for edge in graph.edges:
        if edge.target in {trigger.id for trigger in triggers}:
            yield Problem("into_trigger", edge.target, "Nothing may lead into the trigger.")


def _shapes(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes:
        match node:
            case Trigger(kind="scheduled", at=at) if at is None or at.tzinfo is None:
                yield Problem("no_time", node.id, "A scheduled trigger needs a time with a zone.")
            case Trigger(kind="event", event=event) if not event:
                yield Problem("no_event", node.id, "An event trigger needs its event.")
            case Trigger(kind=kind, at=at) if kind != "scheduled" and at is not None:
                yield Problem("time_unused", node.id, f"A trigger of kind {kind} has no time.")
            case Wait(duration=d) if d < timedelta(seconds=1) or d.microseconds:
                yield Problem("bad_wait", node.id, "A wait lasts whole seconds, at least one.")


def _exits(graph: Graph) -> Iterator[Problem]:
    for node in graph.nodes:
        leaving = [edge for edge in graph.edges if edge.source == node.id]
        if isinstance(node, End) and leaving:
            yield Problem("after_end", node.id, "Nothing may follow an end.")
        elif isinstance(node, Condition) and not _forks(leaving):
            yield Problem("no_fork", node.id, "A condition has one edge for yes and one for no.")
        elif not isinstance(node, End | Condition) and not _passes(leaving):
            yield Problem("no_end", node.id, f"{node.id!r} must lead to exactly one next node.")


def _forks(leaving: list[Edge]) -> bool:
    return sorted(str(edge.branch) for edge in leaving) == ["no", "yes"]


def _passes(leaving: list[Edge]) -> bool:
    return len(leaving) == 1 and leaving[0].branch is None


def _reachability(graph: Graph) -> Iterator[Problem]:
    reached = {node.id for node in graph.nodes if isinstance(node, Trigger)}
    frontier = set(reached)
    while frontier:
        frontier = {e.target for e in graph.edges if e.source in frontier} - reached
        reached |= frontier
    for node in graph.nodes:
        if node.id not in reached:
            yield Problem("unreachable", node.id, f"Nothing leads from the trigger to {node.id!r}.")


def _order(graph: Graph) -> Iterator[Problem]:
    before: dict[str, set[str]] = {node.id: set() for node in graph.nodes}
    for edge in graph.edges:
        before[edge.target].add(edge.source)
    try:
        sequence = list(TopologicalSorter(before).static_order())
    except CycleError as error:
        circle = " -> ".join(reversed(error.args[1]))
        yield Problem("cycle", error.args[1][0], f"The graph runs in a circle: {circle}.")
        return
    yield from _sends_in_order(graph, before, sequence)


def _sends_in_order(
    graph: Graph, before: dict[str, set[str]], sequence: list[str]
) -> Iterator[Problem]:
    """Steps are 1..n, each once; on every path they rise, and the audience comes first."""
    nodes: dict[str, Node] = {node.id: node for node in graph.nodes}
    steps = sorted(node.step for node in graph.nodes if isinstance(node, Send))
    if not steps or steps != list(range(1, len(steps) + 1)):
        yield Problem("steps", None, f"Send steps must be 1 to n, each once; they are {steps}.")
    latest: dict[str, int] = {}
    chosen: dict[str, bool] = {}
    for node_id in sequence:
        node = nodes[node_id]
        earlier = max((latest[b] for b in before[node_id]), default=0)
        settled = bool(before[node_id]) and all(chosen[b] for b in before[node_id])
        chosen[node_id] = settled or isinstance(node, Audience)
        latest[node_id] = earlier
        if isinstance(node, Send):
            latest[node_id] = max(earlier, node.step)
            if node.step <= earlier:
                yield Problem("steps_order", node_id, f"Step {node.step} follows step {earlier}.")
            if not settled:
                yield Problem("no_audience", node_id, f"{node_id!r} comes before the audience.")
