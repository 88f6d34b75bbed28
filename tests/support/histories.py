"""Histories of events that are valid by their schemas, drawn from a given source of randomness."""

from __future__ import annotations

import hashlib
import random
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from projections.batch import Batch, Record
from schemas.codec import Codec, Event
from schemas.registry import default_registry
from schemas.topics import partition_of

ORGANIZATION = str(uuid.UUID(int=1))
_BEGAN = 1_767_600_000_000_000  # 2026-01-05 08:00 UTC, in microseconds
_SPACE = uuid.UUID(int=99)
PARTITIONS = 4

STREAMS: Mapping[str, tuple[str, ...]] = {
    "organization": (
        "OrganizationCreated", "OrganizationRenamed", "AttributeRoleAssigned", "ApiKeyIssued",
        "ApiKeyReplaced", "ApiKeyRevoked", "PostmarkConnected", "WebhookRegistered",
        "WebhookRegistrationFailed", "PersonalDataRead", "ApprovalRuleSet",
    ),
    "user": ("UserRegistered", "UserRoleChanged", "UserPasswordChanged", "UserRemoved"),
    "invitation": ("InvitationCreated", "InvitationAccepted", "InvitationRevoked"),
    "session": ("SessionStarted", "SessionEnded"),
    "failed_login": ("LoginFailed",),
    "security": ("SecurityEventRecorded",),
    "business": ("BusinessAdded", "BusinessRevised"),
    "analyst": ("AnalystCreated", "AnalystRevoked"),
    "conversation": (
        "ConversationStarted", "TurnReceived", "IntentRecognized", "ReplyGiven", "ContextRevised",
    ),
    "campaign": (
        "CampaignDrafted", "CampaignRevised", "CampaignApproved", "SendingStarted",
        "CampaignPaused", "CampaignResumed", "CampaignCancelled", "CampaignRejected",
        "CampaignSent", "TestSendRequested", "FirstApprovalGiven",
    ),
    "workflow": (
        "WorkflowGenerated", "WorkflowRunStarted", "StepScheduled", "StepExpanded",
        "WorkflowRunEnded",
    ),
    "contact": (
        "ContactAdded", "ContactRevised", "ConsentRecorded", "AddressSuppressed",
        "AddressReactivated", "ContactDeleted", "ContactErased",
    ),
    "delivery": (
        "DeliveryIntended", "DeliveryClaimed", "DeliveryAccepted", "DeliveryRefused",
        "DeliveryAmbiguous", "DeliveryHeld", "DeliveryReturned", "DeliveryWithheld",
        "DeliveryReleased", "DeliveryClosed", "Delivered", "Bounced", "Complained",
        "Opened", "Clicked", "SubscriptionChanged",
    ),
}  # fmt: skip
"""Event types by kind of stream; the first one begins it."""

_JSON = {
    "intent": '{"name": "create_campaign"}',
    "conditions": '{"all": []}',
    "emails": '[{"step": 1, "subject": "Hi \\"there\\" \\\\ {x}"}]',
    "sender": '{"name": "Ada"}',
    "slots": '{"tone": "warm"}',
    "metadata": '{"confidence": 0.9}',
    "context": '{"page": "start"}',
    "graph": '{"nodes": [], "edges": []}',
    "attributes": '{"city": "Köln", "orders": 3, "last": "2025-11-30"}',
}


class TestKeys:
    """A key ring in which everybody has the same key, but for the erased."""

    __test__ = False

    def __init__(self, erased: Iterable[str] = ()) -> None:
        self.erased = set(erased)

    def keys_of(self, subjects: Iterable[str]) -> Mapping[str, bytes]:
        """Keys of those that are not erased."""
        return {subject: b"k" * 32 for subject in subjects if subject not in self.erased}


def identity(*of: object) -> str:
    """The same id for the same parts."""
    return str(uuid.uuid5(_SPACE, "/".join(map(str, of))))


def sample_data(event_type: str, stream: str, n: int) -> dict[str, Any]:
    """Fields of one event, sealed ones included, different for different `n`."""
    definition = default_registry().latest(event_type).definition
    data: dict[str, Any] = {}
    for field in definition["fields"][1:]:
        data |= _sample_field(field, stream, n)
    own = {"turn_id": identity(stream, "turn", n % 3), "number": n % 3 + 1}
    own |= {"key_id": identity(stream, "key", n % 2), "role": "last_purchase_at"}
    own |= {"secret_hash": hashlib.sha256(identity(stream, "key", n % 2).encode()).digest()}
    own |= {"webhook_username": identity(stream, "user"), "campaign_id": identity("campaign", 0)}
    own |= {"kind": "test" if int(stream[-1], 16) % 4 == 0 else "campaign", "step": n % 2 + 1}
    if event_type.startswith("Delivery") or "contact_id" in data:
        own |= {"step": int(stream[0], 16) % 2 + 1, "contact_id": identity(stream, "contact")}
    own |= {"reason": ("HardBounce", "ManualSuppression", "by_request")[n % 3]}
    return {name: own.get(name, value) for name, value in data.items()}


