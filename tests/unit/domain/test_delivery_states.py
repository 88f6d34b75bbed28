"""Every cell of the delivery's table of states and events."""

from __future__ import annotations

import pytest

from domain.delivery.ids import delivery_id
from domain.delivery.mailability import WITHHELD_REASONS, beside, decide
from domain.delivery.providers import PROVIDERS, mailbox_provider
from domain.delivery.states import (
    EVENT_TYPES,
    STATES,
    TRANSITIONS,
    UNSETTLED,
    EventType,
    ImpossibleTransitionError,
    State,
    ensure_held,
    is_possible,
    next_state,
)
from domain.shared.errors import RuleViolatedError

# Columns in the order of COLUMNS; "." cannot happen, "=" stays as it is.
COLUMNS: tuple[EventType, ...] = (
    "DeliveryIntended", "DeliveryWithheld", "DeliveryClaimed", "DeliveryReturned",
    "DeliveryAccepted", "DeliveryRefused", "DeliveryAmbiguous", "DeliveryHeld",
    "DeliveryReleased", "DeliveryClosed",
    "Delivered", "Bounced", "Complained", "Opened", "Clicked", "SubscriptionChanged",
)  # fmt: skip
TABLE: dict[State | None, str] = {
    None: "intended . . . . . . . . . . . . . . .",
    "intended": ". withheld claimed . accepted . . . . . . . . . . =",
    "claimed": ". . . intended accepted refused ambiguous . . . . . . . . =",
    "handed_over": ". . . intended accepted refused ambiguous . . . . . . . . =",
    "ambiguous": ". . . intended accepted . . held . . . . . . . =",
    "held": ". . . intended accepted . . . intended withheld . . . . . =",
    "withheld": ". . . . accepted . . . . . . . . . . =",
    "refused": ". . . . . . . . . . . . . . . .",
    "accepted": ". . . . . . . . . . delivered bounced complained = = =",
    "delivered": ". . . . . . . . . . = bounced complained = = =",
    "bounced": ". . . . . . . . . . = = complained = = =",
    "complained": ". . . . . . . . . . = = = = = =",
}
CELLS = [
    (state, event_type, cell)
    for state, row in TABLE.items()
    for event_type, cell in zip(COLUMNS, row.split(), strict=True)
]


@pytest.mark.parametrize(("state", "event_type", "cell"), CELLS)
def test_the_state_after_an_event(state: State | None, event_type: EventType, cell: str) -> None:
    if cell == ".":
        assert not is_possible(state, event_type)
        with pytest.raises(ImpossibleTransitionError):
            next_state(state, event_type)
    else:
        assert next_state(state, event_type) == (state if cell == "=" else cell)


def test_the_table_names_every_state_and_event() -> None:
    assert set(TABLE) == set(TRANSITIONS) == {None, *STATES}
    assert set(COLUMNS) == set(EVENT_TYPES)


@pytest.mark.parametrize("state", STATES)
def test_only_a_held_delivery_waits_for_a_decision(state: State) -> None:
    if state == "held":
        ensure_held(state)
    else:
        with pytest.raises(RuleViolatedError, match="only a held one"):
            ensure_held(state)


def test_every_unsettled_delivery_can_reach_an_outcome() -> None:
    for state in UNSETTLED:
        assert set(TRANSITIONS[state].values()) - UNSETTLED


def test_the_same_mail_to_the_same_contact_is_the_same_delivery() -> None:
    campaign, contact = (
        "5f4dcc3b-5aa7-45d6-9d83-27deb882cf99",
        "0b1f0f5e-6f0b-4c4e-8f4e-0d0f0a0b0c0d",
    )
    same = delivery_id(campaign, 1, contact)
    assert same == delivery_id(campaign.upper(), 1, contact)
    assert len({same, delivery_id(campaign, 2, contact), delivery_id(contact, 1, campaign)}) == 3


@pytest.mark.parametrize(
    ("email", "provider"),
    [
        ("a@gmail.com", "gmail"), ("a@GoogleMail.com", "gmail"), ("a@hotmail.co.uk", "outlook"),
        ("a@live.nl", "outlook"), ("a@outlook.com", "outlook"), ("a@yahoo.co.jp", "yahoo"),
        ("a@ymail.com", "yahoo"), ("a@icloud.com", "apple"), ("a@me.com", "apple"),
        ("a@gmx.net", "gmx"), ("a@gmx.de", "gmx"), ("a@web.de", "webde"),
        ("a@proton.me", "proton"), ("a@pm.me", "proton"), ("a@aol.com", "aol"),
        ("a@bakery.example", "other"), ("a@gmx.mycompany.com", "other"),
        ("a@live.shop.de", "other"), ("a@notgmail.com", "other"), ("nobody", "other"),
    ],
)  # fmt: skip
def test_the_mailbox_provider_is_read_from_the_domain(email: str, provider: str) -> None:
    assert mailbox_provider(email) == provider
    assert provider in PROVIDERS


@pytest.mark.parametrize("consent", ["granted", "unknown", "withdrawn", None])
@pytest.mark.parametrize("suppression", [None, *WITHHELD_REASONS[1:-1]])
def test_who_may_be_mailed(consent: str | None, suppression: str | None) -> None:
    without = {"granted": None, None: "deleted"}.get(consent, "no_consent")
    assert decide(consent, suppression) == (suppression or without)


@pytest.mark.parametrize(
    ("others", "verdict"),
    [
        ([], "send"), (["intended"], "send"), (["refused", "intended"], "send"),
        (["claimed"], "wait"), (["ambiguous"], "wait"), (["accepted", "ambiguous"], "wait"),
        (["accepted"], "withhold"), (["held", "refused"], "withhold"), (["withheld"], "withhold"),
    ],
)  # fmt: skip
def test_an_address_that_others_were_claimed_for_gets_no_second_mail(
    others: list[State], verdict: str
) -> None:
    """A withheld one was claimed and given up by a person: nobody knows whether it left."""
    assert beside(others) == verdict


@pytest.mark.parametrize("unknown", ["cancelled", "no_consent", "on_holiday", ""])
def test_an_unknown_suppression_is_never_overlooked(unknown: str) -> None:
    with pytest.raises(ValueError, match="no reason for a suppression"):
        decide("granted", unknown)
