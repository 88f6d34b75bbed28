"""Loops beat while they live, and their end is told."""

from __future__ import annotations

import threading
import time

import psycopg
import pytest

from streams.effects import loops
from streams.effects.loops import Bell, Loop, LoopEndedError, watch


def wait_for(event: threading.Event) -> None:
    assert event.wait(60)


def test_a_loop_that_ends_by_an_error_ends_the_process() -> None:
    def broken() -> bool:
        raise RuntimeError("a bug")

    stop = threading.Event()
    loop = Loop("broken", broken, Bell(), stop, 10.0)
    loop.start()

    with pytest.raises(LoopEndedError, match="broken: RuntimeError"):
        watch([loop], stop, lambda: None, 60)


def test_a_store_that_is_away_ends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loops, "AFTER_TROUBLE", 0.01)
    tried = []
    stop = threading.Event()

    def away() -> bool:
        tried.append(1)
        if len(tried) < 3:
            raise psycopg.OperationalError("no connection")
        stop.set()
        return True

    loop = Loop("away", away, Bell(), stop, 10.0)
    loop.start()
    loop.join(5)

    assert (len(tried), loop.failure) == (3, None)


def test_a_bell_wakes_a_loop_that_had_nothing_to_do() -> None:
    bell, stop, steps = Bell(), threading.Event(), threading.Semaphore(0)

    def step() -> bool:
        steps.release()
        return False

    loop = Loop("idle", step, bell, stop, 60.0)
    loop.start()
    assert steps.acquire(timeout=60)

    deadline = time.monotonic() + 60
    while not steps.acquire(timeout=0.05):
        bell.ring()
        assert time.monotonic() < deadline
    stop.set()
    bell.ring()
    loop.join(5)

    assert not loop.alive


def test_a_stuck_loop_stops_the_beat() -> None:
    stop, stuck, beats = threading.Event(), threading.Event(), []
    loop = Loop("stuck", lambda: stuck.wait(10), Bell(), stop, 1.0)
    loop.start()
    watching = threading.Thread(target=watch, args=([loop], stop, lambda: beats.append(1), 0.5))
    watching.start()
    time.sleep(1.3)
    stop.set()
    stuck.set()
    watching.join(5)

    assert beats == []


def test_a_long_preparation_is_not_taken_for_standing_still() -> None:
    stop, prepared = threading.Event(), threading.Event()
    loop = Loop("late", lambda: False, Bell(), stop, 0.01, lambda: wait_for(prepared))
    loop.start()
    assert loop.moves(patience=0.0)

    prepared.set()
    stop.set()
    loop.join(5)
    assert not loop.moves(patience=0.0)


def test_a_loop_whose_steps_may_take_long_is_not_taken_for_stuck() -> None:
    begun, finish, stop = threading.Event(), threading.Event(), threading.Event()

    def slow() -> bool:
        begun.set()
        finish.wait(10)
        return False

    patient = Loop("patient", slow, Bell(), stop, 10.0, longest=60)
    patient.start()
    wait_for(begun)

    try:
        assert patient.moves(0.0)
        patient.last_beat -= 61
        assert not patient.moves(0.0)
    finally:
        stop.set()
        finish.set()
        patient.join(5)


def test_a_loop_that_is_told_to_stop_during_a_step_does_not_wait_for_its_bell() -> None:
    bell, stop, begun, finish = Bell(), threading.Event(), threading.Event(), threading.Event()

    def step() -> bool:
        begun.set()
        finish.wait(60)
        return False

    loop = Loop("busy", step, bell, stop, 600.0)
    loop.start()
    wait_for(begun)

    stop.set()
    bell.ring()  # nobody hears it: the step is not over
    finish.set()
    loop.join(60)

    assert not loop.alive
