"""A world to send in: organizations, contacts and campaigns made through the aggregates."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx

from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign, RequestTest
from domain.campaign.decisions import workflow_graph
from domain.campaign.values import Content, Email, Sender
from domain.contact.aggregate import Contact
from domain.contact.commands import Suppress, SuppressionReason
from domain.contact.values import Consent, ConsentStatus, ContactDetails, EmailAddress
from domain.delivery.ids import delivery_id
from domain.organization.aggregate import Organization
from domain.organization.commands import ConnectPostmark, RecordRegistration
from domain.shared.meta import Meta
from infra.bootstrap import Core
from infra.event_log import Draft
from infra.local.sandbox import ACCOUNT_TOKEN
from infra.mailable import PostgresMailable
from infra.settings import Settings, load_settings
from infra.transactions import PostgresTransaction
from projections.batch import Batch, Record
from projections.postgres.writer import ProjectionWriter
from schemas.registry import default_registry
from streams.effects.ports import Route
from tests.conftest import Database

HTML = (
    "<html><body><p>Hi {{ first_name | default: 'there' }},</p>"
    '<p><a href="https://shop.example/bread">Bread</a></p>'
    '<p>1 Oak Street <a href="{{ unsubscribe_url }}">Unsubscribe</a></p></body></html>'
)
TEXT = "Hi {{ first_name | default: 'there' }}\nUnsubscribe: {{ unsubscribe_url }}\n1 Oak Street\n"


def settings_for(database: Database, sandbox_url: str, folder: Path, **more: Any) -> Settings:
    """Settings of an effects process on this database and this sandbox."""
    keys = {}
    for name in ("secret_key_file", "master_key_file"):
        keys[name] = folder / name
        keys[name].write_text("5e" * 32)
    return load_settings(
        data_dir=folder,
        postgres_url=database.owner_url,
        postgres_worker_url=database.worker_url,
        postgres_api_url=database.api_url,
        postmark_url=sandbox_url,
        **keys,
        **{"send_rate": 0, **more},
    )


@dataclass(frozen=True)
class Tenant:
    """An organization with a server of its own in the sandbox."""

    id: UUID
    token: str


@dataclass(frozen=True)
class World:
    """Makes what there is to send, and reads what became of it."""

    core: Core

    @property
    def _url(self) -> str:
        return self.core.addresses.postmark_url

    def meta(self, organization_id: UUID) -> Meta:
        return Meta(organization_id, "test", uuid4(), uuid4(), datetime.now(UTC))

    def run(self, organization_id: UUID, decide: Callable[[PostgresTransaction], Any]) -> Any:
        return self.core.commands.run(organization_id, decide)[0]

    def query(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        with self.core.pool.connection() as connection:
            return connection.execute(text, values).fetchall()

    # --- what there is ---------------------------------------------------------------------

    def tenant(self, *, handling: str | None = "Postmark", token: str | None = None) -> Tenant:
        """`handling` None: the webhooks are not registered yet."""
        tenant = Tenant(uuid4(), token or self._server(handling or "Postmark"))
        organization = Organization.create("Bakery", self.meta(tenant.id))
        self.run(tenant.id, lambda tx: self._connect(tx, organization, tenant.token, handling))
        return tenant

    def another_server(self, tenant: Tenant, *, token: str | None = None) -> Tenant:
        """The same organization, from now on through another server; `token`: one not ours."""
        moved = Tenant(tenant.id, token or self._server("Postmark"))

        def decide(tx: PostgresTransaction) -> None:
            self._connect(tx, tx.load(Organization, tenant.id), moved.token, "Postmark")

        self.run(tenant.id, decide)
        return moved

    def _connect(
        self, tx: PostgresTransaction, organization: Organization, token: str, handling: str | None
    ) -> None:
        meta = self.meta(organization.id)
        organization.connect_postmark(ConnectPostmark(token, "hook", "secret", b"\0" * 32), meta)
        if handling is not None:
            organization.record_registration(RecordRegistration("broadcast", "1", handling), meta)
        tx.save(organization)

    def _server(self, handling: str) -> str:
        answer = httpx.post(
            f"{self._url}/servers",
            json={"Name": f"Tenant {uuid4()}"},
            headers={"X-Postmark-Account-Token": ACCOUNT_TOKEN},
        )
        token = str(answer.json()["ApiTokens"][0])
        management = {"UnsubscribeHandlingType": handling}
        changed = httpx.patch(
            f"{self._url}/message-streams/broadcast",
            json={"SubscriptionManagementConfiguration": management},
            headers={"X-Postmark-Server-Token": token},
        )
        assert changed.status_code == 200, changed.text
        return token

    def contacts(
        self, tenant: Tenant, count: int, *, consent: ConsentStatus = "granted", at: str = "example"
    ) -> list[str]:
        """Contacts named p<n>@<at>.com; their ids."""
        ids = [uuid4() for _ in range(count)]
        for first in range(0, count, 300):
            part = list(enumerate(ids))[first : first + 300]
            self.run(tenant.id, partial(self._add, tenant, part, consent, at))
        return [str(identity) for identity in ids]

    def _add(
        self,
        tenant: Tenant,
        part: Sequence[tuple[int, UUID]],
        consent: ConsentStatus,
        at: str,
        tx: PostgresTransaction,
    ) -> None:
        mailable = PostgresMailable(tx)
        addresses = [EmailAddress.parse(f"p{number}@{at}.com") for number, _ in part]
        hashes = [self.core.hasher(address.normalised) for address in addresses]
        mailable.take(hashes)
        for (number, identity), address, address_hmac in zip(part, addresses, hashes, strict=True):
            details = ContactDetails.of(address.given, f"Pat{number}", attributes={"n": number})
            given = Consent(consent, "form", None)
            tx.save(Contact.add(identity, details, address_hmac, given, self.meta(tenant.id)))
            mailable.note(
                address_hmac,
                contact_id=str(identity),
                consent=consent,
                suppression=None,
                stream_id=str(identity),
            )

    def suppress(self, tenant: Tenant, contact_id: str, reason: SuppressionReason) -> None:
        def decide(tx: PostgresTransaction) -> None:
            contact = tx.load(Contact, UUID(contact_id))
            mailable = PostgresMailable(tx)
            mailable.take([contact.address_hmac])
            contact.suppress(Suppress(reason, "api"), self.meta(tenant.id))
            tx.save(contact)
            mailable.note(
                contact.address_hmac,
                contact_id=contact_id,
                consent="granted",
                suppression=reason,
                stream_id=contact_id,
            )

        self.run(tenant.id, decide)

    def campaign(
        self, tenant: Tenant, *, html: str = HTML, sender: str = "hello@bakery.example"
    ) -> str:
        """An approved campaign with a running run; its id."""
        campaign_id = uuid4()
        email = Email(1, 0, "Fresh bread, {{ first_name | default: 'friend' }}", "", html, TEXT)
        content = Content(
            "Bread", {"all": []}, (email,), Sender("Bäckerei, Rosa", sender, "1 Oak Street")
        )
        meta = self.meta(tenant.id)
        campaign = Campaign.draft(
            DraftCampaign(
                campaign_id, uuid4(), "win_back", uuid4(), content, workflow_graph(content)
            ),
            meta,
        )
        campaign.approve(campaign.content_hash, meta)
        campaign.start_sending(1, meta)

        def decide(tx: PostgresTransaction) -> None:
            tx.save(campaign)
            tx.connection.execute(
                "INSERT INTO state.runs (campaign_id, organization_id, workflow_id, state,"
                " orchestrator, content_hash, approval_position, workflow_version, steps,"
                " correlation_id, causation_id)"
                " VALUES (%s, %s, %s, 'running', 'built_in', %s, 1, 1, 1, %s, %s)",
                (campaign_id, tenant.id, uuid4(), campaign.content_hash, uuid4(), uuid4()),
            )

        self.run(tenant.id, decide)
        return str(campaign_id)

    def intend(self, tenant: Tenant, campaign_id: str, contacts: Iterable[str]) -> None:
        """A ledger row and its event for each contact."""
        ids = list(contacts)
        for first in range(0, len(ids), 900):
            rows = [(delivery_id(campaign_id, 1, c), c) for c in ids[first : first + 900]]
            self.run(tenant.id, partial(self._intend, tenant, campaign_id, rows, "campaign"))

    def _intend(
        self,
        tenant: Tenant,
        campaign_id: str,
        rows: Sequence[tuple[str, str]],
        kind: str,
        tx: PostgresTransaction,
    ) -> None:
        correlation = str(uuid4())
        tx.connection.execute(
            "INSERT INTO state.sends (delivery_id, organization_id, campaign_id, step, contact_id,"
            " kind, state, version, correlation_id)"
            " SELECT d, %s, %s, 1, c, %s, 'intended', 1, %s"
            " FROM unnest(%s::uuid[], %s::uuid[]) AS u (d, c)",
            (
                tenant.id,
                campaign_id,
                kind,
                correlation,
                [row[0] for row in rows],
                [row[1] for row in rows],
            ),
        )
        tx.connection.execute("NOTIFY nudge_sends")
        data = {"campaign_id": campaign_id, "step": 1, "kind": kind}
        tx.add(
            *(
                Draft(
                    "DeliveryIntended",
                    delivery,
                    1,
                    {**data, "contact_id": contact},
                    str(tenant.id),
                    "test",
                    correlation,
                    correlation,
                    datetime.now(UTC),
                )
                for delivery, contact in rows
            )
        )

    def test_send(self, tenant: Tenant, campaign_id: str, address: str) -> str:
        """Ask for a test mail; its delivery id."""
        reference, delivery = uuid4(), uuid4()

        def decide(tx: PostgresTransaction) -> None:
            campaign = tx.load(Campaign, UUID(campaign_id))
            command = RequestTest(delivery, reference, address)
            campaign.request_test(command, self.meta(tenant.id))
            tx.save(campaign)
            rows = [(str(delivery), str(reference))]
            self._intend(tenant, campaign_id, rows, "test", tx)

        self.run(tenant.id, decide)
        return str(delivery)

    def project_contacts(self) -> None:
        """Bring the contacts view up to the log."""
        self.project("contact-events")

    def project(self, topic: str) -> None:
        """Bring the views of a topic up to the log."""
        writer = ProjectionWriter(self.core.pool.connection, self.core.codec, self.core.keys)
        registry = default_registry()
        types = [t for t, of in registry.topic_of.items() if of == topic]
        rows = self.query(
            "SELECT position, stream_id, bytes FROM log.events WHERE type = ANY(%s)"
            " ORDER BY position",
            types,
        )
        records = [
            Record(topic, 0, position, stream.encode(), bytes(value),
                   {"position": str(position).encode()})
            for position, stream, value in rows
        ]  # fmt: skip
        for first in range(0, len(records), 1000):
            writer.handle(Batch(topic, 0, tuple(records[first : first + 1000])))

    def decide(
        self, organization_id: UUID, campaign_id: str, command: Callable[[Campaign, Meta], object]
    ) -> None:
        """A person's command, of which only the log knows: no reactions run here."""

        def change(tx: PostgresTransaction) -> None:
            campaign = tx.load(Campaign, UUID(campaign_id))
            command(campaign, self.meta(organization_id))
            tx.save(campaign)

        self.run(organization_id, change)

    # --- what became of it -----------------------------------------------------------------

    def states(self, campaign_id: str) -> Counter[str]:
        """Ledger rows by state."""
        rows = self.query(
            "SELECT state, count(*) FROM state.sends WHERE campaign_id = %s GROUP BY 1",
            campaign_id,
        )
        return Counter(dict(rows))

    def events(self, delivery: str) -> list[tuple[str, dict[str, Any]]]:
        """Type and data of a delivery's events, in order; versions without gaps."""
        rows = self.query(
            "SELECT bytes, position, version FROM log.events WHERE stream_id = %s ORDER BY version",
            delivery,
        )
        assert [row[2] for row in rows] == list(range(1, len(rows) + 1))
        decoded = self.core.codec.decode_batch([(bytes(v), p) for v, p, _ in rows], self.core.keys)
        return [(event.type, event.data) for event in decoded]

    def messages(self, tenant: Tenant) -> list[dict[str, Any]]:
        """What the sandbox accepted on the tenant's server."""
        answer = httpx.get(
            f"{self._url}/sandbox/messages", params={"server": tenant.token, "limit": 10_000}
        )
        found: list[dict[str, Any]] = answer.json()["messages"]
        return found

    def behave(self, **patch: Any) -> None:
        """Tell the sandbox how to behave."""
        answer = httpx.put(f"{self._url}/sandbox/behaviour", json=patch)
        assert answer.status_code == 200, answer.text

    def eventually(self, holds: Callable[[], bool], seconds: float = 120) -> None:
        """Wait until it holds; fails when it never does."""
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.05)

    def settled(self, campaign_id: str) -> bool:
        """Whether every delivery of the campaign has an outcome."""
        return not self.states(campaign_id).keys() & {"intended", "claimed", "ambiguous"}


BROADCAST = Route(2, "broadcast")
"""How a World's tenants send: connected by the second event of the organization."""
SHORT = {"send_lease": timedelta(seconds=2), "send_settling": timedelta(seconds=1)}
"""A lease and a settling time for tests: a lost batch is known after about five seconds."""
