"""The workflow of a campaign: its graph, made anew when the campaign changes, and its runs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from eventsourcing.domain import Aggregate, CanMutateAggregate, event

from domain.shared.aggregate import Root
from domain.shared.canonical import canonical_json, json_or
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta
from domain.workflow.graph import Graph, Send, from_json, to_json

Outcome = Literal["completed", "cancelled"]


class Workflow(Root):
    """A versioned graph and what became of its runs.

    At most one run at a time; a newer approval ends the run of an older one. `expanded` holds
    the intended deliveries of each step of the present run.
    """

    TOPIC = "Workflow"

    class Created(Aggregate.Created):
        """The first graph, and every later one: one event type for both."""

        TOPIC = "WorkflowGenerated"
        meta: Meta
        campaign_id: UUID
        graph_version: int
        graph: str

        def mutate(self, aggregate: Any) -> Any:
            """Begin the stream, or go on with it."""
            if aggregate is None:
                return super().mutate(None)
            return CanMutateAggregate.mutate(self, aggregate)

        def apply(self, aggregate: Any) -> None:
            """What both have in common: the graph is this one now."""
            aggregate.graph_version = self.graph_version
            aggregate.graph_text = self.graph

    class RunStarted(Aggregate.Event):
        TOPIC = "WorkflowRunStarted"
        meta: Meta
        campaign_id: UUID
        graph_version: int
        approval_position: int

    class StepScheduled(Aggregate.Event):
        TOPIC = "StepScheduled"
        meta: Meta
        campaign_id: UUID
        step: int
        due_at: datetime

    class StepExpanded(Aggregate.Event):
        TOPIC = "StepExpanded"
        meta: Meta
        campaign_id: UUID
        step: int
        intended: int

    class RunEnded(Aggregate.Event):
        TOPIC = "WorkflowRunEnded"
        meta: Meta
        campaign_id: UUID
        outcome: str

    @classmethod
    def generated(cls, workflow_id: UUID, campaign_id: UUID, graph: Graph, meta: Meta) -> Workflow:
        """The first graph of a campaign."""
        return cls._create(
            cls.Created,
            id=workflow_id,
            timestamp=meta.now,
            meta=meta,
            campaign_id=campaign_id,
            graph_version=graph.version,
            graph=_text(graph),
        )

    def regenerated(self, graph: Graph, meta: Meta) -> bool:
        """A later graph, with a higher version; the same nodes and edges change nothing."""
        if _text(graph) == self.graph_text:
            return False
        if graph.version <= self.graph_version:
            raise RuleViolatedError(
                "graph_version", f"A later graph has a version above {self.graph_version}."
            )
        self.record(
            self.Created,
            meta,
            originator_topic=self.TOPIC,
            campaign_id=self.campaign_id,
            graph_version=graph.version,
            graph=_text(graph),
        )
        return True

    def start_run(self, approval_position: int, meta: Meta) -> bool:
        """Begin to carry out what was approved at this position of the log.

        Whether it is news: an approval no later than the last one that ran starts nothing.
        """
        if approval_position <= self.approval_position:
            return False
        self.end_run("cancelled", meta)
        self.record(
            self.RunStarted,
            meta,
            campaign_id=self.campaign_id,
            graph_version=self.graph_version,
            approval_position=approval_position,
        )
        return True

    def schedule_step(self, step: int, due_at: datetime, meta: Meta) -> bool:
        """A step is due; the same time again, or a step that is done, changes nothing."""
        self._ensure_step(step)
        if step in self.expanded or self.scheduled.get(step) == due_at:
            return False
        self.record(
            self.StepScheduled, meta, campaign_id=self.campaign_id, step=step, due_at=due_at
        )
        return True

    def expand_step(self, step: int, intended: int, meta: Meta) -> bool:
        """Every contact of a step has its delivery; once for each step of a run."""
        self._ensure_step(step)
        if step in self.expanded:
            return False
        self.record(
            self.StepExpanded, meta, campaign_id=self.campaign_id, step=step, intended=intended
        )
        return True

    def end_run(self, outcome: Outcome, meta: Meta) -> bool:
        """The run is over; nothing where none runs."""
        if not self.running:
            return False
        self.record(self.RunEnded, meta, campaign_id=self.campaign_id, outcome=outcome)
        return True

    @property
    def graph(self) -> Graph:
        """The present graph. Raises GraphError once the organization is erased."""
        return from_json({**json_or(self.graph_text, {}), "version": self.graph_version})

    def _ensure_step(self, step: int) -> None:
        if not self.running:
            raise RuleViolatedError("not_running", "The workflow does not run.")
        if not any(isinstance(n, Send) and n.step == step for n in self.graph.nodes):
            raise RuleViolatedError("no_such_step", f"The workflow has no step {step}.")

    @event(Created)
    def __init__(self, meta: Meta, campaign_id: UUID, graph_version: int, graph: str) -> None:
        self.organization_id = meta.organization_id
        self.campaign_id = campaign_id
        self.graph_version = graph_version
        self.graph_text = graph
        self.running = False
        self.approval_position = 0
        self.scheduled: dict[int, datetime] = {}
        self.expanded: dict[int, int] = {}

    @event(RunStarted)
    def _run_started(self, approval_position: int) -> None:
        self.running = True
        self.approval_position = approval_position
        self.scheduled = {}
        self.expanded = {}

    @event(StepScheduled)
    def _step_scheduled(self, step: int, due_at: datetime) -> None:
        self.scheduled[step] = due_at

    @event(StepExpanded)
    def _step_expanded(self, step: int, intended: int) -> None:
        self.expanded[step] = intended

    @event(RunEnded)
    def _run_ended(self) -> None:
        self.running = False


def _text(graph: Graph) -> str:
    document = to_json(graph)
    return canonical_json({"nodes": document["nodes"], "edges": document["edges"]})
