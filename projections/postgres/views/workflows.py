"""Workflows: the graph that carries a campaign out, and how far its run got."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from projections.postgres.view import View, json_or, moment, stream_id
from schemas.codec import Event, to_datetime


class WorkflowRow(NamedTuple):
    """One workflow. `graph` is {nodes, edges}; `steps` by number: {due_at?, intended?}.

    `run_state`: None before the run, then running, completed or cancelled.
    """

    id: str
    organization_id: str
    campaign_id: str
    graph_version: int
    graph: dict[str, Any]
    run_state: str | None
    run_started_at: datetime | None
    run_ended_at: datetime | None
    steps: dict[str, dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    position: int
    version: int


def fold(row: WorkflowRow | None, event: Event) -> WorkflowRow | None:
    """The workflow after the event; a graph may be generated again while it is a draft."""
    if row is None:
        return _generated(event) if event.type == "WorkflowGenerated" else None
    if event.position <= row.position:
        return row  # seen before
    data, now = event.data, moment(event)
    row = row._replace(updated_at=now, position=event.position, version=event.version)
    match event.type:
        case "WorkflowGenerated":
            graph = json_or(data["graph"], {})
            return row._replace(graph=graph, graph_version=data["graph_version"])
        case "WorkflowRunStarted":
            return row._replace(run_state="running", run_started_at=now)
        case "StepScheduled":
            return _step(row, data["step"], due_at=to_datetime(data["due_at"]).isoformat())
        case "StepExpanded":
            return _step(row, data["step"], intended=data["intended"])
        case "WorkflowRunEnded":
            return row._replace(run_state=data["outcome"], run_ended_at=now)
    return row


def _step(row: WorkflowRow, step: int, **what: Any) -> WorkflowRow:
    known = row.steps.get(str(step), {})
    return row._replace(steps={**row.steps, str(step): {**known, **what}})


def _generated(event: Event) -> WorkflowRow:
    data, now = event.data, moment(event)
    return WorkflowRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        campaign_id=data["campaign_id"],
        graph_version=data["graph_version"],
        graph=json_or(data["graph"], {}),
        run_state=None,
        run_started_at=None,
        run_ended_at=None,
        steps={},
        created_at=now,
        updated_at=now,
        position=event.position,
        version=event.version,
    )


VIEW = View(
    name="workflows",
    row=WorkflowRow,
    events=frozenset(
        {
            "WorkflowGenerated", "WorkflowRunStarted", "StepScheduled", "StepExpanded",
            "WorkflowRunEnded",
        }
    ),
    key_of=stream_id,
    fold=fold,
)  # fmt: skip
