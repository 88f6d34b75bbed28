"""The end of every test that kills: what must hold then, and the table that shows it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from infra.bootstrap import Core
from tests.support.killing import Killer, table_of
from tests.support.mailing import REACTIONS, Result, provider_counts, result_of
from tests.support.truth import (
    Differences,
    all_differences,
    claims_of_the_silent,
    decoded,
    differences_at_rest,
    read_log,
)
from tests.support.whole_stack import Tenant, WholeStack

FAULTS = {
    "timeout_after_accept": 0.05,
    "error_500": 0.03,
    "duplicate_webhooks": 0.05,
    "shuffle_webhooks": 0.05,
    "shuffle_seconds": 30.0,
}
"""Enough for doubt to arise all the time, and for webhooks to come twice and out of order."""


def misbehave(product: WholeStack, **more: object) -> None:
    """Let the sandbox play FAULTS; `more` changes other parts of its behaviour."""
    answer = product.sandbox.put("/sandbox/behaviour", json={"faults": FAULTS, **more})
    assert answer.status_code == 200, answer.text


def behave(product: WholeStack) -> None:
    """No more faults, so that what is left can end."""
    calm = dict.fromkeys(FAULTS, 0.0)
    assert product.sandbox.put("/sandbox/behaviour", json={"faults": calm}).status_code == 200


@dataclass(frozen=True)
class Aftermath:
    """Everything that is looked at when a campaign has ended."""

    result: Result
    differences: Differences
    silent_claims: int
    provider: dict[str, int]
    metrics: dict[str, int]

    def table(self, killer: Killer) -> str:
        """What happened, for people."""
        result, differences = self.result, self.differences
        assert killer.first_claim is not None
        rows: list[tuple[str, object]] = [
            ("intended", result.intended),
            *sorted(result.outcomes.items()),
            ("sent twice", result.twice),
            ("missing", result.missing),
            ("once ambiguous, by end", dict(result.once_ambiguous)),
            ("accepted, not recorded", result.unrecorded),
            ("recorded, not accepted", result.unfounded),
            ("claims of the silent", self.silent_claims),
            ("events", differences.events),
            ("ledger differs in", len(differences.ledger)),
            ("views differ in", len(differences.views)),
            ("ClickHouse differs in", len(differences.clickhouse)),
            ("Kafka differs in", len(differences.kafka)),
            ("provider's reactions", self.provider),
            ("our metrics", self.metrics),
        ]
        lines = [f"{name:<26}{value}" for name, value in rows]
        return "\n".join([table_of(killer.kills, killer.first_claim), *lines])

    def check(self) -> None:
        """Nobody twice, nobody missing, and every store says the same as the log."""
        result = self.result
        assert result.twice == 0
        assert result.missing == 0
        assert (result.unrecorded, result.unfounded) == (0, 0)
        assert self.silent_claims == 0
        assert self.differences.ledger == []
        assert self.differences.views == []
        assert self.differences.clickhouse == []
        assert self.differences.kafka == []
        assert self.metrics == self.provider


def aftermath(product: WholeStack, tenant: Tenant, killer: Killer, seconds: float) -> Aftermath:
    """Look at everything, once the stores had `seconds` to catch up."""
    core = Core.of(product.settings, "analytics")
    try:
        differences = differences_at_rest(partial(all_differences, core), seconds)
        with core.pool.connection() as connection:
            events = decoded(core.codec, read_log(connection), core.keys)
    finally:
        core.pool.close()
    metrics = tenant.get(f"/v1/campaigns/{killer.campaign_id}")["metrics"]
    return Aftermath(
        result_of(product, killer.ledger, killer.campaign_id),
        differences,
        len(claims_of_the_silent(events)),
        provider_counts(product, killer.campaign_id),
        {name: metrics[name] for name in REACTIONS},
    )
