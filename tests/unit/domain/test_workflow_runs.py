"""A campaign's workflow: graphs with rising versions, one run at a time, each step once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

from domain.workflow.aggregate import Workflow
from domain.workflow.generate import generate
from domain.workflow.graph import Graph
from tests.support.spec import Spec
from tests.unit.domain.made import META, NOW, workflow

Act = Callable[[Workflow], Any]


def graph(version: int, steps: int = 1) -> Graph:
    waits = [timedelta(days=3 if step else 0) for step in range(steps)]
    return generate("immediate", waits, version=version)


def regenerate(to: Graph) -> Act:
    return lambda w: w.regenerated(to, META)


def start(position: int) -> Act:
    return lambda w: w.start_run(position, META)


def expand(step: int, intended: int = 10) -> Act:
    return lambda w: w.expand_step(step, intended, META)


def schedule(step: int, days: float = 0) -> Act:
    return lambda w: w.schedule_step(step, NOW + timedelta(days=days), META)


def test_a_later_graph_is_recorded_as_the_same_type_of_event() -> None:
    after = Spec.given(workflow()).when(regenerate(graph(2))).then(Workflow.Created)
    assert (after.graph, after.version) == (graph(2), 2)


def test_the_same_graph_changes_nothing_whatever_its_version() -> None:
    Spec.given(workflow(1)).when(regenerate(graph(5))).then()


def test_a_later_graph_has_a_higher_version() -> None:
    Spec.given(workflow(2)).when(regenerate(graph(1))).then_refused("graph_version")


def test_a_run_starts_once_for_an_approval() -> None:
    assert Spec.given(workflow()).when(start(7)).then(Workflow.RunStarted).running
    Spec.given(workflow(), start(7)).when(start(7)).then()
    Spec.given(workflow(), start(7)).when(start(3)).then()


def test_a_newer_approval_ends_the_run_of_an_older_one() -> None:
    spec = Spec.given(workflow(), start(7), expand(1)).when(start(9))
    after = spec.then(Workflow.RunEnded, Workflow.RunStarted)
    assert (after.approval_position, after.expanded) == (9, {})


def test_a_step_is_expanded_once_in_a_run() -> None:
    spec = Spec.given(workflow(), start(7)).when(expand(1, 12))
    assert spec.then(Workflow.StepExpanded).expanded == {1: 12}
    Spec.given(workflow(), start(7), expand(1)).when(expand(1)).then()


def test_a_step_is_scheduled_until_it_is_expanded() -> None:
    Spec.given(workflow(), start(7)).when(schedule(2)).then(Workflow.StepScheduled)
    Spec.given(workflow(), start(7), schedule(2)).when(schedule(2)).then()
    Spec.given(workflow(), start(7), schedule(2)).when(schedule(2, 1)).then(Workflow.StepScheduled)
    Spec.given(workflow(), start(7), expand(2)).when(schedule(2, 1)).then()


def test_steps_are_those_of_the_graph_and_need_a_run() -> None:
    for act in (schedule(3), expand(3), expand(0)):
        Spec.given(workflow(2), start(7)).when(act).then_refused("no_such_step")
    for act in (schedule(1), expand(1)):
        Spec.given(workflow()).when(act).then_refused("not_running")


def test_a_run_ends_once() -> None:
    def end(w: Workflow) -> None:
        w.end_run("completed", META)

    Spec.given(workflow(), start(7)).when(end).then(Workflow.RunEnded)
    Spec.given(workflow(), start(7), end).when(end).then()
    Spec.given(workflow(), start(7), end).when(expand(1)).then_refused("not_running")
