"""What a contact records, and what it refuses once it is deleted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress, SuppressionReason
from domain.contact.decisions import RANK, may_lift, strongest
from domain.contact.values import UNKNOWN, Consent, ContactDetails
from tests.support.spec import Spec
from tests.unit.domain.made import GRANTED, HMAC, META, NOW, OTHER_HMAC, contact, details, later

Act = Callable[[Contact], Any]


def suppress(reason: SuppressionReason) -> Act:
    return lambda c: c.suppress(Suppress(reason, "webhook"), META)


def test_adding_records_the_person_and_the_consent() -> None:
    added = contact()
    assert [type(e) for e in added.collect_events()] == [Contact.Created, Contact.ConsentRecorded]
    assert added.details == details()
    assert added.consent == GRANTED
    assert added.created_on == NOW


def test_an_address_that_was_suppressed_stays_so_for_a_new_contact() -> None:
    added = Contact.add(uuid4(), details(), HMAC, GRANTED, META, suppressed="deleted")
    Spec.given(added).when(lambda c: c.revise(details(), HMAC, META)).then()
    assert added.suppression == "deleted"


def test_the_same_details_again_change_nothing() -> None:
    spec = Spec.given(contact()).when(lambda c: c.revise(details(), HMAC, META))
    spec.then()


def test_other_details_are_recorded() -> None:
    changed = Spec.given(contact()).when(lambda c: c.revise(details(first_name="A"), HMAC, META))
    assert changed.then(Contact.Revised).details.first_name == "A"


def test_a_new_address_leaves_the_old_mailbox_behind() -> None:
    spec = Spec.given(contact(), suppress("hard_bounced"))
    spec.when(lambda c: c.revise(details(email="b@example.com"), OTHER_HMAC, META))
    assert spec.then(Contact.Revised, Contact.Reactivated).suppression is None


def test_a_new_address_does_not_take_back_an_unsubscribe() -> None:
    spec = Spec.given(contact(), suppress("unsubscribed"))
    spec.when(lambda c: c.revise(details(email="b@example.com"), OTHER_HMAC, META))
    assert spec.then(Contact.Revised, Contact.Suppressed).suppression == "unsubscribed"


def test_what_is_known_against_a_new_address_holds() -> None:
    spec = Spec.given(contact()).when(
        lambda c: c.revise(details(), OTHER_HMAC, META, suppressed="complained")
    )
    assert spec.then(Contact.Revised, Contact.Suppressed).suppression == "complained"


@pytest.mark.parametrize(
    ("before", "new", "recorded"),
    [
        (UNKNOWN, GRANTED, True),
        (GRANTED, GRANTED, False),
        (GRANTED, UNKNOWN, False),
        (GRANTED, Consent("withdrawn", "mail"), True),
        (Consent("withdrawn", "mail"), GRANTED, False),
        (Consent("withdrawn", "mail"), UNKNOWN, False),
        (Consent("withdrawn", "mail"), Consent("granted", "form"), False),
        (Consent("withdrawn", "mail"), Consent("granted", "form", later(days=1).now), True),
    ],
)
def test_a_consent_is_recorded_when_it_says_something_new(
    before: Consent, new: Consent, recorded: bool
) -> None:
    spec = Spec.given(contact(before)).when(lambda c: c.record_consent(new, later(days=2)))
    after = spec.then(*[Contact.ConsentRecorded] * recorded)
    assert after.consent == (new if recorded else before)


@pytest.mark.parametrize("present", [None, *RANK])
@pytest.mark.parametrize("new", RANK)
def test_a_reason_replaces_only_weaker_ones(
    present: SuppressionReason | None, new: SuppressionReason
) -> None:
    history = [suppress(present)] if present else []
    after = Spec.given(contact(), *history).when(suppress(new))
    stronger = present is None or RANK[new] > RANK[present]
    assert after.then(*[Contact.Suppressed] * stronger).suppression == strongest(present, new)


@pytest.mark.parametrize("present", [None, *RANK])
@pytest.mark.parametrize("by_the_person", [False, True])
def test_only_some_suppressions_can_be_lifted(
    present: SuppressionReason | None, by_the_person: bool
) -> None:
    liftable = {"hard_bounced", "inactive_at_provider"} | (
        {"unsubscribed"} if by_the_person else set()
    )
    assert may_lift(present, by_the_person=by_the_person) == (present in liftable)
    history = [suppress(present)] if present else []
    spec = Spec.given(contact(), *history).when(
        lambda c: c.reactivate("webhook", META, by_the_person=by_the_person)
    )
    after = spec.then(*[Contact.Reactivated] * (present in liftable))
    assert after.suppression == (None if present in liftable else present)


def test_deleting_hides_the_person_and_keeps_the_address_silent() -> None:
    gone = Spec.given(contact()).when(lambda c: c.delete(META))
    after = gone.then(Contact.Suppressed, Contact.Deleted)
    assert after.suppression == "deleted"
    assert after.details.email == ""


@pytest.mark.parametrize(
    "act",
    [
        lambda c: c.revise(details(first_name="B"), HMAC, META),
        lambda c: c.record_consent(GRANTED, META),
        suppress("erased"),
        lambda c: c.reactivate("api", META, by_the_person=True),
        lambda c: c.delete(META),
    ],
)
def test_a_deleted_contact_refuses_everything(act: Act) -> None:
    Spec.given(contact(), lambda c: c.delete(META)).when(act).then_refused("contact_deleted")


def erase(*addresses: bytes, references: tuple[UUID, ...] = ()) -> Act:
    return lambda c: c.erase(addresses or (HMAC,), references, META)


def test_erasing_silences_the_address_and_forgets_the_person() -> None:
    reference = uuid4()
    spec = Spec.given(contact()).when(erase(references=(reference,)))
    erased = spec.then(Contact.Suppressed, Contact.Erased)
    assert (erased.suppression, erased.deleted, erased.erased) == ("erased", True, True)
    assert erased.details == ContactDetails.from_fields(
        {
            "email": "",
            "first_name": "",
            "last_name": "",
            "timezone": "",
            "attributes": "",
            "tags": [],
        }
    )


def test_a_deleted_contact_can_still_be_erased() -> None:
    spec = Spec.given(contact(), lambda c: c.delete(META)).when(erase())
    assert spec.then(Contact.Suppressed, Contact.Erased).suppression == "erased"


@pytest.mark.parametrize(
    "act",
    [
        erase(),
        lambda c: c.delete(META),
        lambda c: c.revise(details(), HMAC, META),
        suppress("unsubscribed"),
    ],
)
def test_nothing_can_be_asked_of_an_erased_contact(act: Act) -> None:
    Spec.given(contact(), erase()).when(act).then_refused("contact_erased")


def test_a_contact_remembers_the_hashes_of_all_its_addresses() -> None:
    moved = contact()
    moved.revise(details(email="b@example.com"), OTHER_HMAC, META)
    moved.revise(details(), HMAC, META)
    assert moved.addresses == (HMAC, OTHER_HMAC)
