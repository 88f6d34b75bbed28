"""New organizations: what each one begins with, and its server at the provider."""

from __future__ import annotations

import hashlib
import secrets
import uuid
from typing import Final
from uuid import UUID

import httpx

from domain.organization.aggregate import Organization
from domain.organization.business import Business
from domain.organization.commands import ConnectPostmark, IssueApiKey, Profile
from domain.shared.meta import Meta
from infra.local.sandbox import ACCOUNT_TOKEN
from infra.settings import Settings
from infra.transactions import PostgresTransaction

OWN_SERVER: Final = "NudgeCampaign"
"""The sandbox's server for the product's own mails."""


def found(
    tx: PostgresTransaction,
    name: str,
    meta: Meta,
    *,
    sandbox: bool,
    key: IssueApiKey | None = None,
    connect: ConnectPostmark | None = None,
) -> UUID:
    """The organization of `meta` with a default business, whose id comes back.

    `sandbox`: the business has a sender that only the sandbox knows; else its owner says who sends.
    """
    organization = Organization.create(name, meta)
    if key is not None:
        organization.issue_api_key(key, meta)
    if connect is not None:
        organization.connect_postmark(connect, meta)
    business_id = uuid.uuid4()
    profile = _sandboxed(name, meta.organization_id) if sandbox else Profile(name=name)
    tx.save(organization, Business.add(business_id, profile, meta))
    return business_id


def _sandboxed(name: str, organization_id: UUID) -> Profile:
    return Profile(
        name=name,
        sender_name=name,
        sender_email=f"hello@{organization_id.hex[:12]}.example.com",
        postal_address="1 Sandbox Street, 00000 Testville",
    )


def server_token(
    settings: Settings, postmark_url: str, name: str, organization_id: UUID
) -> str | None:
    """A server of its own in the sandbox, or the configured one; None when none is configured.

    Raises httpx.HTTPError when the sandbox gives none.
    """
    if settings.postmark_url is None:
        return sandbox_server(postmark_url, f"{name[:150]} {organization_id}")
    given = settings.postmark_server_token
    return given.get_secret_value() if given else None


def connection(token: str) -> ConnectPostmark:
    """A connection to the server of this token, with fresh webhook credentials."""
    password = secrets.token_urlsafe(32)
    return ConnectPostmark(
        server_token=token,
        webhook_username=f"nudge-{secrets.token_hex(8)}",
        webhook_password=password,
        webhook_password_hash=hashlib.sha256(password.encode()).digest(),
    )


def sandbox_server(url: str, name: str) -> str:
    """The token of the sandbox's server with this name, which is made when there is none."""
    headers = {"X-Postmark-Account-Token": ACCOUNT_TOKEN}
    with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
        known = client.get("/servers", params={"name": name}).raise_for_status().json()
        for server in known["Servers"]:
            if server["Name"] == name:
                return str(server["ApiTokens"][0])
        made = client.post("/servers", json={"Name": name}).raise_for_status()
        return str(made.json()["ApiTokens"][0])
