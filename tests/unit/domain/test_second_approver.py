"""Above a number of recipients that the organization sets, two people have to say yes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.campaign import handlers
from domain.campaign.aggregate import Campaign
from domain.organization.aggregate import RECIPIENTS_MAX, Organization
from domain.organization.business import Business
from domain.organization.commands import IssueApiKey, Profile
from domain.shared.errors import InvalidValueError, RuleViolatedError
from tests.support.fake_transaction import FakeTransaction
from tests.unit.domain.made import META, content
from tests.unit.domain.test_campaign_handlers import PROFILE, draft, yes


def ruled(above: int | None, profile: Profile = PROFILE) -> tuple[FakeTransaction, Campaign]:
    """A draft of an organization with this rule."""
    organization = Organization.create("Crumb", META)
    organization.set_approval_rule(above, META)
    business = Business.add(uuid4(), profile, META)
    tx = FakeTransaction(META.organization_id, business, organization)
    campaign = draft(tx, business)
    tx.types()
    return tx, campaign


def refusal_of(act: Any) -> RuleViolatedError:
    with pytest.raises(RuleViolatedError) as refused:
        act()
    return refused.value


@pytest.mark.parametrize(("above", "recipients"), [(None, 1_000_000), (10, 10), (0, 0)])
def test_one_yes_is_enough_up_to_the_number(above: int | None, recipients: int) -> None:
    tx, campaign = ruled(above)

    assert yes(tx, campaign, "user:ada", recipients) == "approved"
    assert tx.types() == ["CampaignApproved"]


def test_above_it_the_first_yes_is_kept_and_sends_nothing() -> None:
    tx, campaign = ruled(10)

    assert yes(tx, campaign, "user:ada", 11) == "first_of_two"
    assert tx.types() == ["FirstApprovalGiven"]
    assert (campaign.status, campaign.first_approved_by) == ("draft", "user:ada")
    assert campaign.approved_hash is None


def test_another_persons_yes_is_the_second() -> None:
    tx, campaign = ruled(10)
    yes(tx, campaign, "user:ada", 11)

    assert yes(tx, campaign, "user:ben", 11) == "approved"
    assert (campaign.status, campaign.approved_by) == ("approved", "user:ben")


def test_the_same_person_twice_is_one_yes() -> None:
    tx, campaign = ruled(10)
    yes(tx, campaign, "user:ada", 11)
    tx.types()

    refused = refusal_of(lambda: yes(tx, campaign, "user:ada", 11))

    assert refused.code == "second_approver_needed"
    assert "above 10" in str(refused)
    assert tx.types() == []
    assert campaign.status == "draft"


def test_what_no_longer_waits_is_not_asked_for_a_second_person() -> None:
    tx, campaign = ruled(10)
    seen = campaign.content_hash
    yes(tx, campaign, "user:ada", 11)
    yes(tx, campaign, "user:ben", 11)
    assert refusal_of(lambda: yes(tx, campaign, "user:ada", 11)).code == "already_approved"

    handlers.revise_campaign(tx, campaign, content(subject="Come back"), META)
    late = lambda: handlers.approve(tx, campaign, seen, lambda: 11, META)  # noqa: E731
    assert refusal_of(late).code == "content_changed"


def test_a_change_needs_two_yeses_again() -> None:
    tx, campaign = ruled(10)
    yes(tx, campaign, "user:ada", 11)
    handlers.revise_campaign(tx, campaign, content(subject="Come back"), META)

    assert campaign.first_approved_by is None
    assert yes(tx, campaign, "user:ben", 11) == "first_of_two"


def test_a_rule_that_no_longer_asks_lets_one_person_finish() -> None:
    tx, campaign = ruled(10)
    yes(tx, campaign, "user:ada", 11)

    assert yes(tx, campaign, "user:ada", 10) == "approved"


def test_nothing_is_counted_where_there_is_no_rule() -> None:
    tx, campaign = ruled(None)

    def count() -> int:
        raise AssertionError("nobody asked")

    assert handlers.approve(tx, campaign, campaign.content_hash, count, META) == "approved"


def issued(organization: Organization, by: str) -> str:
    """The actor of a key that somebody makes."""
    key_id = uuid4()
    issue = IssueApiKey(key_id, key_id.bytes + key_id.bytes, "nk_test")
    organization.issue_api_key(issue, replace(META, actor=by))
    return f"key:{key_id}"


def test_a_key_acts_for_whoever_made_it() -> None:
    organization = Organization.create("Crumb", META)
    person = f"user:{UUID(int=1)}"
    hers = issued(organization, person)
    made_by_it = issued(organization, hers)

    assert organization.person_behind(made_by_it) == person
    assert organization.person_behind(hers) == person
    assert organization.person_behind(person) == person


def test_keys_that_an_operator_made_are_apart() -> None:
    organization = Organization.create("Crumb", META)
    one, other = (issued(organization, "operator:cli") for _ in range(2))

    assert organization.person_behind(one) == one
    assert organization.person_behind(other) == other


def test_ones_own_key_is_no_second_person() -> None:
    tx, campaign = ruled(10)
    organization = tx.load(Organization, META.organization_id)
    key = issued(organization, "user:ada")
    tx.save(organization)
    yes(tx, campaign, "user:ada", 11)

    refused = refusal_of(lambda: yes(tx, campaign, key, 11))

    assert refused.code == "second_approver_needed"


def test_the_rule_is_set_once_and_the_same_again_stays_quiet() -> None:
    organization = Organization.create("Crumb", META)
    organization.collect_events()
    organization.set_approval_rule(None, META)
    organization.set_approval_rule(5, META)
    organization.set_approval_rule(5, META)
    organization.set_approval_rule(None, META)

    rules = [vars(event)["second_approver_above"] for event in organization.collect_events()]
    assert rules == [5, None]


@pytest.mark.parametrize("above", [-1, RECIPIENTS_MAX + 1])
def test_a_number_that_is_none_of_recipients_is_refused(above: int) -> None:
    organization = Organization.create("Crumb", META)

    with pytest.raises(InvalidValueError) as refused:
        organization.set_approval_rule(above, META)

    assert refused.value.field == "second_approver_above"
