"""One sentence becomes a sent and tracked campaign, by the API alone."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import clickhouse_connect
import pytest

from tests.support.avro_consumer import read_all
from tests.support.whole_stack import Tenant, WholeStack, eventually

TOPICS = [
    "conversation-events", "campaign-events", "workflow-events", "contact-events",
    "delivery-events", "organization-events",
]  # fmt: skip
METRICS = (
    "intended", "withheld", "accepted", "refused", "ambiguous", "held", "delivered", "opened",
    "opened_unique", "clicked", "clicked_unique", "bounced", "complained", "unsubscribed",
    "opened_by_machine", "opened_unique_by_people", "clicked_by_machine",
    "clicked_unique_by_people",
)  # fmt: skip


def contacts_csv(count: int, now: datetime) -> tuple[str, set[str]]:
    """A file of contacts, and the addresses who have not bought for 60 days and may be mailed."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["email", "first_name", "last_order_date", "consent_status", "consent_source"])
    today, audience = now.date(), set()
    for number in range(count):
        days = (number * 7) % 180
        bought = "" if number % 11 == 0 else str(today - timedelta(days=days))
        consent = "unknown" if number % 13 == 0 else "granted"
        email = f"person{number}@example{number % 5}.com"
        rows.writerow(
            [email, f"Name{number}", bought, consent, "form" if consent == "granted" else ""]
        )
        # a date is a midnight, so 60 days ago is by now more than 60 days ago
        if bought and days >= 60 and consent == "granted":
            audience.add(email)
    return out.getvalue(), audience


def import_csv(tenant: Tenant, text: str) -> str:
    answer = tenant.http.post(
        "/v1/contacts/import", content=text.encode(), headers={"Content-Type": "text/csv"}
    )
    assert answer.status_code == 200, answer.text
    assert answer.json()["rejected_total"] == 0
    return answer.headers["Nudge-Position"]


def say(tenant: Tenant, conversation: str, text: str) -> tuple[dict[str, Any], str]:
    answer = tenant.post(f"/v1/conversations/{conversation}/messages", {"text": text})
    return answer.json(), answer.headers["Nudge-Position"]


def settled(tenant: Tenant, campaign: str, position: str) -> dict[str, Any] | None:
    found: dict[str, Any] = tenant.get(f"/v1/campaigns/{campaign}", position)
    return found if found["status"] == "sent" else None


def sandbox_counts(product: WholeStack, campaign: str) -> dict[str, int]:
    seen = product.sandbox.get("/sandbox/webhooks", params={"group_by": "campaign_id"}).json()
    counts: dict[str, int] = seen["by_campaign_id"][campaign]
    return counts


def clickhouse_metrics(product: WholeStack, tenant: Tenant, campaign: str) -> dict[str, int]:
    client = clickhouse_connect.get_client(
        dsn=product.addresses.clickhouse_url,
        username=product.addresses.clickhouse_username,
        password=product.addresses.clickhouse_password,
        database="nudge",
    )
    rows = client.query(
        "SELECT * FROM campaign_metrics WHERE campaign_id = {c:UUID}", {"c": campaign}
    ).named_results()
    totals: Counter[str] = Counter()
    for row in rows:
        totals.update({name: row[name] for name in METRICS})
    return dict(totals)


