"""Questions get numbers, people get what exists, and the rest gets a warm sentence."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

import pytest

from domain.conversation.values import INTENTS, Turn
from domain.organization.commands import Profile
from streams.recognition.ports import Recognition
from streams.steps.dialogue.choosing import deletion_asked
from streams.steps.dialogue.plan import DeleteContact, SetBusiness, Tag, Unsubscribe
from streams.steps.dialogue.situation import Findings, Named
from tests.unit.dialogue.scenes import (
    ADA,
    SITUATION,
    STRANGER,
    heard,
    knowing,
    reference,
    reply,
    seen,
    showing,
    thought,
)

METRICS = {
    "intended": 1000, "withheld": 40, "accepted": 950, "refused": 0, "ambiguous": 0, "held": 0,
    "delivered": 900, "opened": 500, "opened_unique": 360, "clicked": 99, "clicked_unique": 45,
    "bounced": 10, "complained": 0, "unsubscribed": 3,
}  # fmt: skip
ASKED = heard("query_performance")


def test_performance_tells_the_read_models_numbers() -> None:
    target = seen(status="sending")
    assert thought(ASKED, showing(target)).needs.metrics_of == target.campaign_id
    said = reply(ASKED, showing(target), findings=Findings(metrics=METRICS)).content
    for words in ("950 of 1,000", "900 delivered", "360 opened (40%)", "45 clicked (5.0%)",
                  "10 bounced", "3 unsubscribed", "40 left out", "10 still to send"):  # fmt: skip
        assert words in said


def test_an_uncertain_send_is_explained_in_one_sentence() -> None:
    quiet = reply(ASKED, showing(seen(status="sending")), findings=Findings(metrics=METRICS))
    assert "did not answer in time" not in quiet.content
    metrics = {**METRICS, "ambiguous": 7, "held": 2}
    said = reply(ASKED, showing(seen(status="sending")), findings=Findings(metrics=metrics))
    assert "For 7 the provider did not answer in time" in said.content
    assert "2 could not be found at the provider" in said.content


def test_the_metric_that_was_asked_for_comes_first() -> None:
    said = reply(
        heard("query_performance", metric="opens"),
        showing(seen(status="sent")),
        findings=Findings(metrics=METRICS),
    )
    assert "360 opened it, 40% of 900." in said.content


def test_a_draft_has_no_numbers() -> None:
    assert "nothing of it was sent" in reply(ASKED, showing(seen())).content


def test_who_gets_this_counts_and_explains_and_keeps_the_card_current() -> None:
    target = seen()
    plan = reply(heard("query_audience"), showing(target), "who gets this?")
    assert "1,163 people" in plan.content
    assert "have not agreed" in plan.content
    assert plan.shows == target.campaign_id


def test_whether_somebody_is_in_it() -> None:
    plan = reply(heard("query_audience"), knowing(ADA), reference(ADA.reference))
    assert "agreed to e-mails and is tagged “vip”" in plan.content
    plan = reply(heard("query_audience"), knowing(STRANGER), reference(STRANGER.reference))
    assert "not among your contacts" in plan.content


def test_how_many_contacts_there_are() -> None:
    plan = reply(heard("query_audience"), text="how many contacts do I have?")
    assert "You have 1,303 contacts. 1,163 of them may be mailed." in plan.content


def test_contacts_are_silenced_and_tagged_by_address() -> None:
    situation, who = knowing(ADA), reference(ADA.reference)
    silenced = reply(heard("manage_contacts"), situation, f"unsubscribe {who} please")
    assert silenced.commands == (Unsubscribe(ADA.reference),)
    tag = heard("manage_contacts", audience={"tags": ["regular"]})
    assert reply(tag, situation, f"tag {who} as regular").commands == (
        Tag(ADA.reference, ("regular",)),
    )


def test_nobody_is_added_without_consent() -> None:
    said = f"add {reference(STRANGER.reference)}"
    plan = reply(heard("manage_contacts"), knowing(STRANGER), said)
    assert not plan.commands
    assert "where they agreed" in plan.content


@pytest.mark.parametrize("intent", ["manage_contacts", "privacy_request"])
def test_deleting_somebody_is_asked_about_first(intent: str) -> None:
    who = reference(ADA.reference)
    asked = reply(heard(intent), knowing(ADA), f"delete {who}")
    assert asked.commands == ()
    assert asked.content.startswith(f"Shall I delete {who}?")
    turn = Turn(uuid4(), 1, f"delete {who}", reply=asked.content)
    assert deletion_asked((turn,), 2) == ADA.reference
    later = Turn(uuid4(), 2, "hello", reply=f"Hello! Shall I delete {who}?")
    assert deletion_asked((turn, later), 3) is None


@pytest.mark.parametrize(
    "text",
    ["yes", "Yes, delete it", "yes please", "sure, go ahead", "do it", "OK, delete them", "Yep!"],
)
def test_a_plain_yes_to_that_deletes_and_names_what_erases(text: str) -> None:
    asked = replace(SITUATION, deletion=ADA)
    done = reply(heard("approve_campaign"), asked, text)
    assert done.commands == (DeleteContact(ADA.reference),)
    assert f"DELETE /v1/contacts/{ADA.reference}?erase=true" in done.content
    assert done.understood is not None
    assert done.understood.intent == "manage_contacts"


@pytest.mark.parametrize("text", ["no", "No, keep it", "don't", "don't delete it please", "cancel"])
def test_a_plain_no_to_that_keeps_the_contact(text: str) -> None:
    kept = reply(heard("reject_campaign"), replace(SITUATION, deletion=ADA), text)
    assert (kept.commands, "stays as it is" in kept.content) == ((), True)


@pytest.mark.parametrize(
    "text", ["ok", "yes, send it to everybody", "delete the spring campaign", "what is that?", "it"]
)
def test_anything_else_deletes_nobody(text: str) -> None:
    asked = replace(SITUATION, deletion=ADA)
    assert reply(heard("clarify"), asked, text).commands == ()


def test_privacy_names_the_export_and_asks_whose_data() -> None:
    situation, who = knowing(ADA), reference(ADA.reference)
    export = reply(heard("privacy_request"), situation, f"export what we have about {who}")
    assert not export.commands
    assert f"GET /v1/contacts/{ADA.reference}/export" in export.content
    unknown = reply(heard("privacy_request"), knowing(STRANGER), reference(STRANGER.reference))
    assert "I hold nothing" in unknown.content
    assert "Whose data" in reply(heard("privacy_request"), text="erase her data").content


@pytest.mark.parametrize(
    ("text", "changes"),
    [
        ("we are a bakery in Vienna called Brot", {"industry": "bakery", "name": "Brot"}),
        ("our time zone is Europe/Berlin", {"timezone": "Europe/Berlin"}),
        ("our business is called Rosa's Corner", {"name": "Rosa's Corner"}),
        ("we sell handmade soap", {"business_model": "handmade soap"}),
    ],
)
def test_what_is_said_about_the_business_is_remembered(text: str, changes: dict[str, str]) -> None:
    situation = replace(SITUATION, business=Profile(name="Crust", timezone="UTC"))
    plan = reply(heard("set_business_context"), situation, text)
    assert plan.commands == (SetBusiness(replace(situation.business, **changes)),)


def test_a_voice_is_remembered_from_the_slot() -> None:
    plan = reply(heard("set_business_context", tone="playful"), text="our voice is playful")
    (command,) = plan.commands
    assert isinstance(command, SetBusiness)
    assert command.profile.brand_voice == "playful"


def test_another_language_gets_one_polite_sentence() -> None:
    plan = reply(Recognition("clarify", None, 0.92, language="es"))
    assert "English" in plan.content
    assert not plan.commands


def test_abuse_is_refused_politely() -> None:
    plan = reply(heard("refuse"), text="mail everyone who unsubscribed")
    assert "can't help" in plan.content
    assert not plan.commands


def test_below_the_threshold_nothing_is_done_and_one_question_is_asked() -> None:
    unsure = Recognition("cancel_campaign", None, 0.2)
    plan = reply(unsure, showing(seen(status="sending")))
    assert not plan.commands
    assert plan.content.count("?") == 1


def test_a_name_that_fits_several_campaigns_is_asked_about() -> None:
    several = (Named(ADA.reference, "Spring sale", "sent"), Named(ADA.reference, "Sale", "sent"))
    plan = reply(ASKED, replace(SITUATION, ambiguous=several, campaigns=several))
    assert "Which one do you mean: “Spring sale” or “Sale”?" in plan.content


@pytest.mark.parametrize("intent", INTENTS)
def test_every_intent_is_answered_with_and_without_a_campaign(intent: str) -> None:
    kind = "announce" if intent == "create_campaign" else None
    for situation in (SITUATION, showing(seen()), showing(seen(status="sending"))):
        plan = reply(heard(intent, kind), situation, "whatever")
        assert plan.content.strip()
        assert "None" not in plan.content
