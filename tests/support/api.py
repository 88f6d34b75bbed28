"""The API over a database of its own, with an organization, its key and views kept by hand."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, cast

import httpx
from fastapi.testclient import TestClient

from api.app import build_app
from domain.organization.aggregate import Organization
from domain.organization.business import Business
from domain.organization.commands import Profile
from domain.shared.meta import Meta
from infra.bootstrap import Core
from infra.cli.organizations import new_api_key
from infra.people.wiring import token_keys
from infra.postgres import make_pool
from infra.transactions import PostgresTransaction
from infra.web import api_services
from projections.batch import Batch, Record
from projections.postgres.writer import ProjectionWriter
from schemas.topics import all_topics, partition_of
from tests.conftest import Database
from tests.support.services import Services

PROFILE = Profile(
    name="Rosa's Bakery",
    timezone="Europe/Vienna",
    sender_name="Rosa",
    sender_email="rosa@bakery.example",
    postal_address="Mill Lane 3, 1010 Vienna",
)


@dataclass(frozen=True)
class Tenant:
    """An organization with a business and a key."""

    organization_id: str
    business_id: str
    api_key: str


@dataclass
class Api:
    """An HTTP client of one tenant; what a command appended is in the views when it returns."""

    client: TestClient
    core: Core
    worker: Core
    writer: ProjectionWriter
    tenant: Tenant
    _seen: int = 0
    _offsets: dict[tuple[str, int], int] = field(default_factory=dict)

    def request(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, **more: Any
    ) -> httpx.Response:
        """One request as the tenant (or with another key); afterwards the views are up to date."""
        headers = {
            "Authorization": f"Bearer {key or self.tenant.api_key}",
            **more.pop("headers", {}),
        }
        if body is not None:  # escaped, so that a test can send what is no valid Unicode
            more["content"] = json.dumps(body)
            headers["Content-Type"] = "application/json"
        response = self.client.request(method, path, headers=headers, **more)
        self.project()
        return cast("httpx.Response", response)

    def post(self, path: str, body: Any = None, **more: Any) -> httpx.Response:
        return self.request("POST", path, body, **more)

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def delete(self, path: str, **more: Any) -> httpx.Response:
        return self.request("DELETE", path, **more)

    def patch(self, path: str, body: Any, **more: Any) -> httpx.Response:
        return self.request("PATCH", path, body, **more)

    def project(self) -> None:
        """What the relay and the projections would do with everything new in the log."""
        with self.worker.pool.connection() as connection:
            rows = connection.execute(
                "SELECT position, stream_id, type, bytes FROM log.events"
                " WHERE position > %s ORDER BY position",
                (self._seen,),
            ).fetchall()
        batches: dict[tuple[str, int], list[Record]] = {}
        for position, stream_id, event_type, value in rows:
            topic = self.core.codec.registry.topic_of[event_type]
            partition = topic, partition_of(str(stream_id), all_topics()[topic].partitions)
            offset = self._offsets.get(partition, 0)
            self._offsets[partition] = offset + 1
            headers = {"position": str(position).encode()}
            batches.setdefault(partition, []).append(
                Record(*partition, offset, str(stream_id).encode(), bytes(value), headers)
            )
            self._seen = position
        for partition, records in batches.items():
            self.writer.handle(Batch(*partition, tuple(records)))

    def new_tenant(self, profile: Profile = PROFILE) -> Tenant:
        """Another organization."""
        made = make_tenant(self.worker, profile)
        self.project()
        return made

    def key(self, *permissions: str, made_by: str = "operator:test") -> str:
        """Another key of the tenant, which may do just this."""
        secret, issue = new_api_key()
        organization = uuid.UUID(self.tenant.organization_id)
        request = uuid.uuid4()
        meta = Meta(organization, made_by, request, request, datetime.now(UTC))

        def decide(tx: PostgresTransaction) -> None:
            found = tx.load(Organization, organization)
            found.issue_api_key(replace(issue, scopes=permissions), meta)
            tx.save(found)

        self.worker.commands.run(organization, decide)
        self.project()
        return secret

    def contact(self, email: str, consent: str = "granted", **fields: Any) -> str:
        """A contact's id."""
        given = {"status": consent, "source": "form"}
        made = self.post("/v1/contacts", {"email": email, "consent": given, **fields})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

    def campaign(self, **changes: Any) -> dict[str, Any]:
        """A drafted campaign, as the API answers it."""
        made = self.post("/v1/campaigns", campaign_body(self.tenant.business_id, **changes))
        assert made.status_code == 201, made.text
        shown: dict[str, Any] = made.json()
        return shown

    def append(self, *drafts: Any) -> None:
        """Events that workers would append."""
        organization = uuid.UUID(self.tenant.organization_id)

        def decide(tx: PostgresTransaction) -> None:
            tx.add(*drafts)

        self.worker.commands.run(organization, decide)
        self.project()


HTML = "<html><body><p>Hi {{ first_name | default: 'there' }}, we miss you.</p></body></html>"


def campaign_body(business: str, **changes: Any) -> dict[str, Any]:
    """What is posted to draft a campaign."""
    return {
        "business_id": business,
        "type": "win_back",
        "audience": {"conditions": {"all": []}},
        "emails": [{"subject": "We saved you a seat", "html": HTML}],
        **changes,
    }


def make_tenant(core: Core, profile: Profile) -> Tenant:
    """An organization, made as an operator does."""
    organization_id, business_id, request = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    meta = Meta(organization_id, "operator:test", request, request, datetime.now(UTC))
    api_key, issue = new_api_key()

    def decide(tx: PostgresTransaction) -> None:
        organization = Organization.create("Rosa", meta)
        organization.issue_api_key(issue, meta)
        tx.save(organization, Business.add(business_id, profile, meta))

    core.commands.run(organization_id, decide)
    return Tenant(str(organization_id), str(business_id), api_key)


@contextmanager
def running_api(
    stack: Services,
    database: Database,
    changes: Mapping[str, Any] | None = None,
    **settings: Any,
) -> Iterator[Api]:
    """The application over this database; `changes` are other addresses, such as a dead store's.

    `settings` are other settings than the stack's.
    """
    addresses = replace(
        stack.addresses,
        postgres_owner_url=database.owner_url,
        postgres_worker_url=database.worker_url,
        postgres_api_url=database.api_url,
        **(changes or {}),
    )
    core = Core(stack.settings.model_copy(update=settings), addresses, "api")
    worker = Core(stack.settings, addresses, "worker")
    pool = make_pool(database.worker_url, size=2, application="projections")
    writer = ProjectionWriter(pool.connection, worker.codec, worker.keys)
    tenant = make_tenant(worker, PROFILE)
    with worker.pool.connection() as connection:
        token_keys(worker).rotate(connection)
    client = TestClient(build_app(api_services(core)), raise_server_exceptions=False)
    api = Api(client, core, worker, writer, tenant)
    api.project()
    try:
        yield api
    finally:
        client.close()
        for each in (pool, core.pool, worker.pool):
            each.close()
