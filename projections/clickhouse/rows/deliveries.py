"""Table `deliveries`: one row per event of a delivery of a campaign.

Test mails (`kind` is `test`) are left out, so that they disturb no metric; they stay in `events`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from domain.delivery.decisions import GIVEN_UP
from projections.clickhouse.rows.fields import Row, seconds
from projections.postgres.views.deliveries import NOT_UNSUBSCRIBED
from schemas.codec import Event

TABLE: Final = "deliveries"
TOPIC: Final = "delivery-events"
COLUMNS: Final = (
    "position", "event_id", "organization_id", "campaign_id", "delivery_id", "step", "contact_id",
    "event", "reason", "mailbox_provider", "occurred_at", "agent", "observed_at",
)  # fmt: skip

Data = Mapping[str, Any]


def _nothing(_data: Data) -> str:
    return ""


def _reason(data: Data) -> str:
    return str(data["reason"])


# Event type -> the name in column `event` and what stands in column `reason`.
NAMES: Final[Mapping[str, tuple[str, Callable[[Data], str]]]] = {
    "DeliveryIntended": ("intended", _nothing),
    "DeliveryClaimed": ("claimed", _nothing),
    "DeliveryReturned": ("returned", _reason),
    "DeliveryWithheld": ("withheld", _reason),
    "DeliveryAccepted": ("accepted", _nothing),
    "DeliveryRefused": ("refused", lambda data: str(data["error_code"])),
    "DeliveryAmbiguous": ("ambiguous", _reason),
    "DeliveryHeld": ("held", _nothing),
    "DeliveryReleased": ("returned", lambda _: "released"),
    "DeliveryClosed": ("withheld", lambda _: GIVEN_UP),
    "Delivered": ("delivered", _nothing),
    "Opened": ("opened", _nothing),
    "Clicked": ("clicked", _nothing),
    "Bounced": ("bounced", lambda data: str(data["bounce_type"])),
    "Complained": ("complained", _nothing),
}


def row(event: Event) -> Row | None:
    """The row, or None for a test mail's event and for a type that is no delivery's."""
    data = event.data
    if data.get("kind") != "campaign":
        return None
    name, reason = _name_and_reason(event)
    return (
        event.position,
        event.event_id,
        event.organization_id,
        data["campaign_id"],
        event.stream_id,
        data["step"],
        data["contact_id"],
        name,
        reason,
        data.get("mailbox_provider") or "",
        seconds(event.occurred_at),
        data.get("agent") or "",
        seconds(data.get("at") or event.occurred_at),
    )


def _name_and_reason(event: Event) -> tuple[str, str]:
    if event.type == "SubscriptionChanged":
        return _subscription(event.data), _reason(event.data)
    name, reason = NAMES[event.type]
    return name, reason(event.data)


def _subscription(data: Data) -> str:
    if not data["suppress"]:
        return "resubscribed"
    return "suppressed" if data["reason"] in NOT_UNSUBSCRIBED else "unsubscribed"


def ids(event: Event) -> tuple[str, ...]:
    """What must be a UUID, beside the ids of every event."""
    data = event.data
    return (data["campaign_id"], data["contact_id"]) if data.get("kind") == "campaign" else ()
