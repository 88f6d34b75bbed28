"""An organization with contacts and a campaign, its log, views and reactions on real Postgres."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID, uuid4

import pytest
from psycopg_pool import ConnectionPool

from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign
from domain.campaign.decisions import workflow_graph
from domain.campaign.values import Content, Orchestrator, Sender, email
from domain.contact.aggregate import Contact
from domain.contact.mailable import Note
from domain.contact.values import Consent, ContactDetails, EmailAddress
from domain.organization.aggregate import Organization
from domain.shared.meta import Meta
from domain.workflow.aggregate import Workflow
from infra.event_log import EventWriter
from infra.idempotency import AnswerStore
from infra.keys import AddressHasher, SubjectKeys
from infra.mailable import PostgresMailable
from infra.master_keys import MasterKeys
from infra.postgres import Connection, connect, make_pool
from infra.transactions import CommandLog, PostgresTransaction
from infra.worker_log import PostgresWorkerLog
from projections.batch import Record
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Codec
from schemas.registry import default_registry
from streams.agents.addresses import Addresses
from streams.agents.reactions import Reactions
from streams.agents.timers import Timers
from tests.conftest import Database
from tests.support.log_batches import LogBatches

EVERYONE: dict[str, Any] = {"all": []}


@dataclass
class LetterBox:
    """Dead letters, kept in a list."""

    letters: list[tuple[Record, str, str, str]] = field(default_factory=list)
    """Record, consumer, reason and trace of each."""

    def put(self, record: Record, *, consumer: str, reason: str, trace: str) -> None:
        self.letters.append((record, consumer, reason, trace))


class World:
    """One database and everything that works on it; time comes from its `state.clock`."""

    def __init__(self, database: Database) -> None:
        self.url = database.worker_url
        self.pool: ConnectionPool[Connection] = make_pool(
            database.worker_url, size=8, application="test"
        )
        self.sql = connect(database.worker_url, autocommit=True)
        codec = Codec(default_registry(), os.urandom)
        keys = SubjectKeys(MasterKeys((b"k" * 32,), os.urandom), self.pool.connection, os.urandom)
        writer = EventWriter(codec, keys)
        self.codec = codec
        self.hash = AddressHasher(b"h" * 32)
        self.commands = CommandLog(self.pool, codec, writer, keys, AnswerStore(keys, os.urandom))
        self.log = PostgresWorkerLog(self.pool, codec, writer, keys, "system:reactions")
        self.addresses = Addresses(self.hash, uuid4)
        self.reactions = Reactions(self.log, codec, self.addresses)
        self.letters = LetterBox()
        self.timers = Timers(self.log, self.addresses, self.letters, timedelta(minutes=10))
        self.views = ProjectionWriter(self.pool.connection, codec, keys)
        self.batches = LogBatches(self.sql)
        self.organization = uuid4()
        self.commands.run(
            self.organization, lambda tx: tx.save(Organization.create("Acme", self.meta()))
        )

    def meta(self, organization: UUID | None = None) -> Meta:
        now = datetime.now(UTC)
        return Meta(organization or self.organization, "test", uuid4(), uuid4(), now)

    def run(self, rounds: int = 50) -> None:
        """Views, reactions and timers until all of them are at rest."""
        for _ in range(rounds):
            handled = self.batches.pump(self.views, self.reactions)
            if not self.timers.round() and not handled:
                return
        raise AssertionError("never at rest")

    def contacts(self, number: int, consent: str = "granted", name: str = "c") -> list[str]:
        """New contacts name-0@example.com and so on."""
        added: list[str] = []
        for start in range(0, number, 400):
            numbers = range(start, min(start + 400, number))
            made, _ = self.commands.run(
                self.organization, partial(self._add, numbers=numbers, consent=consent, name=name)
            )
            added += made
        return added

    def _add(self, tx: PostgresTransaction, numbers: range, consent: str, name: str) -> list[str]:
        mailable = PostgresMailable(tx)
        addresses = {n: f"{name}-{n}@example.com" for n in numbers}
        hashes = {n: self.address(each) for n, each in addresses.items()}
        mailable.take(list(hashes.values()))
        ids: list[str] = []
        for n, each in addresses.items():
            contact = Contact.add(
                uuid4(), ContactDetails.of(each), hashes[n], Consent.of(consent, "form"),
                self.meta(),
            )  # fmt: skip
            tx.save(contact)
            mailable.note_many([Note(hashes[n], str(contact.id), consent, None, str(contact.id))])
            ids.append(str(contact.id))
        return ids

    def address(self, email_address: str) -> bytes:
        return self.hash(EmailAddress.parse(email_address).normalised)

    def campaign(
        self,
        delays: tuple[timedelta, ...] = (timedelta(),),
        schedule_at: datetime | None = None,
        orchestrator: Orchestrator = "built_in",
    ) -> Campaign:
        """A drafted campaign with its workflow."""
        content = Content(
            name="Win back",
            conditions=EVERYONE,
            emails=tuple(
                email(n, f"Hello {n}", "<p>Hi</p>", "Hi", delay=delay)
                for n, delay in enumerate(delays, start=1)
            ),
            sender=Sender("Rosa", "rosa@example.com", "1 Street"),
            schedule_at=schedule_at,
            orchestrator=orchestrator,
        )
        graph = workflow_graph(content)
        command = DraftCampaign(uuid4(), uuid4(), "win_back", uuid4(), content, graph)
        campaign = Campaign.draft(command, self.meta())
        workflow = Workflow.generated(command.workflow_id, campaign.id, graph, self.meta())
        self.commands.run(self.organization, lambda tx: tx.save(campaign, workflow))
        return campaign

    def approved(self, **kind: Any) -> str:
        """The id of a drafted and approved campaign."""
        campaign = self.campaign(**kind)
        self.change(str(campaign.id), lambda c: c.approve(c.content_hash, self.meta()))
        return str(campaign.id)

    def change(self, campaign_id: str, act: Any) -> None:
        def decide(tx: PostgresTransaction) -> None:
            campaign = tx.load(Campaign, UUID(campaign_id))
            act(campaign)
            tx.save(campaign)

        self.commands.run(self.organization, decide)

    def advance(self, by: timedelta) -> None:
        self.sql.execute("UPDATE state.clock SET ahead = ahead + %s", (by,))

    def rows(self, query: str, *params: Any) -> list[tuple[Any, ...]]:
        return self.sql.execute(query.encode(), params).fetchall()

    def types(self, stream_id: str) -> list[str]:
        """Types of the events of one stream, in order."""
        query = "SELECT type FROM log.events WHERE stream_id = %s ORDER BY version"
        return [each for (each,) in self.rows(query, stream_id)]

    def sends(self, campaign_id: str, step: int = 1) -> dict[str, tuple[str, str]]:
        """Delivery id and state by contact."""
        found = self.rows(
            "SELECT contact_id, delivery_id, state FROM state.sends"
            " WHERE campaign_id = %s AND step = %s",
            campaign_id, step,
        )  # fmt: skip
        return {contact: (delivery, state) for contact, delivery, state in found}

    def settle(self, campaign_id: str) -> None:
        """As if the sender had sent everything that is intended."""
        self.sql.execute(
            "UPDATE state.sends SET state = 'accepted' WHERE campaign_id = %s AND state ="
            " 'intended'",
            (campaign_id,),
        )

    def close(self) -> None:
        self.sql.close()
        self.pool.close()


@pytest.fixture
def world(database: Database) -> Iterator[World]:
    made = World(database)
    yield made
    made.close()
