"""What one run of `make chaos` shall do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from domain.delivery.decisions import Policy
from domain.shared.faults import SENDER_POINTS, FaultPoint

SEARCH_LAG: Final = 2.0
SETTINGS: Final[dict[str, Any]] = {
    "send_rate": 20,
    "send_lease": timedelta(seconds=6),
    "send_settling": timedelta(seconds=5),
    "restart_pause": timedelta(seconds=0.5),
}
"""A lost batch is known after 14 and 19 seconds; the search lags less than the settling time."""
BEHAVIOUR: Final[dict[str, Any]] = {
    "time_scale": 0.1,
    "search_lag_seconds": SEARCH_LAG,
    "delays": {"open": (5, 100), "reopen": (5, 60), "click": (5, 60), "unsubscribe": (5, 60)},
    "faults": {
        "timeout_after_accept": 0.05,
        "error_500": 0.03,
        "rate_limit": 0.03,
        "maintenance": 0.02,
        "drop_webhooks": 0.02,
        "duplicate_webhooks": 0.05,
        "shuffle_webhooks": 0.05,
        "hang_seconds": 20.0,
        "shuffle_seconds": 30.0,
    },
}
"""Every fault the sandbox knows; a message appears in its search up to two seconds late."""
EFFECTS: Final = (
    *SENDER_POINTS, FaultPoint.REPLY_BEFORE_RECORDING, FaultPoint.REPLY_AFTER_RECORDING,
)  # fmt: skip
RELAY: Final = (
    FaultPoint.RELAY_IN_TRANSACTION, FaultPoint.RELAY_AT_COMMIT, FaultPoint.RELAY_AFTER_COMMIT,
)  # fmt: skip
DELAYS: Final = {FaultPoint.SENDER_DURING_CALL: 0.02, FaultPoint.RELAY_IN_TRANSACTION: 0.05}
"""Seconds to go on before dying, so that the other side has heard something."""


@dataclass(frozen=True)
class Plan:
    """`kills` at every point; `freezes` of either length at every sender point; `deaths` of every
    process that has no points, by a kill from outside. `people` of each campaign."""

    seed: int
    policy: Policy
    kills: int = 8
    freezes: int = 1
    deaths: int = 2
    people: int = 200
    others: tuple[str, ...] = ("kafka", "postgres", "reactions", "clickhouse", "api",
                               "postmark-sandbox")  # fmt: skip
    longest: float = 16 * 60.0
    """Seconds after which no new order is given; what is missing then fails the run."""

    @property
    def name(self) -> str:
        return f"seed {self.seed}, {self.policy}"
