"""Organizations: the tenants, and which contact attribute plays which part."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment, text
from schemas.codec import Event


class OrganizationRow(NamedTuple):
    """One organization."""

    id: str
    organization_id: str
    name: str
    last_purchase_attribute: str | None
    second_approver_above: int | None
    created_at: datetime
    updated_at: datetime
    position: int
    version: int


def fold(row: OrganizationRow | None, event: Event) -> OrganizationRow | None:
    """The organization after the event."""
    if row is None:
        return _created(event) if event.type == "OrganizationCreated" else None
    if event.position <= row.position:
        return row  # seen before
    changed = row._replace(updated_at=moment(event), position=event.position, version=event.version)
    match event.type:
        case "OrganizationRenamed":
            return changed._replace(name=text(event.data["name"]))
        case "AttributeRoleAssigned" if event.data["role"] == "last_purchase_at":
            return changed._replace(last_purchase_attribute=text(event.data["attribute"]) or None)
        case "ApprovalRuleSet":
            return changed._replace(second_approver_above=event.data["second_approver_above"])
    return changed


def _created(event: Event) -> OrganizationRow:
    now = moment(event)
    return OrganizationRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        name=text(event.data["name"]),
        last_purchase_attribute=None,
        second_approver_above=None,
        created_at=now,
        updated_at=now,
        position=event.position,
        version=event.version,
    )


def _key(event: Event) -> str:
    return event.organization_id


VIEW = View(
    name="organizations",
    row=OrganizationRow,
    events=frozenset(
        {
            "OrganizationCreated", "OrganizationRenamed", "AttributeRoleAssigned",
            "ApprovalRuleSet",
        }
    ),
    key_of=_key,
    fold=fold,
)  # fmt: skip
