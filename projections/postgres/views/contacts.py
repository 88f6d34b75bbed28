"""Contacts: people who may be mailed when consent allows, as screens and audiences see them.

Whether one may be mailed is decided elsewhere (`log.mailable`); this view only shows it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from projections.postgres.view import View, json_or, moment, moment_or_none, stream_id, text, texts
from schemas.codec import Event


class ContactRow(NamedTuple):
    """One contact. A deleted or erased one stays as an empty row: nothing can bring it back."""

    id: str
    organization_id: str
    address_hmac: bytes
    email: str
    first_name: str
    last_name: str
    timezone: str
    attributes: dict[str, Any]
    tags: list[str]
    consent_status: str
    consent_source: str
    consent_at: datetime | None
    suppression: str | None
    deleted: bool
    origin: str
    created_at: datetime
    updated_at: datetime
    position: int
    version: int


def fold(row: ContactRow | None, event: Event) -> ContactRow | None:
    """The contact after the event. A stream without a ContactAdded (an address that is no
    contact's) makes no row."""
    if row is None:
        return _added(event) if event.type == "ContactAdded" else None
    if event.position <= row.position:
        return row  # seen before
    data = event.data
    changed = row._replace(updated_at=moment(event), position=event.position, version=event.version)
    match event.type:
        case "ContactRevised":
            return changed._replace(address_hmac=data["address_hmac"], **_personal(event))
        case "ConsentRecorded":
            return changed._replace(
                consent_status=data["status"],
                consent_source=text(data["source"]),
                consent_at=moment_or_none(data["given_at"]),
            )
        case "AddressSuppressed":
            return changed._replace(suppression=data["reason"])
        case "AddressReactivated":
            return changed._replace(suppression=None)
        case "ContactDeleted":
            return changed._replace(**_NOBODY)
        case "ContactErased":
            return changed._replace(**_NOBODY | {"suppression": "erased"})
    return changed


_NOBODY: dict[str, Any] = {
    "deleted": True, "suppression": "deleted", "email": "", "first_name": "", "last_name": "",
    "timezone": "", "attributes": {}, "tags": [], "consent_source": "",
}  # fmt: skip


def _personal(event: Event) -> dict[str, Any]:
    data = event.data
    return {
        **texts(data, "email", "first_name", "last_name", "timezone"),
        "attributes": json_or(data["attributes"], {}),
        "tags": list(data["tags"]),
    }


def _added(event: Event) -> ContactRow:
    now = moment(event)
    return ContactRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        address_hmac=event.data["address_hmac"],
        consent_status="unknown",
        consent_source="",
        consent_at=None,
        suppression=None,
        deleted=False,
        origin=event.data["origin"],
        created_at=now,
        updated_at=now,
        position=event.position,
        version=event.version,
        **_personal(event),
    )


VIEW = View(
    name="contacts",
    row=ContactRow,
    events=frozenset(
        {
            "ContactAdded", "ContactRevised", "ContactDeleted", "ContactErased", "ConsentRecorded",
            "AddressSuppressed", "AddressReactivated",
        }
    ),
    key_of=stream_id,
    fold=fold,
)  # fmt: skip
