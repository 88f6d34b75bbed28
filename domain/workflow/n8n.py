"""The workflow as a file that n8n imports, activates and runs as it is.

Shapes and versions were measured on n8n 2.8.4: import proves nothing about nodes there, so
`domain.workflow.n8n_check` holds what n8n does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from domain.workflow.graph import (
    Audience,
    Condition,
    End,
    Graph,
    GraphError,
    Node,
    Problem,
    Send,
    Trigger,
    Wait,
)

JsonObject = dict[str, Any]

COLUMN, ROW = 260, 200
NO_LIMIT, SHORT_RUN = -1, 300  # seconds; the limit counts waiting, so a run that waits has none
UNITS = (("days", 86_400), ("hours", 3_600), ("minutes", 60), ("seconds", 1))
ABOUT = (
    "## {name}\n"
    "Exported from NudgeCampaign. Every send goes through the NudgeCampaign API, which checks "
    "approval, consent and suppression again and never sends the same step twice.\n\n"
    "**Before the first run:** open each *Send step* node and choose a Header Auth credential "
    "(name `Authorization`, value `Bearer` and your API key), and set the campaign's "
    "orchestrator to `external`.{schedule}"
)
YEARLY = " The schedule fires every year on that date: deactivate the workflow afterwards."


def render(
    graph: Graph,
    campaign_id: UUID,
    campaign_name: str,
    business_name: str,
    base_url: str,
    timezone: str,
) -> JsonObject:
    """An n8n workflow with exactly `name`, `nodes`, `connections`, `settings`; no credentials.

    `base_url` is the public address of the API without `/v1`; `timezone` an IANA name.
    Raises GraphError (`not_exportable`) for a graph with conditions: they look at one contact,
    while an n8n run carries a whole step.
    """
    if any(isinstance(node, Condition) for node in graph.nodes):
        detail = "A workflow with conditions runs in NudgeCampaign only."
        raise GraphError([Problem("not_exportable", None, detail)])
    title = f"{business_name} - {campaign_name}"
    scheduled = any(isinstance(n, Trigger) and n.at is not None for n in graph.nodes)
    nodes = [_about(campaign_id, title, scheduled)]
    for column, node in enumerate(graph.nodes):
        nodes += _render_node(node, column, campaign_id, base_url.rstrip("/"), timezone)
    return {
        "name": title[:128],
        "nodes": nodes,
        "connections": dict(_connections(graph)),
        "settings": _settings(graph, timezone),
    }


def _settings(graph: Graph, timezone: str) -> JsonObject:
    waits = any(isinstance(node, Wait) for node in graph.nodes)
    return {
        "executionOrder": "v1",
        "callerPolicy": "workflowsFromSameOwner",
        "executionTimeout": NO_LIMIT if waits else SHORT_RUN,
        "saveManualExecutions": True,
        "saveDataSuccessExecution": "all",
        "saveDataErrorExecution": "all",
        "timezone": timezone,
    }


def _about(campaign_id: UUID, title: str, scheduled: bool) -> JsonObject:
    node = _node(campaign_id, "about", "About this workflow", "stickyNote", 1, (-40, -300))
    content = ABOUT.format(name=title, schedule=YEARLY if scheduled else "")
    node["parameters"] = {"content": content, "width": 620, "height": 240, "color": 4}
    return node


def _node(
    campaign_id: UUID, key: str, name: str, kind: str, version: float, position: tuple[int, int]
) -> JsonObject:
    return {
        "id": str(uuid5(campaign_id, f"n8n:{key}")),
        "name": name,
        "type": f"n8n-nodes-base.{kind}",
        "typeVersion": version,
        "position": list(position),
        "parameters": {},
    }


def _render_node(
    node: Node, column: int, campaign_id: UUID, base_url: str, timezone: str
) -> Iterator[JsonObject]:
    place = (column * COLUMN, 0)
    match node:
        case Trigger(at=at):
            yield _webhook(campaign_id, place)
            if at is not None:
                yield _schedule(campaign_id, at, timezone)
        case Wait(id, duration):
            yield _wait(campaign_id, id, duration, place)
        case Send(id, step):
            yield _send(campaign_id, id, step, base_url, place)
        case Audience(id):
            audience = _node(campaign_id, id, _names(node)[0], "noOp", 1, place)
            note = "NudgeCampaign settles who is in the audience when the first step is sent."
            yield {**audience, "notes": note, "notesInFlow": True}
        case End(id):
            yield _node(campaign_id, id, _names(node)[0], "noOp", 1, place)


def _names(node: Node) -> list[str]:
    """The n8n names of a node: connections are keyed by name, so each is unique."""
    match node:
        case Trigger(at=at):
            return ["Start by webhook"] + (["Start by schedule"] if at is not None else [])
        case Audience():
            return ["Audience"]
        case Send(step=step):
            return [f"Send step {step}"]
        case Wait(id):
            return [f"Wait ({id})"]
        case _:
            return ["Done" if node.id == "end" else f"Done ({node.id})"]


def _connections(graph: Graph) -> Iterator[tuple[str, JsonObject]]:
    names = {node.id: _names(node) for node in graph.nodes}
    for edge in graph.edges:
        target = {"node": names[edge.target][0], "type": "main", "index": 0}
        for source in names[edge.source]:
            yield source, {"main": [[dict(target)]]}


def _webhook(campaign_id: UUID, place: tuple[int, int]) -> JsonObject:
    node = _node(campaign_id, "webhook", "Start by webhook", "webhook", 2, place)
    node["webhookId"] = str(uuid5(campaign_id, "n8n:webhook-id:start"))
    node["parameters"] = {
        "httpMethod": "POST",
        "path": f"c-{campaign_id}",
        "responseMode": "onReceived",
        "options": {},
    }
    return node


def _schedule(campaign_id: UUID, at: datetime, timezone: str) -> JsonObject:
    """Cron has no year: the API's answer to a step already sent keeps a repeat harmless."""
    node = _node(campaign_id, "schedule", "Start by schedule", "scheduleTrigger", 1.2, (0, ROW))
    local = at.astimezone(ZoneInfo(timezone))
    cron = f"{local.minute} {local.hour} {local.day} {local.month} *"
    rule = {"interval": [{"field": "cronExpression", "expression": cron}]}
    return {**node, "parameters": {"rule": rule}}


