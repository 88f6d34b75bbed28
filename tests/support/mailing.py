"""A campaign to many contacts through the API alone, and what became of it at the provider."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from typing import Any

from infra.postgres import Connection
from tests.support.whole_stack import Tenant, WholeStack

REACTIONS = ("delivered", "opened", "opened_unique", "clicked", "clicked_unique", "bounced",
             "complained", "unsubscribed")  # fmt: skip
_OUTCOMES = """
    SELECT state, count(*) FROM state.sends WHERE campaign_id = %s GROUP BY state
"""
_ONCE_AMBIGUOUS = """
    SELECT s.state, count(DISTINCT s.delivery_id)
    FROM state.sends s JOIN log.events e ON e.stream_id = s.delivery_id
    WHERE s.campaign_id = %s AND e.type = 'DeliveryAmbiguous' GROUP BY s.state
"""


def import_contacts(tenant: Tenant, granted: int, unknown: int) -> str:
    """Contacts who may be mailed, and contacts whose consent nobody knows; a position token."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["email", "first_name", "consent_status", "consent_source"])
    for number in range(granted):
        rows.writerow([f"g{number}@example{number % 5}.com", f"Name{number}", "granted", "form"])
    for number in range(unknown):
        rows.writerow([f"u{number}@example.com", f"Name{number}", "unknown", ""])
    answer = tenant.http.post(
        "/v1/contacts/import",
        content=out.getvalue().encode(),
        headers={"Content-Type": "text/csv"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["added"] == granted + unknown, answer.text
    return answer.headers["Nudge-Position"]


def approve_campaign(tenant: Tenant, position: str) -> str:
    """A campaign to everybody, created and approved; its id. `position`: of the import."""
    tenant.get("/v1/contacts", position, limit=1)
    made = tenant.post(
        "/v1/campaigns",
        {
            "business_id": tenant.business_id,
            "type": "newsletter",
            "audience": {"conditions": {"all": []}},
            "emails": [{"subject": "Hi", "html": "<p><a href='https://x.example'>Bread</a></p>"}],
        },
        201,
    )
    campaign = made.json()
    tenant.get(f"/v1/campaigns/{campaign['id']}", made.headers["Nudge-Position"])
    tenant.post(
        f"/v1/campaigns/{campaign['id']}/approve", {"content_hash": campaign["content_hash"]}
    )
    return str(campaign["id"])


@dataclass(frozen=True)
class Result:
    """A finished campaign: our ledger beside the provider's own list."""

    outcomes: Counter[str]
    """Deliveries by state in the ledger."""
    once_ambiguous: Counter[str]
    """Of those whose fate was unknown for a while: by state in the end."""
    twice: int
    """Contacts the provider accepted more than one message for."""
    unrecorded: int
    """Messages the provider accepted and the ledger does not know as accepted."""
    unfounded: int
    """Deliveries the ledger has as accepted and the provider does not."""

    @property
    def intended(self) -> int:
        return self.outcomes.total()

    @property
    def missing(self) -> int:
        """Intended deliveries without an outcome."""
        ended = ("accepted", "refused", "withheld", "held")
        return self.intended - sum(self.outcomes[state] for state in ended)


def result_of(product: WholeStack, ledger: Connection, campaign_id: str) -> Result:
    """Ask both sides."""
    messages = product.sandbox.get(
        "/sandbox/messages", params={"metadata_campaign_id": campaign_id, "limit": 10_000}
    ).json()["messages"]
    per_address = Counter(address for message in messages for address in message["to"])
    sent = {(m["metadata"]["delivery_id"], m["message_id"]) for m in messages}
    accepted = set(
        ledger.execute(
            "SELECT delivery_id, message_id FROM state.sends"
            " WHERE campaign_id = %s AND state = 'accepted'",
            (campaign_id,),
        ).fetchall()
    )
    return Result(
        outcomes=_counted(ledger, _OUTCOMES, campaign_id),
        once_ambiguous=_counted(ledger, _ONCE_AMBIGUOUS, campaign_id),
        twice=sum(times > 1 for times in per_address.values()),
        unrecorded=len(sent - accepted),
        unfounded=len(accepted - sent),
    )


def _counted(ledger: Connection, query: str, campaign_id: str) -> Counter[str]:
    return Counter(dict(ledger.execute(query.encode(), (campaign_id,)).fetchall()))


def provider_counts(product: WholeStack, campaign_id: str) -> dict[str, int]:
    """What the sandbox's recipients did, as the names of `metrics`."""
    seen: dict[str, Any] = product.sandbox.get(
        "/sandbox/webhooks", params={"group_by": "campaign_id"}
    ).json()
    counts = seen["by_campaign_id"][campaign_id]
    return {name: counts[name] for name in REACTIONS}
