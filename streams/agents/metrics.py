"""What the reactions measure about themselves."""

from __future__ import annotations

from prometheus_client import Gauge

STEPS_WAITING = Gauge(
    "nudge_steps_waiting", "Due steps that wait for the contacts view to catch up."
)
