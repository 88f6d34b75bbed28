"""`nudge org quota`: how many contacts an organization may have, and sends a month."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from domain.organization.aggregate import Organization
from domain.organization.quotas import Quota, month_of
from domain.shared.errors import DomainError
from domain.shared.meta import Meta
from infra.bootstrap import Core
from infra.quotas import set_quota
from infra.settings import SettingsError, load_settings
from infra.transactions import PostgresTransaction
from projections.queries.organizations import get_usage

UNLIMITED: Final = "unlimited"
_console = Console()
Most = Annotated[
    str | None, typer.Option(metavar="NUMBER|unlimited", help="Left as it is if not given.")
]


@dataclass(frozen=True)
class Usage:
    """What is allowed (None: any number) and what is used."""

    contacts: tuple[int | None, int]
    sends: tuple[int | None, int]
    month: str

    def as_json(self) -> dict[str, Any]:
        """Plain data, as GET /v1/organization has it."""
        return {
            "contacts": {"limit": self.contacts[0], "used": self.contacts[1]},
            "sends": {"limit": self.sends[0], "used": self.sends[1], "month": self.month},
        }


def quota(
    organization: Annotated[uuid.UUID, typer.Argument(help="Id of the organization.")],
    contacts: Most = None,
    sends: Most = None,
    as_json: Annotated[bool, typer.Option("--json", help="Machine-readable output.")] = False,
) -> None:
    """Show an organization's quota, or set it: contacts, and campaign sends a calendar month."""
    try:
        core = Core.of(load_settings(), "cli")
        try:
            usage = change_quota(core, organization, contacts, sends)
        finally:
            core.pool.close()
    except (DomainError, SettingsError) as error:
        typer.echo(f"{error}", err=True)
        raise typer.Exit(1) from None
    if as_json:
        typer.echo(json.dumps({"organization_id": str(organization), **usage.as_json()}))
        return
    _console.print(
        f"contacts {_shown(*usage.contacts)}\nsends    {_shown(*usage.sends)} in {usage.month}"
    )


def change_quota(
    core: Core, organization_id: uuid.UUID, contacts: str | None, sends: str | None
) -> Usage:
    """Set what is given, in force at once; the quota and its use afterwards. Raises DomainError."""

    def decide(tx: PostgresTransaction) -> Usage:
        organization = tx.load(Organization, organization_id)
        now, request = _now(tx), uuid.uuid4()
        if contacts is not None or sends is not None:
            wanted = Quota(
                _number(contacts, organization.quota.contacts),
                _number(sends, organization.quota.sends_a_month),
            )
            organization.set_quota(
                wanted, Meta(organization_id, "operator:cli", request, request, now)
            )
            set_quota(tx.connection, str(organization_id), wanted)
            tx.save(organization)
        return _usage(tx, organization_id, now)

    return core.commands.run(organization_id, decide)[0]


def _usage(tx: PostgresTransaction, organization_id: uuid.UUID, now: datetime) -> Usage:
    month = month_of(now)
    row = get_usage(tx.connection, str(organization_id), month)
    return Usage(
        (row["contacts_limit"], row["contacts_used"]),
        (row["sends_limit"], row["sends_used"]),
        f"{month:%Y-%m}",
    )


def _now(tx: PostgresTransaction) -> datetime:
    """The time by which months are counted: moved ahead on a development stack."""
    row = tx.connection.execute("SELECT now() + ahead FROM state.clock").fetchone()
    moment: datetime = row[0] if row else datetime.now(UTC)
    return moment.astimezone(UTC)


def _number(given: str | None, otherwise: int | None) -> int | None:
    if given is None:
        return otherwise
    if given == UNLIMITED:
        return None
    if not given.isdigit():
        raise typer.BadParameter(f"{given!r} is neither a number nor {UNLIMITED!r}")
    return int(given)


def _shown(limit: int | None, used: int) -> str:
    return f"{used:,} of {UNLIMITED if limit is None else format(limit, ',')}"
