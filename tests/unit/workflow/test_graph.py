"""The rules of a workflow graph, and its JSON form against the published schema."""

import copy
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.workflow.generate import generate
from domain.workflow.graph import (
    Audience,
    Condition,
    Edge,
    End,
    Graph,
    GraphError,
    Node,
    Send,
    Trigger,
    Wait,
    canonical,
    from_json,
    to_json,
)
from domain.workflow.rules import validate

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
NOW = timedelta()
GOOD = generate("immediate", [NOW, HOUR * 72])


def line(*nodes: Node) -> Graph:
    ids = [node.id for node in nodes]
    return Graph(nodes, tuple(Edge(a, b) for a, b in pairwise(ids)))


def rewired(*edges: Edge) -> Graph:
    return replace(GOOD, edges=edges)


START, WHO, ONE, TWO, STOP = (
    Trigger("start", "immediate"),
    Audience("who"),
    Send("one", 1),
    Send("two", 2),
    End("stop"),
)

BROKEN: dict[str, Graph] = {
    "duplicate_id": line(START, WHO, ONE, replace(TWO, id="one"), STOP),
    "unknown_node": replace(GOOD, edges=(*GOOD.edges, Edge("send-1", "nowhere"))),
    "one_trigger": line(WHO, ONE, STOP),
    "one_audience": line(START, ONE, STOP),
    "into_trigger": replace(GOOD, edges=(*GOOD.edges, Edge("end", "trigger"))),
    "no_time": line(Trigger("start", "scheduled"), WHO, ONE, STOP),
    "no_event": line(Trigger("start", "event"), WHO, ONE, STOP),
    "time_unused": line(Trigger("start", "immediate", AT), WHO, ONE, STOP),
    "bad_wait": line(START, WHO, Wait("w", timedelta(milliseconds=1500)), ONE, STOP),
    "after_end": line(START, WHO, ONE, STOP, End("more")),
    "no_fork": line(START, WHO, Condition("if", "tags", "contains", "vip"), ONE, STOP),
    "no_end": line(START, WHO, ONE),
    "unreachable": replace(GOOD, nodes=(*GOOD.nodes, End("island"))),
    "cycle": rewired(
        Edge("trigger", "audience"),
        Edge("audience", "send-1"),
        Edge("send-1", "wait-2"),
        Edge("wait-2", "send-2"),
        Edge("send-2", "wait-2"),
    ),
    "steps": line(START, WHO, ONE, replace(TWO, step=3), STOP),
    "steps_order": line(START, WHO, TWO, ONE, STOP),
    "no_audience": line(START, ONE, WHO, TWO, STOP),
}


@pytest.mark.parametrize("code", BROKEN)
def test_a_graph_that_breaks_a_rule_is_told_which(code: str) -> None:
    assert code in {problem.code for problem in validate(BROKEN[code])}


def test_a_scheduled_time_without_a_zone_is_refused() -> None:
    naive = Trigger("start", "scheduled", AT.replace(tzinfo=None))
    assert [p.code for p in validate(line(naive, WHO, ONE, STOP))] == ["no_time"]


def test_a_condition_with_both_branches_is_valid() -> None:
    fork = Condition("if", "tags", "contains", "vip")
    edges = (
        Edge("start", "who"),
        Edge("who", "if"),
        Edge("if", "one", "yes"),
        Edge("if", "stop", "no"),
        Edge("one", "stop"),
    )
    graph = Graph((START, WHO, fork, ONE, STOP), edges)
    assert validate(graph) == []
    assert from_json(to_json(graph)) == graph


@pytest.mark.parametrize(
    ("trigger", "at", "event"),
    [("immediate", None, None), ("scheduled", AT, None), ("event", None, "a new sign-up")],
)
def test_every_kind_of_trigger_makes_a_valid_graph(
    trigger: Any, at: datetime | None, event: str | None
) -> None:
    graph = generate(trigger, [NOW, HOUR], at, event)
    assert validate(graph) == []
    assert from_json(to_json(graph)) == graph


def test_a_drip_has_a_wait_before_every_later_email() -> None:
    graph = generate("immediate", [NOW, HOUR * 24, HOUR * 72])
    assert [node.id for node in graph.nodes] == [
        "trigger", "audience", "send-1", "wait-2", "send-2", "wait-3", "send-3", "end",
    ]  # fmt: skip
    assert Wait("wait-3", timedelta(days=3)) in graph.nodes


@pytest.mark.parametrize("count", [0, 6])
def test_a_campaign_has_one_to_five_emails(count: int) -> None:
    with pytest.raises(GraphError) as caught:
        generate("immediate", [NOW] * count)
    assert caught.value.problems[0].code == "email_count"


def test_a_scheduled_campaign_needs_its_time() -> None:
    with pytest.raises(GraphError) as caught:
        generate("scheduled", [NOW])
    assert caught.value.problems[0].code == "no_time"


@given(
    st.lists(st.integers(0, 90 * 86_400), min_size=1, max_size=5),
    st.none() | st.datetimes(timezones=st.just(UTC)),
    st.integers(1, 99),
)
def test_json_round_trips_and_is_the_same_text_each_time(
    seconds: list[int], at: datetime | None, version: int
) -> None:
    delays = [timedelta(seconds=s) for s in seconds]
    graph = generate("scheduled" if at else "immediate", delays, at, version=version)
    again = from_json(json.loads(canonical(graph)))
    assert again == graph
    assert canonical(again) == canonical(graph)


def test_the_same_moment_in_another_zone_is_the_same_text() -> None:
    elsewhere = datetime.fromisoformat("2026-03-02T09:30:00+01:00")
    assert canonical(generate("scheduled", [NOW], elsewhere)) == canonical(
        generate("scheduled", [NOW], AT)
    )


Spoil = Callable[[dict[str, Any]], Any]
SPOILS: dict[str, Spoil] = {
    "no version": lambda d: d.pop("version"),
    "version zero": lambda d: d.update(version=0),
    "unknown key": lambda d: d.update(name="x"),
    "no nodes": lambda d: d.update(nodes=[]),
    "unknown type": lambda d: d["nodes"][1].update(type="teleport"),
    "bad id": lambda d: d["nodes"][1].update(id="Not An Id"),
    "extra node key": lambda d: d["nodes"][1].update(size=3),
    "trigger without kind": lambda d: d["nodes"][0].pop("kind"),
    "scheduled without time": lambda d: d["nodes"][0].update(kind="scheduled"),
    "time without zone": lambda d: d["nodes"][0].update(kind="scheduled", at="2026-03-02T09:00:00"),
    "time that is none": lambda d: d["nodes"][0].update(kind="scheduled", at="soon"),
    "send without step": lambda d: d["nodes"][2].pop("step"),
    "step as text": lambda d: d["nodes"][2].update(step="1"),
    "wait of nothing": lambda d: d["nodes"][3].update(seconds=0),
    "edge without target": lambda d: d["edges"][0].pop("to"),
    "unknown branch": lambda d: d["edges"][0].update(branch="maybe"),
}


@pytest.mark.parametrize("name", SPOILS)
def test_a_document_that_breaks_the_schema_is_refused(name: str) -> None:
    document = copy.deepcopy(to_json(GOOD))
    SPOILS[name](document)
    with pytest.raises(GraphError) as caught:
        from_json(document)
    assert {p.code for p in caught.value.problems} == {"schema"}


@pytest.mark.parametrize("document", [None, [], "graph", 7])
def test_what_is_no_object_is_refused(document: object) -> None:
    with pytest.raises(GraphError):
        from_json(document)
