"""Commands for operators: new organizations."""

from __future__ import annotations

import hashlib
import json
import secrets
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console

from domain.organization.aggregate import Organization
from domain.organization.business import Business
from domain.organization.commands import IssueApiKey, Profile
from domain.shared.meta import Meta
from infra.bootstrap import Core
from infra.settings import Settings, load_settings
from infra.transactions import PostgresTransaction

_console = Console()
organizations = typer.Typer(help="Organizations.", no_args_is_help=True)


@dataclass(frozen=True)
class NewOrganization:
    """What its owner needs; the secrets are shown this once."""

    organization_id: str
    business_id: str
    api_key: str
    webhook_username: str
    webhook_password: str


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.add_typer(organizations, name="org")


def new_api_key() -> tuple[str, IssueApiKey]:
    """A fresh secret (256 bits) and the command that makes it valid."""
    secret = f"nk_{secrets.token_urlsafe(32)}"
    hashed = hashlib.sha256(secret.encode()).digest()
    return secret, IssueApiKey(uuid.uuid4(), hashed, secret[:10])


def create_organization(settings: Settings, name: str) -> NewOrganization:
    """A new organization with an API key and a default business."""
    core = Core.of(settings, "cli")
    organization_id, business_id, request = uuid.uuid4(), uuid.uuid4(), uuid.uuid4()
    meta = Meta(organization_id, "operator:cli", request, request, datetime.now(UTC))
    api_key, issue = new_api_key()

    def decide(tx: PostgresTransaction) -> None:
        organization = Organization.create(name, meta)
        organization.issue_api_key(issue, meta)
        sender = f"hello@{organization_id.hex[:12]}.example.com"
        profile = Profile(
            name=name,
            sender_name=name,
            sender_email=sender,
            postal_address="1 Sandbox Street, 00000 Testville",
        )
        tx.save(organization, Business.add(business_id, profile, meta))

    core.commands.run(organization_id, decide)
    core.pool.close()
    return NewOrganization(str(organization_id), str(business_id), api_key, "", "")


@organizations.command("create")
def create(
    name: Annotated[str, typer.Option(help="What it is called.")],
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Create an organization with its first API key and a default business."""
    made = create_organization(load_settings(), name)
    if as_json:
        typer.echo(json.dumps(asdict(made)))
        return
    _console.print(f"organization {made.organization_id}\nbusiness     {made.business_id}")
    _console.print(f"API key      {made.api_key}  (shown this once)")
