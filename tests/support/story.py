"""A campaign's whole story over real Postgres: said, approved, expanded, claimed, answered, told.

What a sender and a provider would do is scripted by contact; everything is recorded by the
product's own code, so that the log is one that a running stack could have written.
"""

from __future__ import annotations

import json
import uuid
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.access.permissions import EVERYTHING
from domain.campaign import handlers
from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign
from domain.campaign.decisions import workflow_graph
from domain.campaign.values import Content, Sender, email
from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress, SuppressionReason
from domain.contact.mailable import Note
from domain.contact.values import Consent, ContactDetails, EmailAddress
from domain.conversation.aggregate import Conversation
from domain.conversation.commands import Recognise
from domain.conversation.values import Mention
from domain.delivery.decisions import (
    Accepted,
    Ambiguous,
    BatchOutcome,
    Refused,
    Returned,
    Verdict,
)
from domain.delivery.ids import delivery_id
from domain.shared.meta import Meta, event_id
from infra.ledger.ledger import LedgerSettings, PostgresLedger
from infra.mailable import PostgresMailable
from infra.postgres import connect
from infra.transactions import PostgresTransaction
from infra.worker_log import PostgresWorkerLog
from projections.batch import Batch, Record
from streams.agents.addresses import Addresses
from streams.agents.reactions import Reactions
from streams.agents.timers import Timers
from streams.effects.ports import Claim, Lane, Route
from tests.support.api import Api
from tests.support.log_batches import LogBatches

VIENNA: dict[str, Any] = {"all": [{"field": "attributes.city", "op": "eq", "value": "Vienna"}]}
VERDICTS: Mapping[str, Callable[[], Verdict]] = {
    "accepted": lambda: Accepted(str(uuid4())),
    "refused": lambda: Refused(300),
    "returned": lambda: Returned("rate_limited"),
    "ambiguous": lambda: Ambiguous("timeout"),
}


class NoLetters:
    """Dead letters are a failure of the test."""

    def put(self, record: Record, *, consumer: str, reason: str, trace: str) -> None:
        raise AssertionError(f"{consumer}: {record}: {reason}\n{trace}")


