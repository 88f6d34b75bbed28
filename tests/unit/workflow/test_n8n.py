"""The n8n file: what it holds, and that our check refuses what n8n would swallow."""

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from domain.workflow.generate import generate
from domain.workflow.graph import Audience, Condition, Edge, End, Graph, GraphError, Send, Trigger
from domain.workflow.n8n import render
from domain.workflow.n8n_check import check_n8n

CAMPAIGN = UUID("0b8f7a52-1f6e-4a3b-8f0e-2f4f9f6f1a01")
AT = datetime(2026, 7, 1, 7, 5, tzinfo=UTC)
NOW = timedelta()
DAY = timedelta(days=1)


def rendered(
    delays: list[timedelta], at: datetime | None = None, timezone: str = "Europe/Vienna"
) -> dict[str, Any]:
    graph = generate("scheduled" if at else "immediate", delays, at)
    return render(
        graph, CAMPAIGN, "win_back Campaign", "Paws & Claws", "https://nudge.example/", timezone
    )


def node(workflow: dict[str, Any], name: str) -> dict[str, Any]:
    found: dict[str, Any] = next(n for n in workflow["nodes"] if n["name"] == name)
    return found


@pytest.mark.parametrize("delays", [[NOW], [NOW, DAY], [DAY], [NOW, DAY, DAY, DAY, DAY]])
@pytest.mark.parametrize("at", [None, AT])
def test_what_we_hand_out_passes_the_check(delays: list[timedelta], at: datetime | None) -> None:
    workflow = rendered(delays, at)
    assert check_n8n(workflow) == []
    assert sorted(workflow) == ["connections", "name", "nodes", "settings"]
    assert "credentials" not in json.dumps(workflow)


def test_a_send_node_calls_the_step_endpoint_with_a_key_of_the_run() -> None:
    parameters = node(rendered([NOW, DAY]), "Send step 2")["parameters"]
    assert parameters["url"] == f"https://nudge.example/v1/campaigns/{CAMPAIGN}/steps/2/send"
    assert parameters["method"] == "POST"
    assert parameters["genericAuthType"] == "httpHeaderAuth"
    assert parameters["headerParameters"]["parameters"] == [
        {"name": "Idempotency-Key", "value": f"=c-{CAMPAIGN}-step-2-{{{{ $execution.id }}}}"}
    ]


def test_the_chain_runs_from_both_triggers_to_the_end() -> None:
    workflow = rendered([NOW, DAY], AT)
    following = {
        name: outputs["main"][0][0]["node"] for name, outputs in workflow["connections"].items()
    }
    assert following == {
        "Start by webhook": "Audience",
        "Start by schedule": "Audience",
        "Audience": "Send step 1",
        "Send step 1": "Wait (wait-2)",
        "Wait (wait-2)": "Send step 2",
        "Send step 2": "Done",
    }


def test_the_schedule_is_said_in_the_zone_of_the_business() -> None:
    rule = node(rendered([NOW], AT), "Start by schedule")["parameters"]["rule"]
    assert rule["interval"] == [{"field": "cronExpression", "expression": "5 9 1 7 *"}]


@pytest.mark.parametrize(
    ("delay", "amount", "unit"),
    [
        (timedelta(days=3), 3, "days"),
        (timedelta(hours=36), 36, "hours"),
        (timedelta(minutes=90), 90, "minutes"),
        (timedelta(seconds=61), 61, "seconds"),
    ],
)
def test_a_wait_is_said_exactly_in_its_largest_unit(
    delay: timedelta, amount: int, unit: str
) -> None:
    parameters = node(rendered([NOW, delay]), "Wait (wait-2)")["parameters"]
    assert parameters == {"resume": "timeInterval", "amount": amount, "unit": unit}


def test_only_a_run_without_a_wait_has_a_time_limit() -> None:
    assert rendered([NOW])["settings"]["executionTimeout"] == 300
    assert rendered([NOW, DAY])["settings"]["executionTimeout"] == -1


def test_the_same_campaign_gives_the_same_file() -> None:
    assert rendered([NOW, DAY], AT) == rendered([NOW, DAY], AT)


def test_a_graph_with_a_condition_is_not_exported() -> None:
    edges = (
        Edge("t", "a"),
        Edge("a", "c"),
        Edge("c", "s", "yes"),
        Edge("c", "e", "no"),
        Edge("s", "e"),
    )
    fork = Condition("c", "tags", "contains", "vip")
    graph = Graph((Trigger("t", "immediate"), Audience("a"), fork, Send("s", 1), End("e")), edges)
    with pytest.raises(GraphError) as caught:
        render(graph, CAMPAIGN, "c", "b", "https://nudge.example", "UTC")
    assert caught.value.problems[0].code == "not_exportable"


def without_triggers(w: dict[str, Any]) -> None:
    w["nodes"] = [n for n in w["nodes"] if "rigger" not in n["type"] and "webhook" not in n["type"]]
    w["connections"].pop("Start by webhook")


Spoil = Callable[[dict[str, Any]], Any]
SPOILS: dict[str, tuple[Spoil, str]] = {
    "read-only top-level key": (lambda w: w.update(id="x"), "top level"),
    "settings missing": (lambda w: w.pop("settings"), "top level"),
    "node key missing": (lambda w: w["nodes"][1].pop("position"), "position is missing"),
    "unknown node key": (lambda w: w["nodes"][1].update(colour=1), "colour is not a key"),
    "credentials": (lambda w: w["nodes"][3].update(credentials={}), "carries credentials"),
    "two ids": (lambda w: w["nodes"][1].update(id=w["nodes"][2]["id"]), "share the id"),
    "two names": (lambda w: w["nodes"][2].update(name="Send step 1"), "share the name"),
    "two webhook ids": (
        lambda w: node(w, "Wait (wait-2)").update(
            webhookId=node(w, "Start by webhook")["webhookId"]
        ),
        "share the webhookId",
    ),
    "unknown type": (lambda w: w["nodes"][2].update(type="n8n-nodes-base.nope"), "unknown type"),
    "version 99": (lambda w: w["nodes"][3].update(typeVersion=99), "has no version 99"),
    "no webhook id": (lambda w: node(w, "Wait (wait-2)").pop("webhookId"), "needs a webhookId"),
    "no trigger": (without_triggers, "no trigger"),
    "unknown target": (
        lambda w: w["connections"]["Audience"]["main"][0][0].update(node="Nobody"),
        "'Nobody', which is no node's name",
    ),
    "connections by id": (
        lambda w: w["connections"].update({w["nodes"][2]["id"]: w["connections"].pop("Audience")}),
        "which is no node's name",
    ),
    "into a trigger": (
        lambda w: w["connections"]["Audience"]["main"][0][0].update(node="Start by webhook"),
        "leads into the trigger",
    ),
    "loose node": (lambda w: w["connections"].pop("Audience"), "nothing leads to it"),
    "loose trigger": (lambda w: w["connections"].pop("Start by webhook"), "leads nowhere"),
    "unknown setting": (lambda w: w["settings"].update(binaryMode=1), "binaryMode is not a key"),
    "limit that counts the wait": (
        lambda w: w["settings"].update(executionTimeout=300),
        "counts the waiting",
    ),
}


@pytest.mark.parametrize("name", SPOILS)
def test_the_check_refuses_what_n8n_would_swallow(name: str) -> None:
    spoil, reason = SPOILS[name]
    workflow = copy.deepcopy(rendered([NOW, DAY]))
    spoil(workflow)
    assert any(reason in complaint for complaint in check_n8n(workflow)), check_n8n(workflow)
