"""Deliveries: one e-mail to one contact, from its intention to whatever came back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, NamedTuple

from domain.delivery.decisions import GIVEN_UP
from domain.delivery.reading import MOST_JUDGED, VERSION, Reading, judge
from projections.postgres.view import View, moment, stream_id
from schemas.codec import Event, to_datetime, to_micros


class DeliveryRow(NamedTuple):
    """One delivery. `state` is what a person is told; the flags say what ever happened to it.

    What webhooks tell may come in any order, so it only raises flags and counts, and `state` is
    the furthest of them: complained, bounced, delivered, else where the sending stands.

    `readings` are the earliest opens and clicks, each as `<microseconds> <event> <agent>`, in that
    order, whatever order they came in; of them so many are machines', by the rule `judged_by`
    (0: nothing was judged yet).
    """

    id: str
    organization_id: str
    campaign_id: str
    step: int
    contact_id: str
    kind: str
    state: str
    withheld_reason: str | None
    message_id: str | None
    mailbox_provider: str | None
    accepted: bool
    refused: bool
    delivered: bool
    opened: int
    clicked: int
    bounced: bool
    complained: bool
    unsubscribed: bool
    delivered_at: datetime | None
    readings: list[str] | None
    opened_by_machine: int
    clicked_by_machine: int
    judged_by: int
    intended_at: datetime
    updated_at: datetime
    position: int
    version: int


# A suppression for one of these reasons follows from a bounce or a complaint that is counted as
# such: the person did not unsubscribe.
NOT_UNSUBSCRIBED = frozenset({"HardBounce", "SpamComplaint"})
_RANK = {"delivered": 1, "bounced": 2, "complained": 3}


def fold(row: DeliveryRow | None, event: Event) -> DeliveryRow | None:
    """The delivery after the event."""
    if row is None:
        return _intended(event) if event.type == "DeliveryIntended" else None
    if event.position <= row.position:
        return row  # seen before
    return row._replace(
        mailbox_provider=event.data.get("mailbox_provider") or row.mailbox_provider,
        updated_at=moment(event),
        position=event.position,
        version=event.version,
        **_change(row, event),
    )


def _change(row: DeliveryRow, event: Event) -> dict[str, Any]:
    data = event.data
    match event.type:
        case "DeliveryClaimed":
            return _sending(row, "claimed")
        case "DeliveryAccepted":
            return _sending(row, "accepted", accepted=True, message_id=data["message_id"])
        case "Delivered":
            return {
                "delivered": True,
                "state": _furthest(row, "delivered"),
                **_judged(row.readings, _earlier(row.delivered_at, data["at"])),
            }
        case "Opened":
            return {"opened": row.opened + 1, **_judged(_read(row, event), row.delivered_at)}
        case "Clicked":
            return {"clicked": row.clicked + 1, **_judged(_read(row, event), row.delivered_at)}
        case "Bounced":
            return {"bounced": True, "state": _furthest(row, "bounced")}
        case "Complained":
            return {"complained": True, "state": "complained"}
        case "SubscriptionChanged" if _unsubscribes(event):
            return {"unsubscribed": True}
        case "DeliveryRefused":
            return _sending(row, "refused", refused=True)
        case "DeliveryAmbiguous":
            return _sending(row, "ambiguous")
        case "DeliveryHeld":
            return _sending(row, "held")
        case "DeliveryReturned" | "DeliveryReleased":
            return _sending(row, "intended")
        case "DeliveryClosed":
            return _sending(row, "withheld", withheld_reason=GIVEN_UP)
        case "DeliveryWithheld":
            return _sending(row, "withheld", withheld_reason=data["reason"])
    return {}


def _sending(row: DeliveryRow, state: str, **more: Any) -> dict[str, Any]:
    """A step of our sending; it never hides what the provider told."""
    return more if row.state in _RANK else {"state": state, **more}


def _furthest(row: DeliveryRow, told: str) -> str:
    """Of what the provider told, the furthest, in whatever order it comes."""
    return max(row.state, told, key=lambda state: _RANK.get(state, 0))


_READ = {"Opened": "opened", "Clicked": "clicked"}


def _read(row: DeliveryRow, event: Event) -> list[str]:
    """The readings with this one: the earliest of all there ever were."""
    data = event.data
    reading = f"{data['at']:016d} {_READ[event.type]} {data['agent']}"
    return sorted([*(row.readings or ()), reading])[:MOST_JUDGED]


def _earlier(known: datetime | None, at: int) -> datetime:
    told = to_datetime(at)
    return told if known is None else min(known, told)


def _judged(readings: list[str] | None, delivered_at: datetime | None) -> dict[str, Any]:
    """What may change a verdict, and the verdict on all readings."""
    changed: dict[str, Any] = {"readings": readings, "delivered_at": delivered_at}
    if readings:
        delivered = None if delivered_at is None else to_micros(delivered_at)
        verdict = judge([_reading(each) for each in readings], delivered)
        changed["opened_by_machine"], changed["clicked_by_machine"] = verdict
        changed["judged_by"] = VERSION
    return changed


def _reading(text: str) -> Reading:
    at, event, agent = text.split(" ", 2)
    return Reading(int(at), "opened" if event == "opened" else "clicked", agent)


def _unsubscribes(event: Event) -> bool:
    return bool(event.data["suppress"]) and event.data["reason"] not in NOT_UNSUBSCRIBED


def _intended(event: Event) -> DeliveryRow:
    data, now = event.data, moment(event)
    return DeliveryRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        campaign_id=data["campaign_id"],
        step=data["step"],
        contact_id=data["contact_id"],
        kind=data["kind"],
        state="intended",
        withheld_reason=None,
        message_id=None,
        mailbox_provider=None,
        accepted=False,
        refused=False,
        delivered=False,
        opened=0,
        clicked=0,
        bounced=False,
        complained=False,
        unsubscribed=False,
        delivered_at=None,
        readings=None,
        opened_by_machine=0,
        clicked_by_machine=0,
        judged_by=0,
        intended_at=now,
        updated_at=now,
        position=event.position,
        version=event.version,
    )


VIEW = View(
    name="deliveries",
    row=DeliveryRow,
    events=frozenset(
        {
            "DeliveryIntended", "DeliveryClaimed", "DeliveryAccepted", "DeliveryRefused",
            "DeliveryAmbiguous", "DeliveryHeld", "DeliveryReturned", "DeliveryWithheld",
            "DeliveryReleased", "DeliveryClosed",
            "Delivered", "Bounced", "Complained", "Opened", "Clicked", "SubscriptionChanged",
        }
    ),
    key_of=stream_id,
    fold=fold,
    reads_sealed=False,
)  # fmt: skip
