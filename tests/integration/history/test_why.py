"""Why, and why not: over a story of two hundred deliveries, equal to a cold replay of the log."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from projections.history.evidence import judge_on
from projections.history.streams import LogHistories
from projections.history.why import chain
from projections.history.why_not import first_reason
from tests.integration.history.conftest import Told
from tests.support.cold_replay import ColdReplay, judge_by_hand

LINKS = (
    "sentence", "intent", "draft", "sentence", "intent", "approval", "workflow", "workflow",
    "step", "audience", "consent", "hand_over", "hand_over",
)  # fmt: skip
REASONS = {
    "no_consent": "no_consent", "unsubscribed": "unsubscribed", "hard_bounced": "hard_bounced",
    "complained": "complained", "inactive_at_provider": "inactive_at_provider",
    "deleted_after": "deleted", "deleted_before": "deleted", "elsewhere": "not_in_audience",
    "added_later": "added_later", "refused": "refused", "returned": "returned", "lost": "held",
    "bounced": "bounced",
}  # fmt: skip


def why(told: Told, delivery: str, **query: Any) -> dict[str, Any]:
    answer = told.story.api.get(f"/v1/deliveries/{delivery}/why", params=query)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def why_not(told: Told, campaign: str, contact: str, **query: Any) -> dict[str, Any]:
    params = {"contact_id": contact, **query}
    answer = told.story.api.get(f"/v1/campaigns/{campaign}/why-not", params=params)
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


def test_a_chain_goes_from_the_sentence_to_the_webhooks(told: Told) -> None:
    contact = told.story.people["good"][0]
    shown = why(told, told.story.delivery(told.main, contact))

    links = shown["chain"]
    names = tuple(link["link"] for link in links)
    assert names[:3] == LINKS[:3]
    assert names[3] == "draft"  # the revision that gave it the approved content
    assert names[4:] == (*LINKS[3:], "webhook", "webhook")
    assert shown["state"] == "delivered"
    positions = [link["position"] for link in links]
    assert all(0 < position <= shown["as_of"] for position in positions)
    by_name = {link["link"]: link for link in links}
    assert links[0]["details"]["text"] == "Win back Vienna"
    assert by_name["sentence"]["details"]["text"] == "Yes, send it"
    assert by_name["intent"]["details"]["intent"] == "approve_campaign"
    assert by_name["approval"]["details"]["approved_by"] == "key:rosa"
    assert by_name["approval"]["details"]["content_hash"] == links[3]["details"]["content_hash"]
    condition = by_name["audience"]["details"]["conditions"][0]
    assert (condition["field"], condition["known"], condition["met"]) == (
        "attributes.city", "Vienna", True,
    )  # fmt: skip
    assert by_name["consent"]["details"]["status"] == "granted"
    assert [link["event"] for link in links[-4:]] == [
        "DeliveryClaimed", "DeliveryAccepted", "Delivered", "Opened",
    ]  # fmt: skip


def test_the_proof_of_a_claim_is_the_fact_at_the_position_it_names(told: Told) -> None:
    story = told.story
    for contact in story.people["good"][:20]:
        links = why(told, story.delivery(told.main, contact))["chain"]
        consent = next(link for link in links if link["link"] == "consent")
        claimed = next(link for link in links if link["event"] == "DeliveryClaimed")
        assert consent["position"] == claimed["details"]["proof_position"]
        assert consent["stream"] == contact
        assert consent["event"] == "ConsentRecorded"


@pytest.mark.parametrize("kind", sorted(REASONS))
def test_each_kind_of_contact_is_told_its_first_reason(told: Told, kind: str) -> None:
    for contact in told.story.people[kind]:
        shown = why_not(told, told.main, contact)
        assert shown["got_it"] is False
        assert shown["reason"]["code"] == REASONS[kind], shown
        assert 0 < shown["reason"]["event"]["position"] <= shown["as_of"]


def test_a_condition_that_failed_is_shown_with_what_was_known_then(told: Told) -> None:
    for contact in told.story.people["elsewhere"]:
        (condition,) = why_not(told, told.main, contact)["reason"]["details"]["conditions"]
        assert condition["field"] == "attributes.city"
        assert condition["known"] == "Graz"  # some of them live in Vienna by now
        assert condition["met"] is False


def test_who_got_the_first_mail_of_a_drip_waits_for_the_second(told: Told) -> None:
    contact = told.story.people["good"][0]
    assert why_not(told, told.main, contact, step=1)["got_it"] is True
    shown = why_not(told, told.main, contact)
    assert (shown["reason"]["code"], shown["reason"]["step"]) == ("not_due", 2)
    assert why_not(told, told.main, told.story.people["found"][0], step=1)["got_it"] is True


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("never_approved", "CampaignDrafted"),
        ("rejected", "CampaignRejected"),
        ("approval_lapsed", "CampaignRevised"),
        ("paused", "CampaignPaused"),
        ("cancelled", "CampaignCancelled"),
        ("not_due", "StepScheduled"),
        ("stopped", "CampaignCancelled"),
    ],
)
def test_a_campaign_that_went_nowhere_is_the_reason_itself(
    told: Told, name: str, event: str
) -> None:
    shown = why_not(told, told.others[name], told.story.people["good"][0])
    expected = {"stopped": "cancelled"}.get(name, name)
    assert shown["reason"]["code"] == expected
    assert shown["reason"]["event"]["event"] == event


def test_the_reason_as_of_an_earlier_moment_is_the_one_of_that_moment(told: Told) -> None:
    contact, marks = told.story.people["good"][0], told.story.marks
    seen = [
        why_not(told, told.main, contact, step=1, as_of=marks[mark])["reason"]["code"]
        for mark in ("drafted", "expanded")
    ]
    assert seen == ["never_approved", "waiting"]
    lost = told.story.people["lost"][0]
    assert why_not(told, told.main, lost, as_of=marks["sent"])["reason"]["code"] == "ambiguous"


def test_answers_equal_a_cold_replay_to_the_same_position(told: Told) -> None:
    story, rng = told.story, random.Random(11)
    rows, core = story.rows(), story.api.worker
    organization = story.api.tenant.organization_id
    contacts = [contact for ids in story.people.values() for contact in ids]
    positions = [story.marks["told"], *rng.sample(range(20, story.marks["told"]), 4)]
    seen: Counter[str] = Counter()
    links = 0
    for position in positions:
        cold = ColdReplay.of(core.codec, core.keys, rows, organization, position)
        with core.pool.connection() as connection:

            def decode(conn: Any, values: Any, unsealed: bool) -> Any:
                return core.codec.decode_batch(values, core.keys.on(conn) if unsealed else None)

            past = LogHistories(connection, decode, organization, position)
            judge = judge_on(connection)
            chosen = contacts if position == positions[0] else rng.sample(contacts, 30)
            for contact in chosen:
                delivery = story.delivery(told.main, contact)
                told_by_log = chain(past, delivery, judge)
                assert told_by_log == chain(cold, delivery, judge_by_hand)
                links += len(told_by_log)
                campaign = told.main if rng.random() < 0.8 else rng.choice([*told.others.values()])
                reason = first_reason(past, campaign, contact, judge).reason
                assert reason == first_reason(cold, campaign, contact, judge_by_hand).reason
                seen[reason.code if reason else "got it"] += 1
    assert links > 1500
    assert len(seen) > 8, seen
    assert len(story.sql.execute("SELECT 1 FROM state.sends").fetchall()) >= 200
