"""The end of a run: everything counted on both sides, and what must hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from domain.shared.faults import FaultPoint
from infra.bootstrap import Core
from infra.postgres import Connection, connect
from tests.chaos.load import Load
from tests.chaos.orders import Conductor
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

LEAST_AT_A_POINT: Final = 7
LEAST_IN_ALL: Final = 100
_ANSWERS: Final = """
    SELECT stream_id, count(*) FILTER (WHERE type = 'TurnReceived'),
        count(*) FILTER (WHERE type = 'ReplyGiven')
    FROM log.events WHERE stream_id = ANY(%s::uuid[]) GROUP BY stream_id
"""
_FOUND: Final = """
    SELECT s.state, count(DISTINCT s.delivery_id) FROM state.sends s
    JOIN log.events e ON e.stream_id = s.delivery_id AND e.type = 'DeliveryAmbiguous'
    WHERE s.organization_id = %s GROUP BY s.state
"""


@dataclass(frozen=True)
class Verdict:
    """What was counted when everything had come to rest.

    `audience`: contacts of all campaigns together, each of whom has a delivery.
    """

    audience: int
    outcomes: Counter[str]
    twice: int
    unrecorded: int
    unfounded: int
    once_ambiguous: Counter[str]
    held_listed: int
    unanswered: int
    answered_twice: int
    answered: int
    silent_claims: int
    differences: Differences
    provider: Counter[str]
    metrics: Counter[str]

    @property
    def intended(self) -> int:
        return self.outcomes.total()

    @property
    def forgotten(self) -> int:
        """Contacts of an audience for whom nothing was intended, or more than once."""
        return abs(self.audience - self.intended)

    @property
    def missing(self) -> int:
        """Intended deliveries without an outcome."""
        ended = ("accepted", "refused", "withheld", "held")
        return self.intended - sum(self.outcomes[state] for state in ended)

    def wrong(self) -> list[str]:
        """Everything that must not be; empty when all holds."""
        differences = self.differences
        zero = {
            "mailed twice": self.twice,
            "forgotten when the audience was expanded": self.forgotten,
            "missing": self.missing,
            "accepted by the provider, not recorded": self.unrecorded,
            "recorded as accepted, unknown to the provider": self.unfounded,
            "held, not listed": self.outcomes["held"] - self.held_listed,
            "turns without a reply": self.unanswered,
            "turns with two replies": self.answered_twice,
            "claims above an unsubscribe": self.silent_claims,
            "differences of the ledger": len(differences.ledger),
            "differences of the read models": len(differences.views),
            "differences of ClickHouse": len(differences.clickhouse),
            "differences of Kafka": len(differences.kafka),
            "reactions made up": sum((self.metrics - self.provider).values()),
        }
        return [f"{name}: {count}" for name, count in zero.items() if count]


def shortfalls(conductor: Conductor) -> list[str]:
    """Orders of the plan that were not carried out."""
    kills, plan = conductor.kills, conductor.plan
    least = min(LEAST_AT_A_POINT, plan.kills)
    found = [f"{p}: {kills[p]} kills" for p in FaultPoint if kills[p] < least]
    if plan.kills >= LEAST_AT_A_POINT and kills.total() < LEAST_IN_ALL:
        found.append(f"{kills.total()} kills in all")
    return found + conductor.failures


def verdict_of(
    product: WholeStack, tenant: Tenant, load: Load, contacts: int, seconds: float
) -> Verdict:
    """Look at everything, once the stores had `seconds` to catch up."""
    core = Core.of(product.settings, "analytics")
    try:
        differences = differences_at_rest(partial(all_differences, core), seconds)
        with core.pool.connection() as connection:
            events = decoded(core.codec, read_log(connection), core.keys)
    finally:
        core.pool.close()
    with connect(product.addresses.postgres_worker_url, autocommit=True) as ledger:
        results = [result_of(product, ledger, campaign) for campaign in load.campaigns]
        answers = ledger.execute(_ANSWERS, (load.conversations,)).fetchall()
        found = _counts(ledger, tenant)
    return Verdict(
        audience=contacts * len(load.campaigns),
        outcomes=_sum([result.outcomes for result in results]),
        twice=_total(results, "twice"),
        unrecorded=_total(results, "unrecorded"),
        unfounded=_total(results, "unfounded"),
        once_ambiguous=found,
        held_listed=int(tenant.get("/v1/deliveries", state="held", limit=1)["total"]),
        unanswered=sum(said - told for _, said, told in answers if told < said),
        answered_twice=sum(told - said for _, said, told in answers if told > said),
        answered=sum(told for _, _, told in answers),
        silent_claims=len(claims_of_the_silent(events)),
        differences=differences,
        provider=_sum([Counter(provider_counts(product, each)) for each in load.campaigns]),
        metrics=_sum([_metrics(tenant, each) for each in load.campaigns]),
    )


def _counts(ledger: Connection, tenant: Tenant) -> Counter[str]:
    return Counter(dict(ledger.execute(_FOUND, (tenant.organization_id,)).fetchall()))


def _metrics(tenant: Tenant, campaign: str) -> Counter[str]:
    metrics = tenant.get(f"/v1/campaigns/{campaign}")["metrics"]
    return Counter({name: metrics[name] for name in REACTIONS})


def _sum(counters: Sequence[Counter[str]]) -> Counter[str]:
    return sum(counters, Counter())


def _total(results: Sequence[Result], name: str) -> int:
    return sum(int(getattr(result, name)) for result in results)
