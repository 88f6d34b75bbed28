"""What the stream processes measure about themselves."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

HANDLED = Counter("nudge_stream_records_total", "Records handled.", ["consumer", "topic"])
RETRIES = Counter(
    "nudge_stream_retries_total", "Batches tried again after transient trouble.", ["consumer"]
)
RETRYING = Gauge("nudge_stream_retrying", "1 while a batch waits to be tried again.", ["consumer"])
DEAD_LETTERS = Counter(
    "nudge_stream_dead_letters_total", "Records put aside.", ["consumer", "topic"]
)
SECONDS = Histogram(
    "nudge_stream_batch_seconds",
    "Time to handle one batch, retries included.",
    ["consumer"],
    buckets=(0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30, 100),
)
LAG_EVENTS = Gauge(
    "nudge_stream_lag_events",
    "Offsets between what was handed over and the end of the partition.",
    ["consumer", "topic", "partition"],
)
