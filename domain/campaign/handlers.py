"""What happens when somebody drafts, changes, approves, holds or tries out a campaign.

Shared by everything that lets a person do so: the HTTP API and the conversation. Each function
works inside one transaction and leaves nothing behind when it raises.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final, Literal

from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign, RequestTest
from domain.campaign.decisions import workflow_graph
from domain.campaign.preparation import prepared
from domain.campaign.values import Content, checked_content
from domain.organization.aggregate import Organization
from domain.organization.business import Business
from domain.ports import Transaction
from domain.shared.errors import NotFoundError, RuleViolatedError, UnavailableError
from domain.shared.meta import Meta
from domain.workflow.aggregate import Workflow

TESTS_A_DAY: Final = 20
"""Test sends of an organization, by UTC day."""

SENDER_INCOMPLETE: Final = (
    "The business needs a sender name, address and postal address before anything is sent."
)


Approval = Literal["approved", "first_of_two", "shown_anew"]
"""What a yes does: it goes out, a second person has to agree, or it has to be shown again."""


class RunStartingError(UnavailableError):
    """The campaign is approved and its run begins any moment; trying again soon is right."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """What is decided about the address of a test send, and how many tests today has seen.

    `suppression` is None for an address that may be mailed; `tests_today` counts this one too.
    """

    suppression: str | None
    tests_today: int


def draft_campaign(tx: Transaction, command: DraftCampaign, meta: Meta) -> Campaign:
    """A new campaign with its workflow, in the name of its business as it is now.

    The sender of `command.content` is not looked at. Raises NotFoundError for the business,
    InvalidValueError for content that cannot be sent.
    """
    business = tx.load(Business, command.business_id)
    content = prepared(checked_content(command.content), business.profile)
    campaign = Campaign.draft(replace(command, content=content), meta)
    workflow = Workflow.generated(command.workflow_id, campaign.id, command.graph, meta)
    tx.save(campaign, workflow)
    return campaign


def revise_campaign(tx: Transaction, campaign: Campaign, content: Content, meta: Meta) -> bool:
    """Other content, in the name of the business as it is now, and the graph that follows.

    Whether anything changed: the same content again keeps its hash and its approval.
    """
    business = tx.load(Business, campaign.business_id)
    workflow = tx.load(Workflow, campaign.workflow_id)
    ready = prepared(checked_content(content), business.profile)
    graph = workflow_graph(ready, workflow.graph_version + 1)
    if not campaign.revise(ready, graph, meta):
        return False
    workflow.regenerated(graph, meta)
    tx.save(campaign, workflow)
    return True


def approve(
    tx: Transaction,
    campaign: Campaign,
    seen_hash: str,
    recipients: Callable[[], int],
    meta: Meta,
) -> Approval:
    """A person's yes to what they saw, and what it does.

    A draft made before its business had a complete sender shows none. Once the business has one,
    a yes to that draft gives the draft its sender and is not counted (`shown_anew`): what would be
    sent now is not what was seen, so it has to be shown again. Where it would go to more people
    than the organization lets one person approve, the first yes is kept and another person's is
    needed (`first_of_two`); `recipients` counts them, and is asked only if there is such a rule.
    Raises RuleViolatedError `sender_incomplete` while the business has no complete sender,
    `second_approver_needed` for a second yes of the same person, and what the campaign says.
    """
    if campaign.status == "draft" and seen_hash == campaign.content_hash:
        if not tx.load(Business, campaign.business_id).sender_complete:
            raise RuleViolatedError("sender_incomplete", SENDER_INCOMPLETE)
        if not campaign.content.sender.complete:
            revise_campaign(tx, campaign, campaign.content, meta)
            return "shown_anew"
    done = _count_yes(tx, campaign, seen_hash, recipients, meta)
    tx.save(campaign)
    return done


def _count_yes(
    tx: Transaction,
    campaign: Campaign,
    seen_hash: str,
    recipients: Callable[[], int],
    meta: Meta,
) -> Approval:
    campaign.ensure_approvable(seen_hash, meta)
    organization = tx.load(Organization, tx.organization_id)
    above = organization.second_approver_above
    if above is not None and (reached := recipients()) > above:
        first = campaign.first_approved_by
        if first is None:
            campaign.approve_first(seen_hash, reached, above, meta)
            return "first_of_two"
        if organization.person_behind(first) == organization.person_behind(meta.actor):
            raise RuleViolatedError(
                "second_approver_needed",
                f"It goes to {reached:,} people, and above {above:,} somebody else has to approve"
                " it too. Your yes is kept.",
            )
    campaign.approve(seen_hash, meta)
    return "approved"


def reject(tx: Transaction, campaign: Campaign, reason: str, meta: Meta) -> None:
    """A person's no to a draft."""
    campaign.reject(reason, meta)
    tx.save(campaign)


def pause(tx: Transaction, campaign: Campaign, meta: Meta) -> None:
    """Claim nothing more until resumed."""
    campaign.pause(meta)
    tx.save(campaign)


def resume(tx: Transaction, campaign: Campaign, meta: Meta) -> None:
    """Go on after a pause."""
    campaign.resume(meta)
    tx.save(campaign)


def cancel(tx: Transaction, campaign: Campaign, meta: Meta) -> None:
    """Leave unsent what is not handed over."""
    campaign.cancel(meta)
    tx.save(campaign)


def request_test(
    tx: Transaction, campaign: Campaign, command: RequestTest, mailbox: Mailbox, meta: Meta
) -> None:
    """Send one e-mail to a mailbox somebody looks at.

    Raises RuleViolatedError `address_suppressed`, `test_limit`, or what the campaign says.
    """
    if mailbox.suppression is not None:
        raise RuleViolatedError(
            "address_suppressed", f"This address must not be mailed: {mailbox.suppression}."
        )
    if mailbox.tests_today > TESTS_A_DAY:
        raise RuleViolatedError("test_limit", f"{TESTS_A_DAY} test sends a day; more tomorrow.")
    campaign.request_test(command, meta)
    tx.save(campaign)


def call_step(tx: Transaction, campaign: Campaign, step: int, meta: Meta) -> bool:
    """Somebody outside, such as n8n, wants a step to begin now; whether that is news.

    A step that was called, scheduled or sent before is left as it is. Raises RuleViolatedError
    `not_approved`, NotFoundError for a step that is none, RunStartingError right after approval.
    """
    if step not in range(1, len(campaign.content.emails) + 1):
        raise NotFoundError("step")
    if campaign.status in ("draft", "rejected", "cancelled"):
        raise RuleViolatedError(
            "not_approved", f"The campaign is {campaign.status}; approve it first."
        )
    workflow = tx.load(Workflow, campaign.workflow_id)
    if campaign.status == "sent" or step in workflow.scheduled or step in workflow.expanded:
        return False
    if not workflow.running:
        raise RunStartingError("The campaign was approved a moment ago and is about to start.")
    workflow.schedule_step(step, meta.now, meta)
    tx.save(workflow)
    return True
