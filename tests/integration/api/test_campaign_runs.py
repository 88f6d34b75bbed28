"""How a campaign is carried out, as HTTP shows it: deliveries, steps, audience, n8n, preview."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from domain.campaign.aggregate import Campaign
from domain.delivery.ids import delivery_id
from domain.shared.meta import Meta
from domain.workflow.aggregate import Workflow
from domain.workflow.n8n_check import check_n8n
from infra.event_log import Draft
from infra.ledger.lookbacks import mark_campaigns
from infra.transactions import PostgresTransaction
from tests.integration.api.test_campaign_actions import approved
from tests.support.api import Api

NOW = datetime.now(UTC)


def begin_run(api: Api, campaign: dict[str, Any]) -> None:
    """What the reaction to the approval does."""
    organization, request = uuid.UUID(api.tenant.organization_id), uuid.uuid4()
    meta = Meta(organization, "system:reactions", request, request, NOW)

    def decide(tx: PostgresTransaction) -> None:
        workflow = tx.load(Workflow, uuid.UUID(campaign["workflow"]["id"]))
        workflow.start_run(1, meta)
        tx.save(workflow)

    api.worker.commands.run(organization, decide)
    api.project()


def delivery_event(
    api: Api, campaign: str, contact: str, version: int, kind: str, **data: Any
) -> Draft:
    """An event of the delivery of step 1 to a contact."""
    request = str(uuid.uuid4())
    same = {"campaign_id": campaign, "step": 1, "contact_id": contact, "kind": "campaign"}
    return Draft(
        kind,
        delivery_id(campaign, 1, contact),
        version,
        {**same, "mailbox_provider": None, **data},
        api.tenant.organization_id,
        "system:test",
        request,
        request,
        NOW,
    )


def claim(api: Api, campaign: str, contact: str) -> str:
    """A delivery that is claimed; its batch."""
    batch = str(uuid.uuid4())
    until = int(NOW.timestamp() * 1_000_000)
    claimed = {"batch_id": batch, "lease_until": until, "proof_position": 1, "attempt": 1}
    api.append(
        delivery_event(api, campaign, contact, 1, "DeliveryIntended"),
        delivery_event(api, campaign, contact, 2, "DeliveryClaimed", **claimed),
    )
    owner = {"batch": batch, "organization": api.tenant.organization_id, "campaign": campaign}
    with api.worker.pool.connection() as connection:
        connection.execute(
            "INSERT INTO state.send_batches VALUES (%(batch)s, %(organization)s, %(campaign)s,"
            " 'broadcast', 1, now(), now(), NULL, now(), 0, 'open')",
            owner,
        )
        connection.execute(
            "INSERT INTO state.sends (delivery_id, organization_id, campaign_id, step, contact_id,"
            " kind, state, version, batch_id, correlation_id) VALUES (%(id)s, %(organization)s,"
            " %(campaign)s, 1, %(contact)s, 'campaign', 'claimed', 2, %(batch)s, %(batch)s)",
            {**owner, "id": delivery_id(campaign, 1, contact), "contact": contact},
        )
    return batch


def test_a_claimed_delivery_is_handed_over_when_its_batch_is(api: Api) -> None:
    contact = api.contact("ada@example.com")
    campaign = approved(api)["id"]
    batch = claim(api, campaign, contact)
    path = f"/v1/deliveries/{delivery_id(campaign, 1, contact)}"
    assert api.get(path).json()["state"] == "claimed"
    with api.worker.pool.connection() as connection:
        connection.execute(
            "UPDATE state.send_batches SET handed_over_at = now() WHERE batch_id = %s", (batch,)
        )
    shown = api.get(path).json()
    assert shown["state"] == "handed_over"
    assert [each["event"] for each in shown["history"]] == ["DeliveryIntended", "DeliveryClaimed"]
    assert shown["history"][1]["details"]["batch_id"] == batch
    assert shown["history"][0]["position"] < shown["history"][1]["position"]
    listed = f"/v1/campaigns/{campaign}/deliveries"
    assert [each["id"] for each in api.get(f"{listed}?state=handed_over").json()["items"]] == [
        shown["id"]
    ]
    assert api.get(f"{listed}?state=claimed").json()["items"] == []
    assert api.get(f"{listed}?step=2").json()["total"] == 0
    assert api.get(f"/v1/campaigns/{campaign}").json()["metrics"]["intended"] == 1


def test_another_organization_sees_no_delivery(api: Api) -> None:
    contact = api.contact("ada@example.com")
    campaign = approved(api)["id"]
    claim(api, campaign, contact)
    stranger = api.new_tenant().api_key
    for path in (
        f"/v1/deliveries/{delivery_id(campaign, 1, contact)}",
        f"/v1/campaigns/{campaign}/deliveries",
    ):
        assert api.get(path, key=stranger).status_code == 404
    assert api.get(f"/v1/deliveries/{uuid.uuid4()}").status_code == 404


def test_a_step_is_called_once(api: Api) -> None:
    contacts = sorted(api.contact(f"c{n}@example.com") for n in range(3))
    campaign = approved(api, orchestrator="external")
    begin_run(api, campaign)
    path = f"/v1/campaigns/{campaign['id']}/steps/1/send"
    first, again = api.post(path), api.post(path)
    assert (first.status_code, first.json()) == (202, {"intended": 3, "already": 0})
    assert (again.status_code, again.json()) == (202, {"intended": 0, "already": 3})
    events = api.get("/v1/events?type=StepScheduled").json()["items"]
    assert [event["stream"] for event in events] == [campaign["workflow"]["id"]]
    shown = api.get(f"/v1/campaigns/{campaign['id']}/audience?limit=2").json()
    assert shown["items"] == contacts[:2]
    rest = api.get(f"/v1/campaigns/{campaign['id']}/audience?after={shown['next_after']}").json()
    assert (rest["items"], rest["total"], rest["next_after"]) == (contacts[2:], 3, None)


def test_a_step_of_a_draft_is_not_called(api: Api) -> None:
    made = api.campaign()
    refused = api.post(f"/v1/campaigns/{made['id']}/steps/1/send")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_approved")
    assert api.post(f"/v1/campaigns/{made['id']}/steps/7/send").status_code == 404
    assert api.post(f"/v1/campaigns/{made['id']}/steps/one/send").status_code == 422


def test_a_step_waits_for_the_run_to_begin(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routers.campaigns.running.LONGEST_START", 0.2)
    made = approved(api)
    waiting = api.post(f"/v1/campaigns/{made['id']}/steps/1/send")
    assert waiting.status_code == 503
    assert waiting.headers["retry-after"]


def test_the_n8n_file_is_one_that_n8n_runs(api: Api) -> None:
    made = api.campaign(name="Spring")
    document = api.get(f"/v1/campaigns/{made['id']}/workflow.n8n.json").json()
    assert set(document) == {"name", "nodes", "connections", "settings"}
    assert check_n8n(document) == []
    urls = [node["parameters"].get("url", "") for node in document["nodes"]]
    assert f"{api.core.settings.base_url}/v1/campaigns/{made['id']}/steps/1/send" in urls


def test_a_preview_is_what_the_contact_sees_and_can_do_nothing(api: Api) -> None:
    contact = api.contact("ada@example.com", first_name="<b>Ada</b>")
    path = f"/v1/campaigns/{api.campaign()['id']}/preview"
    shown = api.get(f"{path}?contact_id={contact}")
    assert shown.headers["content-type"] == "text/html; charset=utf-8"
    assert "Hi &lt;b&gt;Ada&lt;/b&gt;, we miss you" in shown.text
    policy = shown.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "Hi there" in api.get(path).text
    assert api.get(f"{path}?step=2").status_code == 404
    assert api.get(f"{path}?contact_id={uuid.uuid4()}").status_code == 404


def test_an_audience_mailed_a_day_ago_is_warned_of(api: Api) -> None:
    contact = api.contact("ada@example.com")
    earlier = approved(api, name="Yesterday")["id"]
    request = uuid.uuid4()
    organization = uuid.UUID(api.tenant.organization_id)

    def start(tx: PostgresTransaction) -> None:
        campaign = tx.load(Campaign, uuid.UUID(earlier))
        campaign.start_sending(1, Meta(organization, "system:test", request, request, NOW))
        tx.save(campaign)

    api.worker.commands.run(organization, start)
    claim(api, earlier, contact)
    warned = [each for each in api.campaign()["warnings"] if each["code"] == "audience_overlap"]
    assert [each["campaign_id"] for each in warned] == [earlier]
    assert '"Yesterday"' in warned[0]["detail"]


def test_a_campaign_of_a_backup_says_that_it_asks_the_provider_first(api: Api) -> None:
    campaign = approved(api)
    path = f"/v1/campaigns/{campaign['id']}"
    assert campaign["warnings"] == api.get(path).json()["warnings"]

    with api.worker.pool.connection() as connection:
        assert mark_campaigns(connection, NOW) == 1

    codes = [each["code"] for each in api.get(path).json()["warnings"]]
    assert codes.count("looking_back") == 1
