"""The process manager of a campaign: what its run does next, and when. Pure decide and evolve."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

RunState = Literal["running", "paused", "cancelled", "completed"]
StepState = Literal["planned", "scheduled", "expanding", "expanded"]
Orchestrator = Literal["built_in", "external"]


@dataclass(frozen=True, slots=True)
class Step:
    """One e-mail of the run, from 1. `wait_position`: what the contacts view must have first."""

    number: int
    delay: timedelta
    state: StepState = "planned"
    due_at: datetime | None = None
    wait_position: int = 0


@dataclass(frozen=True, slots=True)
class Run:
    """An approved campaign being carried out. `stopped_position`: of the cancellation."""

    campaign_id: str
    organization_id: str
    workflow_id: str
    state: RunState
    orchestrator: Orchestrator
    content_hash: str
    approval_position: int
    workflow_version: int
    correlation_id: str
    causation_id: str
    steps: tuple[Step, ...]
    stopped_position: int = 0
    ended: bool = False

    def step(self, number: int) -> Step | None:
        """The step with this number, if the campaign has it."""
        return self.steps[number - 1] if 1 <= number <= len(self.steps) else None

    @property
    def expanded(self) -> bool:
        """Whether every step has all its deliveries."""
        return all(step.state == "expanded" for step in self.steps)


# --- what a run is told ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Approved:
    """Somebody said yes. `run` is the run as it begins; `due_at` when its first step is due."""

    run: Run
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Paused:
    """Claim nothing more for now."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """Go on."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """Cancelled, or changed so that the approval lapsed, by the event at this position."""

    position: int


@dataclass(frozen=True, slots=True)
class StepCalled:
    """Somebody outside, at this position of the log, wants a step to begin."""

    step: int
    due_at: datetime
    position: int


@dataclass(frozen=True, slots=True)
class CameDue:
    """The time of a step has come; `position` is how far the log was then."""

    step: int
    position: int


@dataclass(frozen=True, slots=True)
class Expanded:
    """Every contact of a step has its delivery, `intended` of them."""

    step: int
    intended: int


@dataclass(frozen=True, slots=True)
class Settled:
    """No delivery is open; `intended` of all steps exist."""

    intended: int


Signal = Approved | Paused | Resumed | Stopped | StepCalled | CameDue | Expanded | Settled


# --- what it decides -------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StartRun:
    """Record that the run begins."""

    approval_position: int


@dataclass(frozen=True, slots=True)
class ScheduleStep:
    """Record when a step is due."""

    step: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class RecordExpansion:
    """Record that a step has all its deliveries."""

    step: int
    intended: int


@dataclass(frozen=True, slots=True)
class CompleteCampaign:
    """Record that everything has an outcome."""

    intended: int


@dataclass(frozen=True, slots=True)
class EndRun:
    """Record that the run is over."""

    outcome: Literal["completed", "cancelled"]


Decision = StartRun | ScheduleStep | RecordExpansion | CompleteCampaign | EndRun


def decide(run: Run | None, signal: Signal) -> tuple[Decision, ...]:
    """What is to be recorded because of a signal. Nothing for a signal that is not news."""
    if isinstance(signal, Approved):
        return _begin(run, signal)
    if run is None or run.ended:
        return ()
    match signal:
        case Expanded(number, intended) if (step := run.step(number)) and step.state != "expanded":
            return (RecordExpansion(number, intended), *_next(run, step))
        case Settled(intended) if run.state == "cancelled":
            return (EndRun("cancelled"),)
        case Settled(intended) if run.expanded:
            return (CompleteCampaign(intended), EndRun("completed"))
    return ()


def _begin(run: Run | None, signal: Approved) -> tuple[Decision, ...]:
    if run is not None and run.approval_position >= signal.run.approval_position:
        return ()
    start = StartRun(signal.run.approval_position)
    if signal.run.orchestrator == "external":
        return (start,)
    return (start, ScheduleStep(1, signal.due_at))


def _next(run: Run, done: Step) -> tuple[Decision, ...]:
    following = run.step(done.number + 1)
    if run.orchestrator == "external" or following is None or done.due_at is None:
        return ()
    return (ScheduleStep(following.number, done.due_at + following.delay),)


def evolve(run: Run | None, signal: Signal) -> Run | None:
    """The run after a signal, and after recording what `decide` says to it. Only assigns."""
    for decision in (decisions := decide(run, signal)):
        if isinstance(decision, StartRun) and isinstance(signal, Approved):
            run = signal.run
    if run is None:
        return None
    run = _told(run, signal)
    for decision in decisions:
        run = _recorded(run, decision)
    return run


def _told(run: Run, signal: Signal) -> Run:
    match signal:
        case Paused() if run.state == "running":
            return replace(run, state="paused")
        case Resumed() if run.state == "paused":
            return replace(run, state="running")
        case Stopped(position) if run.state in ("running", "paused"):
            return replace(run, state="cancelled", stopped_position=position)
        case StepCalled(number, due_at, position) if position > run.approval_position:
            step = run.step(number)
            if step and step.state == "planned":
                return _with(
                    run, replace(step, state="scheduled", due_at=due_at, wait_position=position)
                )
        case CameDue(number, position):
            step = run.step(number)
            if step and step.state == "scheduled":
                wait = max(position, step.wait_position)
                return _with(run, replace(step, state="expanding", wait_position=wait))
    return run


def _recorded(run: Run, decision: Decision) -> Run:
    match decision:
        case ScheduleStep(number, due_at):
            step = run.step(number)
            if step and step.state == "planned":
                wait = run.approval_position
                return _with(
                    run, replace(step, state="scheduled", due_at=due_at, wait_position=wait)
                )
        case RecordExpansion(number):
            step = run.step(number)
            return _with(run, replace(step, state="expanded")) if step else run
        case EndRun(outcome):
            return replace(run, state=outcome, ended=True)
    return run


def _with(run: Run, step: Step) -> Run:
    steps = tuple(step if each.number == step.number else each for each in run.steps)
    return replace(run, steps=steps)