def _sample_field(field: dict[str, Any], stream: str, n: int) -> dict[str, Any]:
    if "pii" in field:
        return {
            inner["name"]: _JSON.get(inner["name"], _sample(inner["type"], stream, n))
            for inner in field["pii"]["fields"]
        }
    return {field["name"]: _sample(field["type"], stream, n)}


def _sample(kind: Any, stream: str, n: int) -> Any:
    match kind:
        case [*options]:
            return None if n % 2 else _sample(options[-1], stream, n)
        case {"logicalType": "uuid"}:
            return identity(stream, n)
        case {"type": "array", "items": items}:
            return [_sample(items, stream, n + i) for i in range(n % 3)]
        case {"type": "record", "fields": fields}:
            return {k: v for f in fields for k, v in _sample_field(f, stream, n).items()}
        case {"type": inner}:
            return _BEGAN + n * 1_000_000 if inner == "long" else _sample(inner, stream, n)
        case "string":
            return ("plain", 'quoted "x"', "back\\slash", "{braces, ü}", "")[n % 5]
        case "bytes":
            return bytes([n % 256, 0, 255])
        case "boolean":
            return n % 2 == 0
        case "double":
            return 0.5
    return n + 1


def make_event(
    event_type: str,
    stream: str,
    version: int = 1,
    position: int = 1,
    organization: str = ORGANIZATION,
    n: int = 0,
    **fields: Any,
) -> Event:
    """One event; `fields` replace sampled ones."""
    schema = default_registry().latest(event_type)
    return Event(
        type=event_type,
        topic=schema.topic,
        schema_version=schema.version,
        position=position,
        event_id=str(uuid.uuid5(uuid.UUID(stream), str(version))),
        organization_id=organization,
        stream_id=stream,
        version=version,
        occurred_at=_BEGAN + position * 1_000,
        actor="key:test",
        correlation_id=identity("correlation"),
        causation_id=identity("causation"),
        data={**sample_data(event_type, stream, n), **fields},
    )


def history(rng: random.Random, streams: int = 8, longest: int = 10) -> list[Event]:
    """Events of several streams of all kinds, mixed, in the order of their positions."""
    kinds = [rng.choice(sorted(STREAMS)) for _ in range(streams)]
    plans = [
        (
            identity(kind, i),
            [STREAMS[kind][0], *rng.choices(STREAMS[kind], k=rng.randint(0, longest))],
        )
        for i, kind in enumerate(kinds)
    ]
    if rng.random() < 0.3:
        plans = [
            (s, types[1:] if kinds[i] == "contact" else types) for i, (s, types) in enumerate(plans)
        ]
    turns = [i for i, (_, types) in enumerate(plans) for _ in types]
    rng.shuffle(turns)
    versions = [0] * len(plans)
    events = []
    for position, i in enumerate(turns, 1):
        stream, types = plans[i]
        versions[i] += 1
        organization = stream if kinds[i] == "organization" else ORGANIZATION
        events.append(
            make_event(
                types[versions[i] - 1],
                stream,
                versions[i],
                position,
                organization,
                0 if versions[i] == 1 else rng.randint(0, 9),
            )
        )
    return events


def reordered(rng: random.Random, events: list[Event]) -> list[Event]:
    """The same events with the streams mixed otherwise; each stream keeps its order."""
    waiting: dict[str, list[Event]] = {}
    for event in events:
        waiting.setdefault(event.stream_id, []).append(event)
    turns = [event.stream_id for event in events]
    rng.shuffle(turns)
    return [waiting[stream].pop(0) for stream in turns]


def cut(rng: random.Random, events: list[Event]) -> list[list[Event]]:
    """The same events in batches of random sizes."""
    batches, left = [], list(events)
    while left:
        size = rng.randint(1, len(left))
        batches.append(left[:size])
        left = left[size:]
    return batches


def encode(codec: Codec, event: Event) -> bytes:
    """The bytes of the event, as they stand in the log."""
    meta = {
        "event_id": event.event_id,
        "organization_id": event.organization_id,
        "stream_id": event.stream_id,
        "stream_version": event.version,
        "occurred_at": event.occurred_at,
        "actor": event.actor,
        "correlation_id": event.correlation_id,
        "causation_id": event.causation_id,
    }
    subjects = codec.subjects(event.type, meta, event.data)
    return codec.encode(event.type, meta, event.data, TestKeys().keys_of(subjects))


def records(codec: Codec, events: Iterable[Event]) -> dict[tuple[str, int], list[Record]]:
    """What the relay makes of the events: records by topic and partition, offsets from 0."""
    found: dict[tuple[str, int], list[Record]] = {}
    for event in events:
        partition = (event.topic, partition_of(event.stream_id, PARTITIONS))
        log = found.setdefault(partition, [])
        log.append(
            Record(
                *partition,
                offset=len(log),
                key=event.stream_id.encode(),
                value=encode(codec, event),
                headers={"position": str(event.position).encode()},
            )
        )
    return found


def batch_of(partition: tuple[str, int], of: Iterable[Record]) -> Batch:
    """A batch of that partition."""
    return Batch(*partition, tuple(of))
