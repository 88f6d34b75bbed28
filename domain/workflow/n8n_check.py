"""What n8n accepts without a word and then fails on, checked before the file is handed out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

TOP_LEVEL = {"name", "nodes", "connections", "settings"}
NODE_REQUIRED = {"id", "name", "type", "typeVersion", "position", "parameters"}
NODE_OPTIONAL = {
    "webhookId",
    "notes",
    "notesInFlow",
    "retryOnFail",
    "maxTries",
    "waitBetweenTries",
    "disabled",
    "onError",
}
SETTINGS = {
    "saveExecutionProgress",
    "saveManualExecutions",
    "saveDataErrorExecution",
    "saveDataSuccessExecution",
    "executionTimeout",
    "errorWorkflow",
    "timezone",
    "executionOrder",
    "callerPolicy",
    "callerIds",
    "timeSavedPerExecution",
    "availableInMCP",
}
# node types and the versions a 2.8.4 accepts (its own /types/nodes.json)
VERSIONS: Mapping[str, frozenset[float]] = {
    "n8n-nodes-base.webhook": frozenset({1, 1.1, 2, 2.1}),
    "n8n-nodes-base.scheduleTrigger": frozenset({1, 1.1, 1.2, 1.3}),
    "n8n-nodes-base.httpRequest": frozenset({1, 2, 3, 4, 4.1, 4.2, 4.3, 4.4}),
    "n8n-nodes-base.if": frozenset({1, 2, 2.1, 2.2, 2.3}),
    "n8n-nodes-base.wait": frozenset({1, 1.1}),
    "n8n-nodes-base.noOp": frozenset({1}),
    "n8n-nodes-base.stickyNote": frozenset({1}),
}
TRIGGERS = {"n8n-nodes-base.webhook", "n8n-nodes-base.scheduleTrigger"}
STANDALONE = {"n8n-nodes-base.stickyNote"}
WAIT = "n8n-nodes-base.wait"
NEEDS_WEBHOOK_ID = {"n8n-nodes-base.webhook", WAIT}


def check_n8n(workflow: Mapping[str, Any]) -> list[str]:
    """Every reason why n8n would refuse, or take and then fail on, this workflow."""
    if set(workflow) != TOP_LEVEL:
        return [f"top level: has {sorted(workflow)}, must have exactly {sorted(TOP_LEVEL)}"]
    nodes: list[Mapping[str, Any]] = workflow["nodes"]
    incomplete = list(_keys(nodes))
    if incomplete:
        return incomplete
    return [
        *_uniqueness(nodes),
        *_versions(nodes),
        *_webhooks(nodes),
        *_triggers(nodes),
        *_connections(nodes, workflow["connections"]),
        *_settings(nodes, workflow["settings"]),
    ]


def _keys(nodes: list[Mapping[str, Any]]) -> Iterator[str]:
    for index, node in enumerate(nodes):
        label = node.get("name", f"number {index}")
        if "credentials" in node:
            yield f"node {label}: carries credentials"
        for key in sorted(NODE_REQUIRED - set(node)):
            yield f"node {label}: {key} is missing"
        for key in sorted(set(node) - NODE_REQUIRED - NODE_OPTIONAL - {"credentials"}):
            yield f"node {label}: {key} is not a key n8n knows"


def _uniqueness(nodes: list[Mapping[str, Any]]) -> Iterator[str]:
    for key in ("id", "name", "webhookId"):
        for value, count in Counter(node[key] for node in nodes if key in node).items():
            if count > 1:
                yield f"{count} nodes share the {key} {value!r}"


def _versions(nodes: list[Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes:
        if node["type"] not in VERSIONS:
            yield f"node {node['name']}: unknown type {node['type']}"
        elif node["typeVersion"] not in VERSIONS[node["type"]]:
            yield f"node {node['name']}: {node['type']} has no version {node['typeVersion']}"


def _webhooks(nodes: list[Mapping[str, Any]]) -> Iterator[str]:
    for node in nodes:
        if node["type"] in NEEDS_WEBHOOK_ID and not node.get("webhookId"):
            yield f"node {node['name']}: needs a webhookId"


def _triggers(nodes: list[Mapping[str, Any]]) -> Iterator[str]:
    if not any(node["type"] in TRIGGERS for node in nodes):
        yield "no trigger: nothing would ever start it"


def _connections(
    nodes: list[Mapping[str, Any]], connections: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    kinds = {node["name"]: node["type"] for node in nodes}
    targets = [
        link["node"]
        for outputs in connections.values()
        for output in outputs["main"]
        for link in output
    ]
    for name in sorted({*connections, *targets} - set(kinds)):
        yield f"connections name {name!r}, which is no node's name"
    for name in targets:
        if kinds.get(name) in TRIGGERS:
            yield f"a connection leads into the trigger {name!r}"
    for name, kind in kinds.items():
        if kind not in TRIGGERS | STANDALONE and name not in targets:
            yield f"node {name}: nothing leads to it"
        if kind in TRIGGERS and name not in connections:
            yield f"node {name}: leads nowhere"


def _settings(nodes: list[Mapping[str, Any]], settings: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(set(settings) - SETTINGS):
        yield f"settings: {key} is not a key n8n knows"
    timeout = settings.get("executionTimeout", -1)
    if timeout != -1 and any(node["type"] == WAIT for node in nodes):
        yield f"settings: executionTimeout {timeout} counts the waiting, so the run would be cut"
