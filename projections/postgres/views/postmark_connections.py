"""Postmark connections: how an organization sends, without its secrets."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment, text
from schemas.codec import Event


class PostmarkConnectionRow(NamedTuple):
    """The newest connection of one organization.

    `handling` says by message stream who makes the unsubscribe link (None, Postmark, Custom) and
    has an entry once the stream's webhook is registered; `failure` says why one is not. `earlier`
    are the webhook credentials of connections that were replaced, by user name, the password's
    hash in hex: their servers still tell what becomes of the mails that went through them.
    """

    organization_id: str
    broadcast_stream: str
    transactional_stream: str
    webhook_username: str
    webhook_password_hash: bytes
    handling: dict[str, str]
    failure: str | None
    earlier: dict[str, str]
    updated_at: datetime
    position: int
    version: int


def fold(row: PostmarkConnectionRow | None, event: Event) -> PostmarkConnectionRow | None:
    """The connection after the event."""
    if row is not None and event.position <= row.position:
        return row  # seen before
    data = event.data
    match event.type:
        case "PostmarkConnected":
            return PostmarkConnectionRow(
                organization_id=event.organization_id,
                broadcast_stream=data["broadcast_stream"],
                transactional_stream=data["transactional_stream"],
                webhook_username=data["webhook_username"],
                webhook_password_hash=data["webhook_password_hash"],
                handling={},
                failure=None,
                earlier=_earlier(row),
                updated_at=moment(event),
                position=event.position,
                version=event.version,
            )
        case "WebhookRegistered" if row:
            handling = {**row.handling, data["message_stream"]: data["unsubscribe_handling"]}
            return _changed(row, event)._replace(handling=handling, failure=None)
        case "WebhookRegistrationFailed" if row:
            detail = text(data["detail"])
            failure = f"{data['reason']}: {detail}" if detail else data["reason"]
            return _changed(row, event)._replace(failure=failure)
    return row


def _earlier(row: PostmarkConnectionRow | None) -> dict[str, str]:
    if row is None:
        return {}
    return {**row.earlier, row.webhook_username: row.webhook_password_hash.hex()}


def _changed(row: PostmarkConnectionRow, event: Event) -> PostmarkConnectionRow:
    return row._replace(updated_at=moment(event), position=event.position, version=event.version)


def _key(event: Event) -> str:
    return event.organization_id


VIEW = View(
    name="postmark_connections",
    row=PostmarkConnectionRow,
    events=frozenset({"PostmarkConnected", "WebhookRegistered", "WebhookRegistrationFailed"}),
    key_of=_key,
    fold=fold,
    key="organization_id",
)
