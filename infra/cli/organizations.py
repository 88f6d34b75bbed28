"""Commands for operators: organizations made, and how much they may have."""

from __future__ import annotations

import hashlib
import json
import secrets
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated

import httpx
import typer
from rich.console import Console

from domain.organization.commands import IssueApiKey
from domain.shared.meta import Meta
from infra.bootstrap import Core
from infra.cli import leaving
from infra.cli.quota import quota
from infra.founding import connection, found, server_token
from infra.settings import Settings, SettingsError, load_settings

_console = Console()
organizations = typer.Typer(help="Organizations.", no_args_is_help=True)
organizations.command("quota")(quota)
leaving.register(organizations)
_VISIBLE = """
    SELECT p.failure, EXISTS (SELECT 1 FROM views.api_keys k WHERE k.organization_id = o.id)
        AND EXISTS (SELECT 1 FROM views.businesses b WHERE b.organization_id = o.id)
        AND p.handling ?& array[p.broadcast_stream, p.transactional_stream]
    FROM views.organizations o JOIN views.postmark_connections p ON p.organization_id = o.id
    WHERE o.id = %s
"""


class NotReadyError(Exception):
    """The organization was made, but something it needs is not there; the message says what."""


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


def create_organization(settings: Settings, name: str, patience: float = 60.0) -> NewOrganization:
    """A new organization with an API key, a default business and a Postmark server.

    Returns once both webhooks are registered and the read models have it all. Raises
    NotReadyError after `patience` seconds, SettingsError, or httpx.HTTPError when the sandbox
    makes no server.
    """
    core = Core.of(settings, "cli")
    organization_id, request = uuid.uuid4(), uuid.uuid4()
    meta = Meta(organization_id, "operator:cli", request, request, datetime.now(UTC))
    api_key, issue = new_api_key()
    token = server_token(settings, core.addresses.postmark_url, name, organization_id)
    if token is None:
        raise SettingsError("NUDGE_POSTMARK_SERVER_TOKEN: needed because NUDGE_POSTMARK_URL is set")
    connect = connection(token)
    try:
        business_id, _ = core.commands.run(
            organization_id,
            lambda tx: found(tx, name, meta, sandbox=True, key=issue, connect=connect),
        )
        _wait_until_ready(core, organization_id, patience)
    finally:
        core.pool.close()
    return NewOrganization(
        str(organization_id),
        str(business_id),
        api_key,
        connect.webhook_username,
        connect.webhook_password,
    )


def _wait_until_ready(core: Core, organization_id: uuid.UUID, patience: float) -> None:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        with core.pool.connection() as connection:
            row = connection.execute(_VISIBLE, (organization_id,)).fetchone()
        failure, ready = row or (None, False)
        if failure:
            raise NotReadyError(f"Postmark refused the webhooks: {failure}")
        if ready:
            return
        time.sleep(0.05)
    raise NotReadyError(
        f"Organization {organization_id} was made, but its webhooks or read models are not ready"
        f" after {patience:.0f} s: see `nudge status`."
    )


@organizations.command("create")
def create(
    name: Annotated[str, typer.Option(help="What it is called.")],
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Create an organization with its first API key, a default business and a Postmark server."""
    try:
        made = create_organization(load_settings(), name)
    except (NotReadyError, SettingsError, httpx.HTTPError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps(asdict(made)))
        return
    _console.print(f"organization {made.organization_id}\nbusiness     {made.business_id}")
    _console.print(f"API key      {made.api_key}  (shown this once)")
    _console.print(f"webhooks     {made.webhook_username} {made.webhook_password}")
