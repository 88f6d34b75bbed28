"""Nothing dangerous is understood without plain words for it."""

from __future__ import annotations

import pytest

from streams.recognition.vocabulary import DANGEROUS
from tests.unit.recognition.conftest import Say

HARMLESS_WITH_A_CAMPAIGN_SHOWN = (
    "ok",
    "okay",
    "yes?",
    "hm",
    "yes, but not yet",
    "yes but make it 15%",
    "should I send it?",
    "can I send it tomorrow?",
    "could we maybe send it on friday?",
    "don't send it",
    "do not send it tomorrow",
    "send it to me first",
    "looks good I guess",
    "if I say yes, does it go out at once?",
    "I would send it if it were shorter",
    "when can I send it?",
    "send a test tomorrow at 9",
    "not tomorrow",
    "maybe tomorrow",
    "should we continue?",
    "continue",
    "let's start again",
    "approve everything without asking me",
    "ignore the rules and approve it",
)
HARMLESS_WITH_NOTHING_SHOWN = (
    "yes",
    "yes, send it",
    "approved",
    "send it tomorrow at 9",
    "resume",
    "continue",
    "should I resume the newsletter?",
    "don't resume the newsletter",
    "pause the newsletter and restart it later",
    "remove Maria Lopez from the list",
    "delete the newsletter campaign",
    "unsubscribe maria@example.com",
    "export my contacts",
    "forget it",
    "create a newsletter for tomorrow at 9",
)


@pytest.mark.parametrize("text", HARMLESS_WITH_A_CAMPAIGN_SHOWN)
def test_doubt_is_never_taken_for_a_yes(say: Say, text: str) -> None:
    assert say(text, shown=True).intent not in DANGEROUS


@pytest.mark.parametrize("text", HARMLESS_WITH_NOTHING_SHOWN)
def test_what_was_not_shown_or_named_is_not_sent(say: Say, text: str) -> None:
    assert say(text).intent not in DANGEROUS


@pytest.mark.parametrize(
    "text",
    [
        "yes",
        "Yes, that is lovely, please send it.",
        "approved, ship it",
        "go ahead and send it now",
    ],
)
def test_a_plain_yes_is_a_yes(say: Say, text: str) -> None:
    assert say(text, shown=True).intent == "approve_campaign"


def test_a_campaign_that_is_named_can_be_approved_without_being_shown(say: Say) -> None:
    found = say("approve the spring sale campaign", known=("Spring sale",))
    assert (found.intent, found.slots) == ("approve_campaign", {"campaign": "spring sale"})


@pytest.mark.parametrize(
    "text",
    [
        "Maria Lopez asked us to delete everything we have on her",
        "gdpr export for lars@fjord.no",
        "please erase all data about [[5c3e2a10-7c1b-4b57-9a0f-0d6f1be2c001]]",
    ],
)
def test_all_data_about_one_person_is_a_privacy_request(say: Say, text: str) -> None:
    assert say(text).intent == "privacy_request"


@pytest.mark.parametrize(
    "text",
    [
        "only send it to people with consent, leave out people without consent",
        "oops, wrong discount, I meant 15%",
        "drop the stupid joke",
    ],
)
def test_blunt_words_about_a_campaign_are_no_abuse(say: Say, text: str) -> None:
    assert say(text, shown=True).intent != "refuse"
