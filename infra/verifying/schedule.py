"""Verification on a schedule, beside the analytics writer: gently, and told as metrics."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from prometheus_client import Gauge

from infra.verifying.verifier import Verdict, VerifyRunningError
from projections.verify.fault import STORES

FAULTS = Gauge(
    "nudge_verify_faults", "Places where a store did not say what the log says.", ["store"]
)
EVENTS = Gauge("nudge_verify_events", "Events compared by the last verification.", ["store"])
FINISHED = Gauge(
    "nudge_verify_finished_timestamp_seconds", "When the last verification ended, since 1970."
)
FAILED = Gauge("nudge_verify_failed", "1 when the last verification could not be finished.")
_log = structlog.get_logger("verify")


def run_schedule(verify: Callable[[], Verdict], every: float, stop: threading.Event) -> None:
    """Verify now and every so many seconds until told to stop.

    A store that is away makes it try again at the next time; nothing is raised.
    """
    while not stop.is_set():
        try:
            tell(verify())
        except VerifyRunningError:
            _log.info("verification left to another process")
        except Exception as error:  # noqa: BLE001 - told, and tried again
            FAILED.set(1)
            _log.warning("verification not finished", reason=str(error))
        stop.wait(every)


def tell(verdict: Verdict) -> None:
    """Metrics and log lines of a verdict."""
    for store in STORES:
        FAULTS.labels(store).set(len(verdict.of(store)))
        EVENTS.labels(store).set(verdict.events.get(store, 0))
    FINISHED.set(time.time())
    FAILED.set(0)
    if verdict.first is not None:
        _log.error("a store does not say what the log says", first=str(verdict.first))
    elif verdict.faults:
        _log.error("a store does not say what the log says", first=str(verdict.faults[0]))
    else:
        _log.info("verified", events=verdict.events, seconds=round(verdict.seconds, 1))
