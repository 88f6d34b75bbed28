"""Postmark's webhooks understood: raw bytes to what was observed. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal
from uuid import UUID

import orjson

from domain.delivery.agents import agent_of
from schemas.codec import to_micros
from streams.ports import RefusedRecordError

Kind = Literal[
    "Delivery", "Bounce", "SpamComplaint", "Open", "Click", "SubscriptionChange"
]  # fmt: skip
Sign = Literal["complained", "unsubscribed", "hard_bounced", "inactive", "lifted", "returned"]
"""What a record says about an address: four ways of no, and two of taking it back."""
OF_THE_PERSON: Final[frozenset[Sign]] = frozenset({"complained", "unsubscribed"})
"""Ways of no that are the person's own, and not the mailbox's."""

_TIMES: Final[Mapping[Kind, str]] = {
    "Delivery": "DeliveredAt",
    "Bounce": "BouncedAt",
    "SpamComplaint": "BouncedAt",
    "Open": "ReceivedAt",
    "Click": "ReceivedAt",
    "SubscriptionChange": "ChangedAt",
}
_DEAD: Final = frozenset({"HardBounce", "BadEmailAddress"})
_YEARS: Final = range(2000, 2200)
"""Years that every store can hold; others are a mistake."""
_LONGEST: Final = 2_000
_LONGEST_AGENT: Final = 1_000


class UnreadableWebhookError(RefusedRecordError):
    """The body is no webhook that we understand; the message says why."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One webhook, understood. Ids are UUID text; times microseconds.

    `delivery_id` and `batch_id` are what our Metadata said, unproven; `key` is the same for the
    same observation however often it is posted; `data` are the own fields of the delivery event.
    """

    kind: Kind
    delivery_id: str | None
    batch_id: str | None
    message_id: str | None
    recipient: str | None
    at: int
    key: bytes
    sign: Sign | None
    event: str
    data: Mapping[str, Any]


def understand(body: bytes, received_at: datetime) -> Observation:
    """The observation in a body. Raises UnreadableWebhookError.

    `received_at` (aware) stands in for a time that is missing or no time. Types of bounces that
    are not known are kept as they are.
    """
    record = _record(body)
    kind = _kind(record)
    metadata = record.get("Metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    at = _time(record.get(_TIMES[kind]), received_at)
    event, data = _event(kind, record)
    key = _key(kind, record)
    if event in ("Opened", "Clicked"):
        data["observation"] = key.hex()
    return Observation(
        kind=kind,
        delivery_id=_uuid(metadata.get("delivery_id")),
        batch_id=_uuid(metadata.get("batch_id")),
        message_id=_text(record, "MessageID") or None,
        recipient=_recipient(kind, record),
        at=at,
        key=key,
        sign=_sign(kind, record),
        event=event,
        data={**data, "at": at},
    )


def _kind(record: Mapping[str, Any]) -> Kind:
    said = record.get("RecordType")
    for kind in _TIMES:
        if said == kind:
            return kind
    if said is None and "FromFull" in record:
        raise UnreadableWebhookError("inbound mail, which nothing here reads")
    raise UnreadableWebhookError(f"unknown RecordType {str(said)[:100]!r}")


def _record(body: bytes) -> dict[str, Any]:
    try:
        record = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UnreadableWebhookError(f"no JSON: {error}") from None
    if not isinstance(record, dict):
        raise UnreadableWebhookError("JSON, but no object")
    return record


def _text(record: Mapping[str, Any], name: str, longest: int = _LONGEST) -> str:
    """A field as text: postgres and Avro take no NUL, and nobody needs a novel."""
    value = record.get(name)
    if value is None or isinstance(value, dict | list | bool):
        return ""
    return str(value).replace("\x00", "")[:longest]


def _uuid(value: Any) -> str | None:
    try:
        return str(UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None


def _time(value: Any, otherwise: datetime) -> int:
    return to_micros(parsed_time(value) or otherwise)


def parsed_time(value: Any) -> datetime | None:
    """An aware time of a year that can be stored, else None."""
    try:
        moment = datetime.fromisoformat(value)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment if moment.astimezone(UTC).year in _YEARS else None
    except (TypeError, ValueError, OverflowError):
        return None


def _recipient(kind: str, record: Mapping[str, Any]) -> str | None:
    field = "Email" if kind in ("Bounce", "SpamComplaint") else "Recipient"
    return _text(record, field) or None


def _key(kind: str, record: Mapping[str, Any]) -> bytes:
    """What makes two posts the same; type and message alone would merge true repeats.

    Message details, lists of opens and the suppression dump tell of the same observation with
    other spellings of the time, and some with whole seconds: the key is that of the moment.
    """
    parts: list[Any]
    match kind:
        case "Bounce" | "SpamComplaint":
            parts = [record.get("ID")]
        case "Delivery":
            parts = [record.get("MessageID"), _lower(record.get("Recipient"))]
        case "Open" | "Click":
            parts = [record.get("MessageID"), _lower(record.get("Recipient"))]
            parts += [_moment(record.get("ReceivedAt"))]
            parts += [record.get("OriginalLink"), record.get("UserAgent")]
        case _:
            at = _moment(record.get("ChangedAt"))
            second = at // 1_000_000 if isinstance(at, int) else at
            parts = [record.get("MessageStream"), _lower(record.get("Recipient")), second]
            parts += [record.get("SuppressSending")]
    return hashlib.sha256(orjson.dumps([kind, *parts])).digest()[:16]


def _lower(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _moment(value: Any) -> Any:
    """Microseconds, or whatever stands there if it is no time."""
    moment = parsed_time(value)
    return value if moment is None else to_micros(moment)


def _event(kind: str, record: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    match kind:
        case "Delivery":
            return "Delivered", {}
        case "SpamComplaint":
            return "Complained", {"bounce_id": _text(record, "ID")}
        case "Bounce":
            return "Bounced", {
                "bounce_id": _text(record, "ID"),
                "bounce_type": _text(record, "Type", 100) or "Unknown",
                "hard": _text(record, "Type", 100) in _DEAD,
                "inactive": record.get("Inactive") is True,
            }
        case "Open":
            return "Opened", {"first_open": record.get("FirstOpen") is True, **_read(record)}
        case "Click":
            return "Clicked", {"link": _text(record, "OriginalLink"), **_read(record)}
    return "SubscriptionChanged", {
        "suppress": record.get("SuppressSending") is True,
        "origin": _text(record, "Origin", 100),
        "reason": _text(record, "SuppressionReason", 100),
    }


def _read(record: Mapping[str, Any]) -> dict[str, Any]:
    geo = record.get("Geo")
    user_agent = _text(record, "UserAgent", _LONGEST_AGENT)
    return {
        "platform": _text(record, "Platform", 100) or "Unknown",
        "agent": agent_of(user_agent),
        "user_agent": user_agent,
        "geo": orjson.dumps(geo).decode()[:_LONGEST] if isinstance(geo, dict) else "",
    }


def _sign(kind: str, record: Mapping[str, Any]) -> Sign | None:
    match kind:
        case "SpamComplaint":
            return "complained"
        case "Bounce":
            return _sign_of_bounce(record)
        case "SubscriptionChange":
            return _sign_of_change(record)
    return None


def _sign_of_bounce(record: Mapping[str, Any]) -> Sign | None:
    match record.get("Type"):
        case "SpamComplaint":
            return "complained"
        case "Unsubscribe":
            return "unsubscribed"
        case "HardBounce" | "BadEmailAddress":
            return "hard_bounced"
    return "inactive" if record.get("Inactive") is True else None


def _sign_of_change(record: Mapping[str, Any]) -> Sign:
    by_the_person = record.get("Origin") == "Recipient"
    if record.get("SuppressSending") is not True:
        return "returned" if by_the_person else "lifted"
    match record.get("SuppressionReason"):
        case "HardBounce":
            return "hard_bounced"
        case "SpamComplaint":
            return "complained"
    return "unsubscribed" if by_the_person else "inactive"
