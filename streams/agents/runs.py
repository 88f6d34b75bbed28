"""Runs of campaigns in a transaction: signals to the process manager, its decisions as events."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from domain.campaign.aggregate import Campaign
from domain.campaign.values import Content
from domain.shared.errors import NotFoundError
from domain.shared.meta import Meta
from domain.workflow.aggregate import Workflow
from schemas.codec import Event, to_datetime
from streams.agents.ports import WorkerTransaction
from streams.agents.run_store import load_run, store_run
from streams.workflows import run as pm

ACTOR = "system:reactions"
WAKE_TIMERS = "NOTIFY nudge_runs"


def meta_of(run: pm.Run, now: datetime) -> Meta:
    """The circumstances of what a run does by itself: because of its approval."""
    return Meta(
        UUID(run.organization_id), ACTOR, UUID(run.correlation_id), UUID(run.causation_id), now
    )


def tell(tx: WorkerTransaction, run: pm.Run | None, signal: pm.Signal) -> pm.Run | None:
    """Tell a loaded run something: what it decides is recorded, how it stands then is stored."""
    decisions = pm.decide(run, signal)
    after = pm.evolve(run, signal)
    if after is None or after == run:
        return after
    record(tx, after, decisions)
    store_run(tx.connection, after)
    tx.connection.execute(WAKE_TIMERS)
    return after


def record(tx: WorkerTransaction, run: pm.Run, decisions: Sequence[pm.Decision]) -> None:
    """Decisions as events of the workflow, and of the campaign when it is done."""
    if not decisions:
        return
    meta = meta_of(run, tx.now)
    workflow = tx.load(Workflow, run.organization_id, run.workflow_id)
    for decision in decisions:
        match decision:
            case pm.StartRun(approval_position):
                workflow.start_run(approval_position, meta)
            case pm.ScheduleStep(step, due_at):
                workflow.schedule_step(step, due_at, meta)
            case pm.RecordExpansion(step, intended):
                workflow.expand_step(step, intended, meta)
            case pm.EndRun(outcome):
                workflow.end_run(outcome, meta)
            case pm.CompleteCampaign(intended):
                campaign = tx.load(Campaign, run.organization_id, run.campaign_id)
                campaign.complete(intended, meta)
                tx.save(campaign)
    tx.save(workflow)


def campaign_approved(tx: WorkerTransaction, event: Event) -> None:
    """Begin a run, unless the approval has lapsed since: a later event tells of what followed."""
    run = load_run(tx.connection, event.stream_id)
    campaign = tx.load(Campaign, event.organization_id, event.stream_id)
    if campaign.approved_hash != event.data["content_hash"]:
        return
    workflow = tx.load(Workflow, event.organization_id, str(campaign.workflow_id))
    began = _beginning(event, campaign.content, workflow)
    due = event.data["schedule_at"] or event.occurred_at
    tell(tx, run, pm.Approved(began, to_datetime(due)))


def _beginning(event: Event, content: Content, workflow: Workflow) -> pm.Run:
    return pm.Run(
        campaign_id=event.stream_id,
        organization_id=event.organization_id,
        workflow_id=str(workflow.id),
        state="running",
        orchestrator=content.orchestrator,
        content_hash=event.data["content_hash"],
        approval_position=event.position,
        workflow_version=workflow.graph_version,
        correlation_id=event.correlation_id,
        causation_id=event.event_id,
        steps=tuple(pm.Step(n, delay) for n, delay in enumerate(content.delays, start=1)),
    )


def campaign_changed(tx: WorkerTransaction, event: Event) -> None:
    """Pause, resume or stop the run, if there is one."""
    signals: dict[str, pm.Signal] = {
        "CampaignPaused": pm.Paused(),
        "CampaignResumed": pm.Resumed(),
        "CampaignCancelled": pm.Stopped(event.position),
        "CampaignRevised": pm.Stopped(event.position),
    }
    run = load_run(tx.connection, event.stream_id)
    if run is not None and event.position > run.approval_position:
        tell(tx, run, signals[event.type])


def step_scheduled(tx: WorkerTransaction, event: Event) -> None:
    """Schedule a planned step that somebody outside called; our own are scheduled already."""
    run = load_run(tx.connection, event.data["campaign_id"])
    if run is None:
        raise NotFoundError("run")
    called = pm.StepCalled(event.data["step"], to_datetime(event.data["due_at"]), event.position)
    tell(tx, run, called)
