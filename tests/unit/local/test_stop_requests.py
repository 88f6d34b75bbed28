"""Ctrl-C, once or as often as somebody likes: everything is stopped once, without a trace."""

from __future__ import annotations

import os
import signal

import pytest

from infra.cli.attach import StopRequestedError, StopRequests, stop_requests


def test_a_request_raises_and_the_same_pressed_again_at_once_does_not() -> None:
    now = [100.0]
    ask = StopRequests(lambda: now[0])

    with pytest.raises(StopRequestedError):
        ask(signal.SIGINT, None)
    now[0] += 0.9
    ask(signal.SIGINT, None)


def test_one_that_got_lost_on_its_way_can_be_made_again() -> None:
    now = [100.0]
    ask = StopRequests(lambda: now[0])
    with pytest.raises(StopRequestedError):
        ask(signal.SIGINT, None)

    now[0] += 1.0

    with pytest.raises(StopRequestedError):
        ask(signal.SIGINT, None)


def test_while_everything_is_being_stopped_asking_again_changes_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stop_requests() as requests:
        with pytest.raises(StopRequestedError):
            os.kill(os.getpid(), signal.SIGINT)
        requests.heard()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            os.kill(os.getpid(), number)
    assert signal.getsignal(signal.SIGINT) is before
