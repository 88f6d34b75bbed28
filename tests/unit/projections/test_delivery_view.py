"""A delivery's state and what it adds to its campaign's counters."""

from __future__ import annotations

from typing import Any

import pytest

from projections.postgres.counters import METRICS, counts_of, deltas
from projections.postgres.folding import Change
from projections.postgres.views.deliveries import DeliveryRow, fold
from tests.support.histories import identity, make_event

STREAM = identity("delivery")


def delivery_after(*kinds: str, kind: str = "campaign", **fields: Any) -> DeliveryRow:
    row: DeliveryRow | None = None
    for version, each in enumerate(("DeliveryIntended", *kinds), 1):
        row = fold(row, make_event(each, STREAM, version, version, kind=kind, **fields))
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("kinds", "state"),
    [
        ([], "intended"),
        (["DeliveryClaimed"], "claimed"),
        (["DeliveryClaimed", "DeliveryReturned"], "intended"),
        (["DeliveryClaimed", "DeliveryAccepted"], "accepted"),
        (["DeliveryClaimed", "DeliveryRefused"], "refused"),
        (["DeliveryClaimed", "DeliveryAmbiguous"], "ambiguous"),
        (["DeliveryClaimed", "DeliveryAmbiguous", "DeliveryAccepted"], "accepted"),
        (["DeliveryClaimed", "DeliveryAmbiguous", "DeliveryHeld"], "held"),
        (["DeliveryClaimed", "DeliveryAmbiguous", "DeliveryHeld", "DeliveryAccepted"], "accepted"),
        (["DeliveryClaimed", "DeliveryHeld", "DeliveryReleased"], "intended"),
        (["DeliveryClaimed", "DeliveryHeld", "DeliveryClosed"], "withheld"),
        (["DeliveryWithheld"], "withheld"),
        (["DeliveryClaimed", "Delivered", "DeliveryAccepted"], "delivered"),
        (["DeliveryClaimed", "DeliveryAmbiguous", "Delivered"], "delivered"),
        (["DeliveryClaimed", "Delivered", "Bounced", "Delivered"], "bounced"),
        (["DeliveryClaimed", "Complained", "Bounced", "Delivered"], "complained"),
        (["DeliveryClaimed", "DeliveryAccepted", "Opened", "Clicked"], "accepted"),
    ],
)
def test_state(kinds: list[str], state: str) -> None:
    assert delivery_after(*kinds).state == state


def test_a_closed_delivery_says_that_it_was_given_up() -> None:
    assert delivery_after("DeliveryHeld", "DeliveryClosed").withheld_reason == "given_up"


def test_nothing_is_made_of_a_webhook_for_a_delivery_that_was_never_intended() -> None:
    assert fold(None, make_event("Opened", STREAM)) is None


def test_an_event_that_was_seen_changes_nothing() -> None:
    row = delivery_after("Opened")
    assert fold(row, make_event("Opened", STREAM, 2, 2)) is row


def test_the_mailbox_provider_of_the_claim_stays() -> None:
    claimed = delivery_after("DeliveryClaimed", mailbox_provider="gmail")
    assert fold(claimed, make_event("DeliveryHeld", STREAM, 3, 3)) is not None
    later = fold(claimed, make_event("Delivered", STREAM, 3, 3, mailbox_provider=None))
    assert later is not None
    assert later.mailbox_provider == "gmail"


@pytest.mark.parametrize(
    ("fields", "unsubscribed"),
    [
        ({"suppress": True, "reason": "ManualSuppression"}, True),
        ({"suppress": True, "reason": ""}, True),
        ({"suppress": True, "reason": "HardBounce"}, False),
        ({"suppress": True, "reason": "SpamComplaint"}, False),
        ({"suppress": False, "reason": ""}, False),
    ],
)
def test_only_the_persons_own_wish_is_an_unsubscribe(
    fields: dict[str, Any], unsubscribed: bool
) -> None:
    assert delivery_after("SubscriptionChanged", **fields).unsubscribed is unsubscribed


def test_coming_back_does_not_undo_that_the_person_left() -> None:
    left = delivery_after("SubscriptionChanged", suppress=True, reason="")
    back = fold(left, make_event("SubscriptionChanged", STREAM, 3, 3, suppress=False, reason=""))
    assert back is not None
    assert back.unsubscribed is True


def test_counts_are_cumulative_but_for_what_is_still_open() -> None:
    row = delivery_after(
        "DeliveryClaimed", "DeliveryAmbiguous", "DeliveryAccepted", "Delivered", "Opened", "Opened"
    )
    found = {name: n for name, n in counts_of(row).items() if n}
    assert found == {
        "intended": 1,
        "accepted": 1,
        "delivered": 1,
        "opened": 2,
        "opened_unique": 1,
        "opened_by_machine": 2,  # all at the same moment
    }
    assert counts_of(delivery_after("DeliveryClaimed", "DeliveryAmbiguous"))["ambiguous"] == 1
    assert counts_of(delivery_after("DeliveryWithheld"))["withheld"] == 1


def test_a_test_send_counts_for_nothing() -> None:
    row = delivery_after("DeliveryClaimed", "DeliveryAccepted", "Opened", kind="test")
    assert set(counts_of(row).values()) == {0}
    assert deltas([Change(None, row)]) == {}


def test_deltas_are_the_difference_between_before_and_after() -> None:
    before = delivery_after("DeliveryClaimed", "DeliveryAmbiguous")
    after = delivery_after("DeliveryClaimed", "DeliveryAmbiguous", "DeliveryAccepted")
    [(step, added)] = deltas([Change(before, after), Change(before, after)]).items()
    assert step == (after.campaign_id, after.step, after.organization_id)
    changed = {name: n for name, n in zip(METRICS, added, strict=True) if n}
    assert changed == {"accepted": 2, "ambiguous": -2}
