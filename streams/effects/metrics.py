"""What the effect workers measure about themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import Counter, Gauge, Histogram

DELIVERIES = Counter("nudge_deliveries_total", "Decisions about deliveries.", ["decision"])
BLOCKED = Counter(
    "nudge_sends_blocked_total", "Turns lost because no webhook of the stream is registered."
)
FAILURES = Counter("nudge_sends_put_aside_total", "Campaigns put aside after an unforeseen error.")
CALL_SECONDS = Histogram(
    "nudge_send_call_seconds",
    "Time of one call to the provider.",
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10, 15, 30),
)
CLAIMS_OPEN = Gauge("nudge_claims_open", "Deliveries claimed whose outcome is not recorded yet.")
OLDEST_CLAIM = Gauge("nudge_oldest_claim_seconds", "Age of the oldest batch that is not settled.")
AMBIGUOUS = Gauge("nudge_deliveries_ambiguous", "Deliveries of which only the provider knows.")
HELD = Gauge("nudge_deliveries_held", "Deliveries that wait for a person to decide.")
WAITING = Gauge("nudge_deliveries_waiting", "Deliveries still to be claimed.")
SEND_RATE = Gauge("nudge_send_rate", "Deliveries a second and stream that are allowed; 0: any.")
REGISTRATIONS = Counter(
    "nudge_webhook_registrations_total", "Attempts to register webhooks.", ["result"]
)
GAPS = Counter(
    "nudge_webhook_gaps_total", "Observations whose webhook never came, fetched instead.", ["kind"]
)
HEAL_ROUNDS = Counter(
    "nudge_heal_rounds_total", "Comparisons of an organization with its provider.", ["result"]
)
HEAL_CALLS = Counter(
    "nudge_heal_calls_total", "Questions to the provider about the past.", ["result"]
)
HEAL_BEHIND = Gauge(
    "nudge_heal_behind_seconds", "How long the oldest comparison has been due; 0: none is."
)
ERRANDS = Counter("nudge_errands_total", "Errands for people, looked at.", ["kind", "result"])
LOOKBACKS = Counter(
    "nudge_lookbacks_total", "Looks of restored campaigns for what they sent already.", ["result"]
)
LOOKBACKS_WAITING = Gauge(
    "nudge_lookbacks_waiting", "Restored campaigns that send nothing before they have looked back."
)
HEAL_BATCHES = Gauge("nudge_heal_batches", "Batches with messages still to be looked up.")

_DECISIONS: Final = {
    "DeliveryClaimed": "claimed",
    "DeliveryWithheld": "withheld",
    "DeliveryAccepted": "sent",
    "DeliveryRefused": "refused",
    "DeliveryReturned": "returned",
    "DeliveryAmbiguous": "ambiguous",
    "DeliveryHeld": "held",
}


def count_events(events: Mapping[str, int]) -> None:
    """Count what was decided, by event type."""
    for event_type, count in events.items():
        if decision := _DECISIONS.get(event_type):
            DELIVERIES.labels(decision).inc(count)
