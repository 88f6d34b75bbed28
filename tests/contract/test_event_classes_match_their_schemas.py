"""Every event class says exactly what the schema that its TOPIC names says, and the reverse."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from types import GenericAlias
from typing import Any, cast, get_type_hints
from uuid import UUID

import pytest

from domain.campaign.aggregate import Campaign
from domain.contact.aggregate import Contact
from domain.conversation.aggregate import Conversation
from domain.delivery.states import EVENT_TYPES
from domain.organization.aggregate import Organization
from domain.organization.analyst import Analyst
from domain.organization.business import Business
from domain.organization.dead_letter import DeadLetter
from domain.people.invitation import Invitation
from domain.people.session import FailedLogin, Session
from domain.people.user import User
from domain.security.events import SecurityEvent
from domain.shared.aggregate import Root
from domain.shared.meta import Meta
from domain.workflow.aggregate import Workflow
from schemas.registry import default_registry

AGGREGATES: tuple[type, ...] = (
    Organization, Business, Analyst, Contact, Campaign, Conversation, Workflow, DeadLetter,
    User, Invitation, Session, FailedLogin,
    SecurityEvent,
)  # fmt: skip
REGISTRY = default_registry()
DELIVERY = "delivery-events"

_PLAIN: dict[str, Any] = {
    "string": str, "int": int, "long": int, "double": float, "boolean": bool, "bytes": bytes,
}  # fmt: skip
_LOGICAL: dict[str, Any] = {"uuid": UUID, "timestamp-micros": datetime}


def event_classes(aggregate: type) -> Iterator[type]:
    """The events an aggregate records: classes nested in it that name an Avro type."""
    for nested in vars(aggregate).values():
        if isinstance(nested, type) and getattr(nested, "TOPIC", None):
            yield nested


def python_type(avro: Any) -> Any:
    """The type a field of an event class has for an Avro type."""
    if isinstance(avro, str):
        return _PLAIN[avro]
    if isinstance(avro, list):
        return python_type(avro[1]) | None
    if "logicalType" in avro:
        return _LOGICAL[avro["logicalType"]]
    if avro["type"] == "array":
        item = dict[str, Any] if _is_record(avro["items"]) else python_type(avro["items"])
        return GenericAlias(list, (item,))
    return _PLAIN[avro["type"]]


def _is_record(avro: Any) -> bool:
    return isinstance(avro, dict) and avro["type"] == "record"


def declared(event_type: str) -> dict[str, Any]:
    """Field names and types that a schema asks for, sealed ones taken out of their seal."""
    fields: dict[str, Any] = {"meta": Meta}
    for field in REGISTRY.latest(event_type).definition["fields"]:
        if "pii" in field:
            fields |= {f["name"]: python_type(f["type"]) for f in field["pii"]["fields"]}
        elif field["name"] != "meta":
            fields[field["name"]] = python_type(field["type"])
    return fields


def mismatches(event_class: type) -> list[str]:
    """How a class differs from its schema; empty when it does not."""
    topic = cast("Any", event_class).TOPIC
    if topic not in REGISTRY.versions:
        return [f"{topic} is no type of the registry"]
    own = {n: t for n, t in get_type_hints(event_class).items() if n in _own_names(event_class)}
    wanted = declared(topic)
    return [
        f"{topic}.{name}: class {own.get(name)}, schema {wanted.get(name)}"
        for name in sorted(own.keys() | wanted.keys())
        if own.get(name) != wanted.get(name)
    ]


def _own_names(event_class: type) -> set[str]:
    """Names declared by us: the event library's own bases hold the envelope."""
    return {
        name
        for base in event_class.__mro__
        if not base.__module__.startswith("eventsourcing.")
        for name in vars(base).get("__annotations__", {})
    }


ALL = [event_class for aggregate in AGGREGATES for event_class in event_classes(aggregate)]


@pytest.mark.parametrize("event_class", ALL, ids=lambda c: str(c.TOPIC))
def test_a_class_has_exactly_the_fields_of_its_schema(event_class: type) -> None:
    assert mismatches(event_class) == []


def test_every_type_has_exactly_one_class() -> None:
    named = Counter(cast("Any", event_class).TOPIC for event_class in ALL)
    recorded_by_aggregates = {
        name for name in REGISTRY.versions if REGISTRY.latest(name).topic != DELIVERY
    }
    assert named == Counter(recorded_by_aggregates)


def test_the_delivery_rules_know_every_delivery_event_and_no_other() -> None:
    types = {name for name in REGISTRY.versions if REGISTRY.latest(name).topic == DELIVERY}
    assert set(EVENT_TYPES) == types


def test_every_aggregate_of_the_domain_is_looked_at() -> None:
    ours = {a for a in Root.__subclasses__() if a.__module__.startswith("domain.")}
    assert ours == set(AGGREGATES)


class _MissingAField:
    TOPIC = "CampaignApproved"
    meta: Meta
    content_hash: str


class _OfAnotherType:
    TOPIC = "CampaignApproved"
    meta: Meta
    content_hash: str
    schedule_at: str


class _OneFieldTooMany:
    TOPIC = "CampaignResumed"
    meta: Meta
    by: str


class _OfNoSchema:
    TOPIC = "CampaignAdmired"
    meta: Meta


@pytest.mark.parametrize(
    ("event_class", "named"),
    [
        (_MissingAField, "CampaignApproved.schedule_at"),
        (_OfAnotherType, "CampaignApproved.schedule_at"),
        (_OneFieldTooMany, "CampaignResumed.by"),
        (_OfNoSchema, "CampaignAdmired"),
    ],
)
def test_a_class_that_differs_is_found(event_class: type, named: str) -> None:
    found = mismatches(event_class)
    assert len(found) == 1
    assert found[0].startswith(named)
