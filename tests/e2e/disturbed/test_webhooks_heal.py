"""Two hours of webhooks dropped, the rest shuffled and doubled: as if all had come in order."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from infra.postgres import Connection, connect
from tests.support.killing import wait_for_end
from tests.support.mailing import (
    REACTIONS,
    approve_campaign,
    import_contacts,
    provider_counts,
)
from tests.support.whole_stack import Tenant, WholeStack, whole_stack

PEOPLE = 150
HOUR = 3600.0
SCALE = 1 / 900
"""An hour takes four seconds."""
EVENTFUL = {
    "rates": {
        "hard_bounce": 0.06, "soft_bounce": 0.05, "blocked": 0.03, "silent": 0.03, "open": 0.6,
        "reopen": 0.5, "click": 0.3, "complaint": 0.05, "unsubscribe": 0.1,
        "scanner": 0.1, "privacy_proxy": 0.1,
    },
    "delays": {
        "delivery": (3, 3 * HOUR), "bounce": (3, 3 * HOUR), "open": (10, HOUR),
        "reopen": (30, HOUR), "click": (5, HOUR), "complaint": (30, HOUR),
        "unsubscribe": (15, HOUR),
    },
    "time_scale": SCALE,
}  # fmt: skip
CALM = {"drop_webhooks": 0.0, "shuffle_webhooks": 0.0, "duplicate_webhooks": 0.0}
LOST = {**CALM, "drop_webhooks": 1.0}
MUDDLED = {**CALM, "shuffle_webhooks": 1.0, "duplicate_webhooks": 1.0, "shuffle_seconds": HOUR}

_DELIVERIES = """
    SELECT c.email, d.state, d.accepted, d.delivered, d.opened, d.clicked, d.bounced, d.complained,
        d.unsubscribed
    FROM views.deliveries d JOIN views.contacts c ON c.id = d.contact_id
    WHERE d.campaign_id = %s ORDER BY c.email
"""
_STANDINGS = """
    SELECT address_hmac, consent, suppression FROM log.mailable WHERE organization_id = %s
    ORDER BY address_hmac
"""


@pytest.fixture
def watchful(tmp_path: Path) -> Iterator[WholeStack]:
    """A product that misses a webhook after a second."""
    with whole_stack(
        tmp_path,
        heal_every=timedelta(seconds=2),
        heal_after=timedelta(seconds=1),
        heal_rate=0,
    ) as running:
        yield running


def behave(product: WholeStack, **patch: Any) -> None:
    answer = product.sandbox.put("/sandbox/behaviour", json=patch)
    assert answer.status_code == 200, answer.text


def metrics(tenant: Tenant, campaign: str) -> dict[str, int]:
    found = tenant.get(f"/v1/campaigns/{campaign}")["metrics"]
    return {name: found[name] for name in REACTIONS}


def sent(tenant: Tenant, campaign: str) -> bool:
    return bool(tenant.get(f"/v1/campaigns/{campaign}")["status"] == "sent")


def end_state(log: Connection, tenant: Tenant, campaign: str) -> tuple[list[Any], list[Any]]:
    """Each delivery by address, and who may be mailed."""
    deliveries = log.execute(_DELIVERIES.encode(), (campaign,)).fetchall()
    standings = log.execute(_STANDINGS.encode(), (tenant.organization_id,)).fetchall()
    return deliveries, standings


def heal(product: WholeStack, tenant: Tenant) -> dict[str, Any]:
    """`nudge webhooks heal`: where the organization stands then."""
    standing: dict[str, Any]
    (standing,) = json.loads(
        product.nudge("webhooks", "heal", "--organization", tenant.organization_id, "--json")
    )
    return standing


def test_dropped_shuffled_and_doubled_webhooks_end_as_a_clean_run_does(
    watchful: WholeStack,
) -> None:
    behave(watchful, **EVENTFUL, faults=CALM)
    clean = watchful.new_tenant("Clean")
    clean_campaign = approve_campaign(clean, import_contacts(clean, PEOPLE, 0))
    wait_for_end(lambda: sent(clean, clean_campaign), 60, "the sending")
    wait_for_end(
        lambda: watchful.sandbox_quiet()
        and metrics(clean, clean_campaign) == provider_counts(watchful, clean_campaign),
        90, "the clean run",
    )  # fmt: skip

    troubled = watchful.new_tenant("Troubled")
    behave(watchful, faults=LOST)
    campaign = approve_campaign(troubled, import_contacts(troubled, PEOPLE, 0))
    wait_for_end(lambda: sent(troubled, campaign), 60, "the sending")
    time.sleep(2 * HOUR * SCALE)  # not for luck: the two hours
    behave(watchful, faults=MUDDLED)
    wait_for_end(watchful.sandbox_quiet, 90, "the end of the recipients' reactions")
    posted = watchful.sandbox.get("/sandbox/webhooks").json()["webhooks"]
    assert sum(kind["dropped"] for kind in posted.values()) > PEOPLE / 2

    def healed() -> bool:
        heal(watchful, troubled)
        return metrics(troubled, campaign) == provider_counts(watchful, campaign)

    wait_for_end(healed, 90, "the healing")
    with connect(watchful.addresses.postgres_owner_url) as log:
        wanted = end_state(log, clean, clean_campaign)
        wait_for_end(lambda: end_state(log, troubled, campaign) == wanted, 20, "equal end states")

    found = heal(watchful, troubled)["found"]
    assert {"Delivery", "Open", "Click", "Bounce", "SpamComplaint"} <= found.keys()
    assert "SubscriptionChange" in found
    assert sum(found.values()) > PEOPLE / 2
    quiet = {s["organization_id"]: s["found"] for s in json.loads(
        watchful.nudge("webhooks", "gaps", "--json"))}  # fmt: skip
    assert quiet[clean.organization_id] == {}
