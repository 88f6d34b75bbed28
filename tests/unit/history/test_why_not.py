"""Every first reason, from the events that make it one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, get_args

import pytest

from projections.history.why_not import SAYS, Code, first_reason
from schemas.sealing import ERASED
from tests.support.cold_replay import judge_by_hand
from tests.support.histories import identity
from tests.unit.history.pasts import CAMPAIGN, CONTACT, Past, begun, intended

Tell = Callable[[], Past]


def _drafted(*then: tuple[str, dict[str, Any]]) -> Past:
    past = Past()
    past.added()
    past.drafted()
    for event_type, data in then:
        past.happens(event_type, CAMPAIGN, **data)
    return past


def _never_approved() -> Past:
    return _drafted()


def _rejected() -> Past:
    return _drafted(("CampaignRejected", {}))


def _lapsed() -> Past:
    approved = ("CampaignApproved", {"content_hash": "h1", "schedule_at": None})
    return _drafted(approved, ("CampaignRevised", {"emails": "[]", "content_hash": "h2"}))


def _not_started() -> Past:
    return _drafted(("CampaignApproved", {"content_hash": "h1", "schedule_at": None}))


def _paused() -> Past:
    past = intended()
    past.happens("CampaignPaused", CAMPAIGN, reason="by_request")
    return past


def _cancelled() -> Past:
    past = intended()
    past.happens("CampaignCancelled", CAMPAIGN)
    return past


def _expanding() -> Past:
    past = begun()
    past.sending()
    return past


def _added_later() -> Past:
    past = Past()
    past.drafted()
    past.approved()
    past.started()
    past.scheduled()
    past.sending()
    past.expanded()
    past.added()
    return past


def _outside(**known: Any) -> Past:
    past = Past()
    past.added(**known)
    past.drafted()
    past.approved()
    past.started()
    past.scheduled()
    past.sending()
    past.expanded()
    return past


def _not_in_audience() -> Past:
    past = _outside(first_name="Ben")
    past.happens("ContactRevised", CONTACT, first_name="Ada")  # too late
    return past


def _deleted() -> Past:
    past = Past()
    past.added()
    past.happens("ContactDeleted", CONTACT)
    past.drafted()
    past.approved()
    past.started()
    past.scheduled()
    past.sending()
    past.expanded()
    return past


def _unexplained() -> Past:
    return _outside()  # she met the conditions all the time and has no delivery


def _withheld(code: str, fact: str, **data: Any) -> Tell:
    def tell() -> Past:
        past = intended()
        proof = past.happens(fact, CONTACT, **data)
        past.delivery("DeliveryWithheld", reason=code, proof_position=proof.position)
        return past

    return tell


def _already_mailed() -> Past:
    past = intended()
    proof = past.happens("DeliveryClaimed", identity("another contact's delivery"))
    past.delivery("DeliveryWithheld", reason="cancelled", proof_position=proof.position)
    return past


def _after(*events: tuple[str, dict[str, Any]]) -> Tell:
    def tell() -> Past:
        past = intended()
        past.delivery("DeliveryClaimed")
        for event_type, data in events:
            past.delivery(event_type, **data)
        return past

    return tell


ACCEPTED: tuple[str, dict[str, Any]] = ("DeliveryAccepted", {})
REASONS: dict[Code, tuple[Tell, str]] = {
    "never_approved": (_never_approved, "CampaignDrafted"),
    "rejected": (_rejected, "CampaignRejected"),
    "approval_lapsed": (_lapsed, "CampaignRevised"),
    "not_started": (_not_started, "CampaignApproved"),
    "not_due": (begun, "StepScheduled"),
    "paused": (_paused, "CampaignPaused"),
    "cancelled": (_cancelled, "CampaignCancelled"),
    "expanding": (_expanding, "SendingStarted"),
    "added_later": (_added_later, "ContactAdded"),
    "not_in_audience": (_not_in_audience, "ContactAdded"),
    "deleted": (_deleted, "ContactDeleted"),
    "unexplained": (_unexplained, "StepExpanded"),
    "no_consent": (_withheld("no_consent", "ConsentRecorded", status="unknown"), "ConsentRecorded"),
    "erased": (_withheld("erased", "AddressSuppressed", reason="erased"), "AddressSuppressed"),
    "refused": (_after(("DeliveryRefused", {"error_code": 300})), "DeliveryRefused"),
    "ambiguous": (_after(("DeliveryAmbiguous", {"reason": "timeout"})), "DeliveryAmbiguous"),
    "held": (_after(("DeliveryAmbiguous", {}), ("DeliveryHeld", {})), "DeliveryHeld"),
    "given_up": (
        _after(("DeliveryAmbiguous", {}), ("DeliveryHeld", {}), ("DeliveryClosed", {})),
        "DeliveryClosed",
    ),
    "returned": (_after(("DeliveryReturned", {"reason": "x"})), "DeliveryReturned"),
    "waiting": (intended, "DeliveryIntended"),
    "being_sent": (_after(), "DeliveryClaimed"),
    "already_mailed": (_already_mailed, "DeliveryClaimed"),
    "bounced": (_after(ACCEPTED, ("Bounced", {})), "Bounced"),
    **{
        code: (_withheld(code, "AddressSuppressed", reason=code), "AddressSuppressed")
        for code in ("unsubscribed", "hard_bounced", "complained", "inactive_at_provider")
    },
}


@pytest.mark.parametrize("code", sorted(REASONS))
def test_the_events_give_the_reason_and_the_event_that_is_it(code: Code) -> None:
    tell, event_type = REASONS[code]

    reason = first_reason(tell(), CAMPAIGN, CONTACT, judge_by_hand, step=1).reason

    assert reason is not None
    assert (reason.code, reason.event and reason.event.type) == (code, event_type)


def test_every_reason_there_is_has_words_and_events_that_make_it() -> None:
    assert set(get_args(Code)) == set(SAYS) == set(REASONS)


def test_who_got_it_has_no_reason() -> None:
    past = _after(ACCEPTED, ("Delivered", {}))()
    answer = first_reason(past, CAMPAIGN, CONTACT, judge_by_hand, step=1)
    assert answer.reason is None
    assert answer.delivery is not None
    assert answer.delivery.state == "delivered"


def test_without_a_step_the_first_one_that_was_not_got_is_told() -> None:
    reason = first_reason(_after(ACCEPTED)(), CAMPAIGN, CONTACT, judge_by_hand).reason
    assert reason is not None
    assert (reason.code, reason.step) == ("not_due", 2)


def test_outside_the_audience_of_the_first_step_is_the_reason_for_later_ones() -> None:
    reason = first_reason(_not_in_audience(), CAMPAIGN, CONTACT, judge_by_hand, step=2).reason
    assert reason is not None
    assert (reason.code, reason.step) == ("not_in_audience", 1)


def test_a_change_while_the_audience_was_read_may_have_come_too_late() -> None:
    past = Past()
    past.added(first_name="Ben")
    past.drafted()
    past.approved()
    past.started()
    past.scheduled()
    past.sending()
    past.happens("ContactRevised", CONTACT, first_name="Ada")
    past.expanded()

    reason = first_reason(past, CAMPAIGN, CONTACT, judge_by_hand).reason

    assert reason is not None
    assert (reason.code, reason.event and reason.event.position) == ("not_in_audience", 1)


def test_what_was_erased_is_said_to_be_and_never_called_failed() -> None:
    past = _outside(**dict.fromkeys(("email", "first_name", "attributes", "tags"), ERASED))

    reason = first_reason(past, CAMPAIGN, CONTACT, judge_by_hand).reason

    assert reason is not None
    assert reason.code == "not_in_audience"
    assert reason.details["erased"] is True
    (condition,) = reason.details["conditions"]
    assert (condition["known"], condition["met"], condition["erased"]) == (None, None, True)


def test_a_campaign_whose_texts_are_erased_still_has_its_steps_and_reasons() -> None:
    past = Past()
    past.added()
    past.drafted(**dict.fromkeys(("emails", "conditions", "audience_description"), ERASED))
    past.approved()
    past.started()
    past.scheduled()
    past.sending()
    past.expanded()
    reason = first_reason(past, CAMPAIGN, CONTACT, judge_by_hand).reason
    assert reason is not None
    assert (reason.code, reason.details["erased"]) == ("not_in_audience", True)


def test_another_contact_than_the_one_asked_for_changes_nothing() -> None:
    past = begun()
    past.happens("ContactAdded", identity("somebody else"))
    reason = first_reason(past, CAMPAIGN, CONTACT, judge_by_hand).reason
    assert reason is not None
    assert reason.code == "not_due"