@pytest.mark.timeout(240)
def test_a_sentence_becomes_a_sent_and_tracked_campaign(
    product: WholeStack, tenant: Tenant
) -> None:
    # given a bakery with contacts
    text, audience = contacts_csv(1500, product.now())
    position = import_csv(tenant, text)
    tenant.get("/v1/contacts", position, limit=1)

    # when its owner says one sentence, looks at the draft and approves it
    conversation = tenant.post("/v1/conversations", {}, 201).json()["id"]
    reply, position = say(
        tenant, conversation, "Win back customers who haven't bought in 60 days with 20% off"
    )
    campaign = reply["campaign"]["id"]
    draft = tenant.get(f"/v1/campaigns/{campaign}", position)
    assert (draft["type"], draft["status"]) == ("win_back", "draft")
    assert "20" in draft["content"]["subject"] + draft["content"]["html"]
    assert draft["forecast"]["recipients"] == len(audience)
    position = tenant.post(
        f"/v1/campaigns/{campaign}/approve", {"content_hash": draft["content_hash"]}
    ).headers["Nudge-Position"]

    # then every contact of the audience, and no other, is accepted once
    eventually(lambda: settled(tenant, campaign, position), seconds=60, what="sending")
    messages = product.sandbox.get(
        "/sandbox/messages", params={"metadata_campaign_id": campaign, "limit": 10_000}
    ).json()["messages"]
    assert Counter(m["to"][0].lower() for m in messages) == Counter(audience)

    # and the webhooks come back until every store says the same
    eventually(product.sandbox_quiet, seconds=90, what="the recipients' reactions")
    sandbox = sandbox_counts(product, campaign)

    def metrics_agree() -> bool:
        metrics = tenant.get(f"/v1/campaigns/{campaign}")["metrics"]
        return all(
            metrics[name] == sandbox[name]
            for name in ("accepted", "delivered", "opened", "opened_unique", "clicked", "bounced")
        )

    eventually(metrics_agree, seconds=30, what="the read model")
    metrics = tenant.get(f"/v1/campaigns/{campaign}")["metrics"]
    eventually(
        lambda: clickhouse_metrics(product, tenant, campaign) == metrics,
        seconds=20,
        what="ClickHouse",
    )
    assert metrics["intended"] == metrics["accepted"] + metrics["withheld"] + metrics["refused"]


def test_a_plain_avro_consumer_reads_every_event_in_order(
    product: WholeStack, tenant: Tenant
) -> None:
    import_csv(tenant, contacts_csv(50, product.now())[0])

    def events() -> list[tuple[int, str]]:
        found = tenant.get("/v1/events", limit=500)["items"]
        return [(event["position"], f"nudge.{event['type']}") for event in found]

    def read() -> list[tuple[int, str]]:
        versions: dict[str, list[int]] = defaultdict(list)
        seen = []
        for record in read_all(
            product.addresses.kafka_bootstrap, product.settings.base_url, TOPICS
        ):
            versions[record.key].append(record.value["meta"]["stream_version"])
            if record.headers["organization"].decode() == tenant.organization_id:
                seen.append((int(record.headers["position"]), record.schema_name))
        assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
        return sorted(seen)

    # the first use of the key is recorded a little after the request that used it, so both
    # sides are read anew until they meet
    eventually(lambda: len(read()) > 50 and read() == events(), seconds=90, what="the relay")


@pytest.mark.timeout(240)
def test_a_drip_of_three_plays_through_when_the_clock_is_moved(
    product: WholeStack, tenant: Tenant
) -> None:
    position = import_csv(tenant, contacts_csv(40, product.now())[0])
    emails = [
        {
            "subject": f"Letter {n}",
            "html": f"<p>Hello {n}</p>",
            **({"delay": "3 days"} if n > 1 else {}),
        }
        for n in (1, 2, 3)
    ]
    made = tenant.post(
        "/v1/campaigns",
        {
            "business_id": tenant.business_id,
            "type": "nurture",
            "audience": {"conditions": {"all": []}},
            "emails": emails,
        },
        201,
    )
    campaign = made.json()
    approved = tenant.post(
        f"/v1/campaigns/{campaign['id']}/approve", {"content_hash": campaign["content_hash"]}
    )
    position = approved.headers["Nudge-Position"]

    def accepted(step: int) -> set[str]:
        messages = product.sandbox.get(
            "/sandbox/messages", params={"metadata_campaign_id": campaign["id"], "limit": 10_000}
        ).json()["messages"]
        return {m["to"][0] for m in messages if m["subject"] == f"Letter {step}"}

    first = eventually(lambda: accepted(1), what="the first letter")
    assert not accepted(2)
    product.nudge("dev", "advance", "3d")
    eventually(lambda: accepted(2), what="the second letter")
    assert not accepted(3)
    product.nudge("dev", "advance", "3d")
    eventually(lambda: accepted(3), what="the third letter")
    eventually(lambda: settled(tenant, campaign["id"], position), seconds=60, what="the end")
    assert accepted(3) <= first
