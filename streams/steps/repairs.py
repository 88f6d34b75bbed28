"""Webhooks made from what the provider's API tells, so that their keys are equal. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from streams.steps.webhooks import parsed_time

Record = Mapping[str, Any]


def of_read(kind: str, record: Record) -> bytes:
    """The webhook of an entry in a list of opens or clicks, which has the webhook's fields."""
    return orjson.dumps({**record, "RecordType": kind})


def of_bounce(bounce: Record) -> bytes:
    """The webhook of an entry in the list of bounces; a complaint is a kind of its own there."""
    kind = "SpamComplaint" if bounce.get("Type") == "SpamComplaint" else "Bounce"
    return orjson.dumps({**bounce, "RecordType": kind})


def of_suppression(stream: str, entry: Record) -> bytes:
    """The webhook of an entry in a stream's suppression dump, which names no message."""
    return orjson.dumps(
        {
            "RecordType": "SubscriptionChange",
            "MessageID": None,
            "MessageStream": stream,
            "ChangedAt": entry.get("CreatedAt"),
            "Recipient": entry.get("EmailAddress"),
            "Origin": entry.get("Origin"),
            "SuppressSending": True,
            "SuppressionReason": entry.get("SuppressionReason"),
        }
    )


def of_events(details: Record, suppressions: Iterable[Record] = ()) -> list[bytes]:
    """The webhooks of deliveries and changed subscriptions among a message's MessageEvents.

    `suppressions` (entries of the stream's dump) tell why somebody was suppressed, which the
    events do not; without one, a bounce or complaint at the same second is the reason.
    """
    bodies = []
    reasons = {_second(e, "EmailAddress", "CreatedAt"): e for e in suppressions}
    for event in details.get("MessageEvents") or []:
        common = {
            "MessageID": details.get("MessageID"),
            "MessageStream": details.get("MessageStream"),
            "Tag": details.get("Tag"),
            "Metadata": details.get("Metadata") or {},
            "Recipient": event.get("Recipient"),
        }
        match event.get("Type"):
            case "Delivered":
                bodies.append(orjson.dumps(
                    {**common, "RecordType": "Delivery", "DeliveredAt": event.get("ReceivedAt")}
                ))  # fmt: skip
            case "SubscriptionChanged":
                entry = reasons.get(_second(event, "Recipient", "ReceivedAt"))
                bodies.append(orjson.dumps({**common, **_changed(details, event, entry)}))
    return bodies


def _changed(details: Record, event: Record, entry: Record | None) -> Record:
    told = event.get("Details") or {}
    suppress = str(told.get("SuppressSending")).lower() == "true"
    reason = (entry or {}).get("SuppressionReason") or _why(details, event)
    return {
        "RecordType": "SubscriptionChange",
        "ChangedAt": event.get("ReceivedAt"),
        "Origin": told.get("Origin"),
        "SuppressSending": suppress,
        "SuppressionReason": reason if suppress else None,
    }


def _why(details: Record, event: Record) -> str:
    """What happened to the same person in the same second, if it is a reason."""
    place = _second(event, "Recipient", "ReceivedAt")
    for other in details.get("MessageEvents") or []:
        if other.get("Type") == "Bounced" and _second(other, "Recipient", "ReceivedAt") == place:
            summary = str((other.get("Details") or {}).get("Summary", ""))
            return "SpamComplaint" if "spam complaint" in summary.lower() else "HardBounce"
    return "ManualSuppression"


def _second(record: Record, address: str, time: str) -> tuple[str, int | None]:
    at = parsed_time(record.get(time))
    return str(record.get(address)).lower(), int(at.timestamp()) if at else None
