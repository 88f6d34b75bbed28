"""The JSON of one webhook and of a bounce in the API, field by field as Postmark writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from infra.local.sandbox.clients import CLIENTS, PLACES

_BOUNCES: dict[str, tuple[int, str, str]] = {
    "HardBounce": (1, "Hard bounce", "The server was unable to deliver your message."),
    "Transient": (2, "Message delayed", "The server could not temporarily deliver your message."),
    "Unsubscribe": (16, "Unsubscribe request", "Unsubscribe or Remove request."),
    "Subscribe": (32, "Subscribe request", "Subscribe request from someone wanting to be added."),
    "AutoResponder": (64, "Auto responder", "Automatic email responder."),
    "SoftBounce": (4096, "Soft bounce", "Unable to temporarily deliver message."),
    "SpamComplaint": (100001, "Spam complaint", "The subscriber explicitly marked this as spam."),
    "Blocked": (100006, "ISP block", "Blocked from this ISP due to content or blacklisting."),
}
_SMTP = {
    "HardBounce": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
    "SoftBounce": "smtp;452 4.2.2 The email account that you tried to reach is over quota.",
    "Blocked": "smtp;554 5.7.1 The message was rejected by the receiving server's policy.",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """An event that happened, joined with its message (`message_id` None: done by hand)."""

    id: int
    server_id: int
    stream: str
    recipient: str
    record_type: str
    at: float
    details: dict[str, Any]
    message_id: str | None = None
    sender: str = ""
    subject: str = ""
    tag: str = ""
    metadata: bytes = b"{}"


def timestamp(at: float) -> str:
    """Seconds since 1970 as Postmark writes times, in UTC."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


def webhook_body(happening: Happening) -> bytes:
    """The body of the POST that tells of it."""
    h = happening
    common = {"RecordType": h.record_type, "MessageStream": h.stream, "MessageID": h.message_id}
    match h.record_type:
        case "Delivery":
            fields = {
                "ServerID": h.server_id,
                "Recipient": h.recipient,
                "Tag": h.tag,
                "DeliveredAt": timestamp(h.at),
                "Details": "smtp;250 2.0.0 OK",
            }
        case "Bounce" | "SpamComplaint":
            fields = bounce_fields(h)
        case "Open":
            fields = {"FirstOpen": h.details["FirstOpen"], "ServerID": h.server_id, **_read(h)}
        case "Click":
            fields = {
                "ClickLocation": h.details["ClickLocation"],
                "OriginalLink": h.details["OriginalLink"],
                **_read(h),
            }
        case _:
            fields = {
                "ServerID": h.server_id,
                "ChangedAt": timestamp(h.at),
                "Recipient": h.recipient,
                "Origin": h.details["Origin"],
                "SuppressSending": h.details["SuppressSending"],
                "SuppressionReason": h.details["SuppressionReason"],
                "Tag": h.tag,
            }
    return orjson.dumps({**common, **fields, "Metadata": orjson.Fragment(h.metadata)})


def bounce_fields(h: Happening) -> dict[str, Any]:
    """A bounce or spam complaint as its webhook and `GET /bounces` show it, Metadata left out."""
    kind = h.details["Type"]
    code, name, description = _BOUNCES[kind]
    return {
        "RecordType": h.record_type,
        "ID": h.id,
        "Type": kind,
        "TypeCode": code,
        "Name": name,
        "Tag": h.tag,
        "MessageID": h.message_id,
        "ServerID": h.server_id,
        "MessageStream": h.stream,
        "Description": description,
        "Details": _SMTP.get(kind, f"action: {kind}"),
        "Email": h.recipient,
        "From": h.sender,
        "BouncedAt": timestamp(h.at),
        "DumpAvailable": False,
        "Inactive": kind in ("HardBounce", "SpamComplaint"),
        "CanActivate": kind != "SpamComplaint",
        "Subject": h.subject,
    }


def read_record(h: Happening) -> dict[str, Any]:
    """An open or click as the API lists it: the webhook's fields without Metadata."""
    record: dict[str, Any] = orjson.loads(webhook_body(h))
    del record["Metadata"]
    return record


def _read(h: Happening) -> dict[str, Any]:
    client = CLIENTS[h.details["client"]]
    return {
        "Recipient": h.recipient,
        "Tag": h.tag,
        "ReceivedAt": timestamp(h.at),
        "Platform": client.platform,
        "Client": client.client,
        "OS": client.os,
        "UserAgent": client.user_agent,
        "Geo": PLACES[h.details["place"]],
    }
