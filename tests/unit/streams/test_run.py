"""The process manager of a campaign: what is decided, in which state, and what is no news."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from streams.workflows.run import (
    Approved,
    CameDue,
    CompleteCampaign,
    Decision,
    EndRun,
    Expanded,
    Orchestrator,
    Paused,
    RecordExpansion,
    Resumed,
    Run,
    ScheduleStep,
    Settled,
    Signal,
    StartRun,
    Step,
    StepCalled,
    Stopped,
    decide,
    evolve,
)

NINE = datetime(2026, 1, 5, 9, tzinfo=UTC)
DAY = timedelta(days=1)


def beginning(orchestrator: Orchestrator = "built_in", position: int = 10) -> Run:
    return Run(
        campaign_id="c", organization_id="o", workflow_id="w", state="running",
        orchestrator=orchestrator, content_hash="h", approval_position=position,
        workflow_version=1, correlation_id="x", causation_id="y",
        steps=(Step(1, timedelta()), Step(2, DAY)),
    )  # fmt: skip


def given(*signals: Signal, orchestrator: Orchestrator = "built_in") -> Run:
    run: Run | None = None
    for signal in (Approved(beginning(orchestrator), NINE), *signals):
        run = evolve(run, signal)
    assert run is not None
    return run


def states(run: Run | None) -> list[str]:
    assert run is not None
    return [step.state for step in run.steps]


def test_an_approval_starts_the_run_and_schedules_its_first_step() -> None:
    approved = Approved(beginning(), NINE)

    assert decide(None, approved) == (StartRun(10), ScheduleStep(1, NINE))
    run = evolve(None, approved)
    assert run is not None
    assert run.steps[0] == Step(1, timedelta(), "scheduled", NINE, wait_position=10)


def test_the_same_approval_again_is_no_news() -> None:
    run = given()

    assert decide(run, Approved(beginning(), NINE)) == ()
    assert evolve(run, Approved(beginning(), NINE)) == run


def test_a_newer_approval_begins_anew() -> None:
    run = given(CameDue(1, 12), Stopped(15))

    again = evolve(run, Approved(beginning(position=20), NINE))

    assert again is not None
    assert (again.state, again.approval_position) == ("running", 20)
    assert states(again) == ["scheduled", "planned"]


def test_a_step_that_came_due_waits_for_all_that_was_recorded_by_then() -> None:
    run = given(CameDue(1, 31))

    assert run.steps[0].state == "expanding"
    assert run.steps[0].wait_position == 31
    assert evolve(run, CameDue(1, 99)) == run


def test_an_expanded_step_schedules_the_next_one_after_its_delay() -> None:
    run = given(CameDue(1, 12))

    assert decide(run, Expanded(1, 5)) == (RecordExpansion(1, 5), ScheduleStep(2, NINE + DAY))
    assert states(evolve(run, Expanded(1, 5))) == ["expanded", "scheduled"]


def test_an_expansion_is_recorded_once() -> None:
    run = given(CameDue(1, 12), Expanded(1, 5))

    assert decide(run, Expanded(1, 5)) == ()


def test_everything_expanded_and_settled_is_the_end() -> None:
    run = given(CameDue(1, 12), Expanded(1, 5), CameDue(2, 13), Expanded(2, 5))

    assert decide(run, Settled(10)) == (CompleteCampaign(10), EndRun("completed"))
    done = evolve(run, Settled(10))
    assert done is not None
    assert (done.state, done.ended) == ("completed", True)
    assert decide(done, Settled(10)) == ()


def test_a_run_with_steps_to_come_does_not_end() -> None:
    assert decide(given(CameDue(1, 12), Expanded(1, 5)), Settled(5)) == ()


def test_a_stopped_run_ends_as_cancelled_once_nothing_is_open() -> None:
    run = given(CameDue(1, 12), Stopped(40))

    assert (run.state, run.stopped_position, run.ended) == ("cancelled", 40, False)
    assert decide(run, Settled(3)) == (EndRun("cancelled"),)


@pytest.mark.parametrize(
    ("signals", "state"),
    [
        ([Paused()], "paused"),
        ([Paused(), Paused()], "paused"),
        ([Paused(), Resumed()], "running"),
        ([Resumed()], "running"),
        ([Paused(), Stopped(9)], "cancelled"),
        ([Stopped(9), Resumed()], "cancelled"),
        ([Stopped(9), Paused()], "cancelled"),
    ],
)
def test_where_pauses_and_stops_lead(signals: list[Signal], state: str) -> None:
    assert given(*signals).state == state


def test_an_external_orchestrator_is_left_to_begin_each_step() -> None:
    approved = Approved(beginning("external"), NINE)
    assert decide(None, approved) == (StartRun(10),)
    run = given(StepCalled(1, NINE, 20), CameDue(1, 20), orchestrator="external")

    assert decide(run, Expanded(1, 5)) == (RecordExpansion(1, 5),)
    assert states(evolve(run, Expanded(1, 5))) == ["expanded", "planned"]


@pytest.mark.parametrize("position", [5, 10])
def test_a_call_from_before_the_approval_begins_nothing(position: int) -> None:
    run = given(StepCalled(1, NINE, position), orchestrator="external")

    assert states(run) == ["planned", "planned"]


@pytest.mark.parametrize("number", [0, 3, 99])
def test_steps_that_do_not_exist_change_nothing(number: int) -> None:
    run = given()
    signals: list[Signal] = [
        StepCalled(number, NINE, 99), CameDue(number, 99), Expanded(number, 1)
    ]  # fmt: skip
    for signal in signals:
        assert evolve(run, signal) == run


@pytest.mark.parametrize("signal", [Paused(), Resumed(), Stopped(1), Settled(0), Expanded(1, 0)])
def test_signals_about_a_run_that_does_not_exist_are_ignored(signal: Signal) -> None:
    nothing: tuple[Decision, ...] = ()
    assert decide(None, signal) == nothing
    assert evolve(None, signal) is None


def test_an_ended_run_decides_nothing_more() -> None:
    ended = replace(given(CameDue(1, 12)), ended=True)

    assert decide(ended, Expanded(1, 5)) == ()