@dataclass
class Story:
    """One organization's story; `marks` are positions of the log by what had just happened."""

    api: Api
    marks: dict[str, int] = field(default_factory=dict)
    people: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Contact ids by what they are there for."""

    def __post_init__(self) -> None:
        worker = self.api.worker
        log = PostgresWorkerLog(
            worker.pool, worker.codec, worker.writer, worker.keys, "system:reactions"
        )
        addresses = Addresses(worker.hasher, uuid4)
        self.sql = connect(worker.addresses.postgres_worker_url, autocommit=True)
        self.reactions = Reactions(log, worker.codec, addresses)
        self.timers = Timers(log, addresses, NoLetters(), timedelta(minutes=10))
        self.batches = LogBatches(self.sql)
        second = timedelta(seconds=60)
        terms = LedgerSettings(second, timedelta(), timedelta())
        self.ledger = PostgresLedger(worker.commands, worker.hasher, terms, uuid4)
        self._letters = 0

    def close(self) -> None:
        self.sql.close()

    # --- time and place ---------------------------------------------------------------------

    @property
    def organization(self) -> UUID:
        return UUID(self.api.tenant.organization_id)

    def meta(self, actor: str = "key:rosa", cause: UUID | None = None) -> Meta:
        now = datetime.now(UTC)
        return Meta(self.organization, actor, uuid4(), cause or uuid4(), now)

    def do(self, decide: Callable[[PostgresTransaction], Any]) -> Any:
        """One transaction; then views, reactions and timers until all are at rest."""
        result, _ = self.api.worker.commands.run(self.organization, decide)
        self.rest()
        return result

    def rest(self) -> None:
        for _ in range(50):
            self.api.project()
            handled = self.batches.pump(self.reactions)
            if not self.timers.round() and not handled:
                return
        raise AssertionError("never at rest")

    def mark(self, name: str) -> int:
        self.marks[name] = self.position
        return self.position

    @property
    def position(self) -> int:
        row = self.sql.execute("SELECT max(position) FROM log.events").fetchone()
        return int(row[0]) if row else 0

    def rows(self) -> list[tuple[bytes, int]]:
        """The log."""
        found = self.sql.execute("SELECT bytes, position FROM log.events ORDER BY position")
        return [(bytes(value), position) for value, position in found.fetchall()]

    # --- people -----------------------------------------------------------------------------

    def contacts(
        self, kind: str, count: int, *, city: str = "Vienna", consent: str = "granted"
    ) -> list[str]:
        """New contacts named after what they are there for."""

        def decide(tx: PostgresTransaction) -> list[str]:
            mailable = PostgresMailable(tx)
            details = [
                ContactDetails.of(
                    f"{kind}-{n}@example.com", first_name=kind, attributes={"city": city}
                )
                for n in range(count)
            ]
            hashes = [
                self.api.worker.hasher(EmailAddress.parse(each.email).normalised)
                for each in details
            ]
            mailable.take(hashes)
            added = [
                Contact.add(uuid4(), each, hashed, Consent.of(consent, "form"), self.meta())
                for each, hashed in zip(details, hashes, strict=True)
            ]
            tx.save(*added)
            mailable.note_many(
                [
                    Note(hashed, str(c.id), consent, None, str(c.id))
                    for c, hashed in zip(added, hashes, strict=True)
                ]
            )
            return [str(contact.id) for contact in added]

        self.people[kind] += self.do(decide)
        return self.people[kind]

    def suppress(self, contact_ids: list[str], reason: SuppressionReason) -> None:
        """These addresses must not be mailed any more."""

        def decide(tx: PostgresTransaction) -> None:
            people = [tx.load(Contact, UUID(each)) for each in contact_ids]
            mailable = PostgresMailable(tx)
            mailable.take([contact.address_hmac for contact in people])
            for contact in people:
                contact.suppress(Suppress(reason, "link"), self.meta())
                tx.save(contact)
            mailable.note_many(
                [
                    Note(c.address_hmac, str(c.id), c.consent.status, reason, str(c.id))
                    for c in people
                ]
            )

        self.do(decide)

    # --- what is wanted ---------------------------------------------------------------------

    def say(
        self, conversation_id: UUID, text: str, intent: str, *mentions: Mention
    ) -> tuple[UUID, UUID]:
        """A turn that was understood; its id and the id of its event."""
        turn_id = uuid4()

        def hear(tx: PostgresTransaction) -> UUID:
            conversation = tx.load(Conversation, conversation_id)
            conversation.receive_turn(turn_id, text, mentions, EVERYTHING, self.meta())
            tx.save(conversation)
            return event_id(conversation_id, conversation.version)

        def understand(tx: PostgresTransaction) -> None:
            conversation = tx.load(Conversation, conversation_id)
            conversation.recognise(Recognise(turn_id, intent, 0.9, "offline", 3), self.meta())
            tx.save(conversation)

        cause = self.do(hear)
        self.do(understand)
        return turn_id, cause

    def conversation(self) -> UUID:
        identity = uuid4()
        business = UUID(self.api.tenant.business_id)
        self.do(lambda tx: tx.save(Conversation.start(identity, business, "api", self.meta())))
        return identity

    def drafted(
        self,
        turn: tuple[UUID, UUID, UUID] | None = None,
        conditions: Mapping[str, Any] = VIENNA,
        delays: tuple[timedelta, ...] = (timedelta(),),
        schedule_at: datetime | None = None,
    ) -> str:
        """A draft; `turn`: conversation, turn and event of the sentence that asked for it."""
        emails = tuple(
            email(n, f"Hello {n}", "<p>Hi</p>", "Hi", delay=delay)
            for n, delay in enumerate(delays, start=1)
        )
        content = Content("Win back", conditions, emails, Sender("", "", ""), "UTC", schedule_at)
        business = UUID(self.api.tenant.business_id)
        where = turn[:2] if turn else (None, None)
        command = DraftCampaign(
            uuid4(), business, "win_back", uuid4(), content, workflow_graph(content), *where
        )
        meta = self.meta(cause=turn[2] if turn else None)
        self.do(lambda tx: handlers.draft_campaign(tx, command, meta))
        return str(command.campaign_id)

    def change(self, campaign_id: str, act: Callable[[Campaign], Any]) -> None:
        """Change a campaign by its own rules."""

        def decide(tx: PostgresTransaction) -> None:
            campaign = tx.load(Campaign, UUID(campaign_id))
            act(campaign)
            tx.save(campaign)

        self.do(decide)

    def approve(self, campaign_id: str, cause: UUID | None = None) -> None:
        """A yes to the content as it is."""
        self.change(campaign_id, lambda c: c.approve(c.content_hash, self.meta(cause=cause)))

    def revise(self, campaign_id: str) -> None:
        """Another subject."""

        def decide(tx: PostgresTransaction) -> None:
            campaign = tx.load(Campaign, UUID(campaign_id))
            first, *others = campaign.content.emails
            emails = (replace(first, subject=first.subject + "!"), *others)
            handlers.revise_campaign(
                tx, campaign, replace(campaign.content, emails=emails), self.meta()
            )

        self.do(decide)

    def advance(self, by: timedelta) -> None:
        self.sql.execute("UPDATE state.clock SET ahead = ahead + %s", (by,))
        self.rest()

    # --- what a sender and the provider do --------------------------------------------------

    def claim(self, campaign_id: str, limit: int) -> Claim:
        lane = Lane(str(self.organization), campaign_id, "campaign")
        return self.ledger.claim(lane, Route(0, "broadcast"), limit)

    def send(self, campaign_id: str, verdict_of: Callable[[str], str], limit: int = 40) -> None:
        """Claim and record until only what is returned is left to claim."""
        for _ in range(50):
            claim = self.claim(campaign_id, limit)
            self.marks.setdefault("claimed", self.position)
            if not claim.recipients:
                if claim.looked_at:
                    continue
                break
            assert self.ledger.hand_over(claim.batch_id)
            words = [verdict_of(recipient.contact_id) for recipient in claim.recipients]
            self.ledger.record(claim, BatchOutcome(tuple(VERDICTS[word]() for word in words)))
            if set(words) == {"returned"}:
                break
        self.rest()

    def look_up(self, found_of: Callable[[str], bool]) -> None:
        """Two look-ups of all that is ambiguous; what is not found is held."""
        for _ in range(2):
            self.sql.execute(
                "UPDATE state.send_batches SET resolve_at = now() WHERE state = 'ambiguous'"
            )
            for batch in self.ledger.due_lookups():
                rows = self.sql.execute(
                    "SELECT delivery_id, contact_id FROM state.sends"
                    " WHERE batch_id = %s AND state = 'ambiguous'",
                    (batch.batch_id,),
                ).fetchall()
                found = {each: str(uuid4()) for each, contact in rows if found_of(contact)}
                self.ledger.record_lookup(batch, found, "hold", timedelta())
        self.rest()

    def webhook(self, kind: str, campaign_id: str, contacts: list[str], **more: Any) -> None:
        """The provider tells the same of these contacts' deliveries of step 1."""
        letters = [self._letter(kind, campaign_id, contact, more) for contact in contacts]
        self.reactions.handle(Batch("postmark-webhooks", 0, tuple(letters)))
        self.rest()

    def _letter(self, kind: str, campaign_id: str, contact: str, more: Mapping[str, Any]) -> Record:
        field_name = "Email" if kind in ("Bounce", "SpamComplaint") else "Recipient"
        body = {
            "RecordType": kind, "MessageID": None, "MessageStream": "broadcast",
            field_name: "somebody@example.com", "ID": self._letters,
            "Metadata": {"delivery_id": delivery_id(campaign_id, 1, contact)}, **more,
        }  # fmt: skip
        headers = {
            "organization": str(self.organization).encode(),
            "received_at": datetime.now(UTC).isoformat().encode(),
        }
        value = json.dumps(body).encode()
        self._letters += 1
        return Record("postmark-webhooks", 0, self._letters, None, value, headers)

    def delivery(self, campaign_id: str, contact_id: str, step: int = 1) -> str:
        return delivery_id(campaign_id, step, contact_id)


def erase(story: Story, subject: str) -> None:
    """Destroy a subject's key, as an erasure does."""
    story.sql.execute(
        "UPDATE log.subject_keys SET wrapped = NULL WHERE subject_id = %s", (uuid.UUID(subject),)
    )
    for core in (story.api.core, story.api.worker):
        core.keys._cache.pop(subject, None)
