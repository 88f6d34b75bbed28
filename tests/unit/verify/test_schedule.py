"""The scheduled verification goes on whatever happens, and says what it found as metrics."""

from __future__ import annotations

import threading

from prometheus_client import REGISTRY

from infra.verifying.schedule import run_schedule
from infra.verifying.verifier import Verdict, VerifyRunningError
from projections.verify.fault import KAFKA, POSTGRES, Fault

LOST = Fault(KAFKA, "contact-events-2", "lost", "a", 7, "ContactAdded", "no record", "")
ALTERED = Fault(POSTGRES, "views.contacts", "altered", "a", 5, "ContactAdded", "x", "contacts")


def value(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def test_it_goes_on_after_failures_and_tells_the_last_verdict() -> None:
    stop = threading.Event()
    left: list[Exception | Verdict] = [
        ConnectionError("away"),
        VerifyRunningError("another"),
        Verdict({KAFKA: 9, POSTGRES: 8}, [LOST, ALTERED]),
    ]
    failed: list[float | None] = []

    def verify() -> Verdict:
        failed.append(value("nudge_verify_failed"))
        outcome = left.pop(0)
        if not left:
            stop.set()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    run_schedule(verify, 0.001, stop)

    assert failed[1] == 1.0
    assert left == []
    assert value("nudge_verify_failed") == 0.0
    assert value("nudge_verify_faults", store=KAFKA) == 1.0
    assert value("nudge_verify_faults", store=POSTGRES) == 1.0
    assert value("nudge_verify_events", store=KAFKA) == 9.0


def test_the_first_event_that_differs_is_the_one_with_the_lowest_position() -> None:
    counter = Fault(POSTGRES, "views.campaign_counters", "altered", "c/1", 0, "", "x", "deliveries")

    assert Verdict({}, [LOST, counter, ALTERED]).first == ALTERED
    assert Verdict({}, [counter]).first is None
