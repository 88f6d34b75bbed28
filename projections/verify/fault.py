"""What a verification finds: one place where a store does not say what the log says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

KAFKA: Final = "kafka"
POSTGRES: Final = "postgres"
CLICKHOUSE: Final = "clickhouse"
STORES: Final = (KAFKA, POSTGRES, CLICKHOUSE)


@dataclass(frozen=True, slots=True)
class Fault:
    """`kind` is `lost`, `doubled`, `altered`, `extra`, `out of order` or `unreadable`.

    `position` and `event` name the first event that differs; 0 and "" when there is none in the
    log. `model` is the read model to rebuild, as `nudge projections` names it; "" for Kafka.
    """

    store: str
    place: str
    kind: str
    key: str
    position: int
    event: str
    detail: str
    model: str = ""
