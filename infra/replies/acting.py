"""A reply's commands, carried out in the reply's own transaction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import singledispatchmethod
from uuid import UUID

from domain.campaign import handlers
from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign, RequestTest
from domain.campaign.decisions import workflow_graph
from domain.contact.aggregate import Contact
from domain.contact.handlers import HashAddress, delete_contact, revise_contact
from domain.contact.handlers import save as save_contact
from domain.contact.values import Consent, EmailAddress
from domain.organization.aggregate import Organization
from domain.organization.business import Business
from domain.organization.commands import AssignAttributeRole
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta
from infra.replies.turns import Said
from infra.transactions import PostgresTransaction
from projections.queries.audience import Audience, forecast
from projections.queries.sending import count_test, standing_of
from streams.steps.dialogue import plan
from streams.steps.dialogue.choosing import deletion_asked
from streams.steps.dialogue.permitting import ensure_permitted

_UNDONE = "content_changed"


@dataclass(slots=True)
class Acting:
    """Carries out the commands of one reply; remembers the campaigns it touched."""

    tx: PostgresTransaction
    said: Said
    meta: Meta
    new_id: Callable[[], UUID]
    hash_address: HashAddress
    campaigns: dict[UUID, Campaign]

    def campaign(self, campaign_id: UUID) -> Campaign:
        """The campaign as this transaction has it."""
        if campaign_id not in self.campaigns:
            self.campaigns[campaign_id] = self.tx.load(Campaign, campaign_id)
        return self.campaigns[campaign_id]

    def perform(self, command: plan.Command) -> None:
        """Carry out what the person who spoke may do. Raises DomainError; nothing is done then."""
        ensure_permitted(command, self.said.turn.permissions)
        self.carry_out(command)

    @singledispatchmethod
    def carry_out(self, command: object) -> None:
        """Raises DomainError when it may not be; the transaction is then lost."""
        raise TypeError(f"no such command: {command!r}")

    @carry_out.register
    def _draft(self, command: plan.Draft) -> None:
        conversation, turn = self.said.conversation, self.said.turn
        self.campaigns[command.campaign_id] = handlers.draft_campaign(
            self.tx,
            DraftCampaign(
                command.campaign_id,
                conversation.business_id,
                command.campaign_type,
                command.workflow_id,
                command.content,
                workflow_graph(command.content),
                conversation.id,
                turn.turn_id,
            ),
            self.meta,
        )

    @carry_out.register
    def _revise(self, command: plan.Revise) -> None:
        campaign = self.campaign(command.campaign_id)
        handlers.revise_campaign(self.tx, campaign, command.content, self.meta)

    @carry_out.register
    def _approve(self, command: plan.Approve) -> None:
        """Once more by the conversation's own rule: only what was shown here last."""
        if not self.said.conversation.may_approve(command.campaign_id, command.content_hash):
            raise RuleViolatedError(_UNDONE, "I have not shown you exactly this yet.")
        campaign = self.campaign(command.campaign_id)
        done = handlers.approve(
            self.tx, campaign, command.content_hash, lambda: self._recipients(campaign), self.meta
        )
        if done != ("first_of_two" if command.first_of_two else "approved"):
            raise RuleViolatedError(_UNDONE, "It has changed since I showed it to you.")

    def _recipients(self, campaign: Campaign) -> int:
        organization = str(self.tx.organization_id)
        audience = Audience(organization, campaign.content.conditions, self.meta.now)
        return forecast(self.tx.connection, audience).recipients

    @carry_out.register
    def _change(self, command: plan.Change) -> None:
        campaign = self.campaign(command.campaign_id)
        match command.what:
            case "reject":
                handlers.reject(self.tx, campaign, "", self.meta)
            case "pause":
                handlers.pause(self.tx, campaign, self.meta)
            case "resume":
                handlers.resume(self.tx, campaign, self.meta)
            case "cancel":
                handlers.cancel(self.tx, campaign, self.meta)

    @carry_out.register
    def _send_test(self, command: plan.SendTest) -> None:
        organization = str(self.tx.organization_id)
        address = self._address(command.reference)
        hashed = self.hash_address(address.normalised)
        _, suppression = standing_of(self.tx.connection, organization, hashed)
        used = count_test(self.tx.connection, organization, self.meta.now.date())
        wanted = RequestTest(self.new_id(), command.reference, address.given)
        mailbox = handlers.Mailbox(suppression, used)
        campaign = self.campaign(command.campaign_id)
        handlers.request_test(self.tx, campaign, wanted, mailbox, self.meta)

    def _address(self, reference: UUID) -> EmailAddress:
        for mention in self.said.turn.mentions:
            if mention.reference == reference and mention.address:
                return EmailAddress.parse(mention.address)
        return EmailAddress.parse(self.tx.load(Contact, reference).details.email)

    @carry_out.register
    def _set_business(self, command: plan.SetBusiness) -> None:
        business = self.tx.load(Business, self.said.conversation.business_id)
        business.revise(command.profile, self.meta)
        self.tx.save(business)

    @carry_out.register
    def _assign_role(self, command: plan.AssignRole) -> None:
        organization = self.tx.load(Organization, self.tx.organization_id)
        organization.assign_attribute_role(
            AssignAttributeRole(command.role, command.attribute), self.meta
        )
        self.tx.save(organization)

    @carry_out.register
    def _delete_contact(self, command: plan.DeleteContact) -> None:
        """Once more by what was said: only whom the last reply asked about."""
        turns, number = self.said.conversation.turns, self.said.turn.number
        if deletion_asked(turns, number) != command.contact_id:
            raise RuleViolatedError("not_asked", "I have not asked you about deleting this yet.")
        delete_contact(self.tx, self.tx.load(Contact, command.contact_id), self.meta)

    @carry_out.register
    def _tag(self, command: plan.Tag) -> None:
        contact = self.tx.load(Contact, command.contact_id)
        tags = tuple(dict.fromkeys((*contact.details.tags, *command.tags)))
        details = replace(contact.details, tags=tags)
        revise_contact(self.tx, contact, details, None, self.hash_address, self.meta)

    @carry_out.register
    def _unsubscribe(self, command: plan.Unsubscribe) -> None:
        contact = self.tx.load(Contact, command.contact_id)
        self.tx.mailable.take([contact.address_hmac])
        withdrawn = Consent("withdrawn", "asked for in a conversation", self.meta.now)
        contact.record_consent(withdrawn, self.meta)
        save_contact(self.tx, contact)