def _wait(campaign_id: UUID, key: str, duration: timedelta, place: tuple[int, int]) -> JsonObject:
    node = _node(campaign_id, key, f"Wait ({key})", "wait", 1.1, place)
    node["webhookId"] = str(uuid5(campaign_id, f"n8n:webhook-id:{key}"))
    seconds = int(duration.total_seconds())
    unit, size = next((unit, size) for unit, size in UNITS if seconds % size == 0)
    node["parameters"] = {"resume": "timeInterval", "amount": seconds // size, "unit": unit}
    return node


def _send(
    campaign_id: UUID, key: str, step: int, base_url: str, place: tuple[int, int]
) -> JsonObject:
    node = _node(campaign_id, key, f"Send step {step}", "httpRequest", 4.2, place)
    idempotency_key = f"=c-{campaign_id}-step-{step}-{{{{ $execution.id }}}}"
    node |= {
        "notes": "A retry repeats its Idempotency-Key; across runs the API sends a step once.",
        "notesInFlow": True,
        "retryOnFail": True,
        "maxTries": 3,
        "waitBetweenTries": 2000,
    }
    node["parameters"] = {
        "method": "POST",
        "url": f"{base_url}/v1/campaigns/{campaign_id}/steps/{step}/send",
        "authentication": "genericCredentialType",
        "genericAuthType": "httpHeaderAuth",
        "sendHeaders": True,
        "headerParameters": {"parameters": [{"name": "Idempotency-Key", "value": idempotency_key}]},
        "options": {"timeout": 30000},
    }
    return node
