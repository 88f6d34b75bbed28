"""Aggregates and values as the domain's tests start from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from domain.access.permissions import EVERYTHING
from domain.campaign.aggregate import Campaign
from domain.campaign.commands import DraftCampaign
from domain.campaign.decisions import workflow_graph
from domain.campaign.values import Content, Sender, email
from domain.contact.aggregate import Contact
from domain.contact.values import Consent, ContactDetails
from domain.conversation.aggregate import Conversation
from domain.shared.meta import Meta
from domain.workflow.aggregate import Workflow
from domain.workflow.generate import generate

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
META = Meta(uuid4(), "user:ada", uuid4(), uuid4(), NOW)
HMAC, OTHER_HMAC = b"a" * 32, b"b" * 32
GRANTED = Consent("granted", "newsletter form", NOW - timedelta(days=30))


def later(**ahead: float) -> Meta:
    """The same circumstances, some time after."""
    return replace(META, now=NOW + timedelta(**ahead))


def details(**changes: Any) -> ContactDetails:
    """A person with something in every field."""
    given: dict[str, Any] = {
        "email": "Ada@Example.com",
        "first_name": "Ada",
        "last_name": "Lovelace",
        "timezone": "Europe/London",
        "attributes": {"orders": 3, "last_order_date": "2025-11-02"},
        "tags": ["vip"],
    }
    return ContactDetails.of(**{**given, **changes})


def contact(consent: Consent = GRANTED) -> Contact:
    return Contact.add(uuid4(), details(), HMAC, consent, META)


def content(*, emails: int = 1, subject: str = "We miss you", **changes: Any) -> Content:
    """What a campaign would send: `emails` of them, three days apart."""
    made = Content(
        name="Win back",
        conditions={"all": [{"field": "tags", "op": "contains", "value": "vip"}]},
        emails=tuple(
            email(step, subject, "<p>Hi</p>", "Hi", delay=timedelta(days=3 if step > 1 else 0))
            for step in range(1, emails + 1)
        ),
        sender=Sender("Crumb", "hello@crumb.example", "1 Mill Lane, York"),
        timezone="Europe/London",
    )
    return replace(made, **changes)


def drafted(of: Content | None = None) -> Campaign:
    shown = of or content()
    return Campaign.draft(
        DraftCampaign(uuid4(), uuid4(), "win_back", uuid4(), shown, workflow_graph(shown)), META
    )


def approved(of: Content | None = None) -> Campaign:
    campaign = drafted(of)
    campaign.approve(campaign.content_hash, META)
    return campaign


def sending() -> Campaign:
    campaign = approved()
    campaign.start_sending(1, META)
    return campaign


def conversation() -> Conversation:
    return Conversation.start(uuid4(), uuid4(), "api", META)


def asked(talk: Conversation, text: str = "win back customers") -> UUID:
    """Say something; the turn's id."""
    turn_id = uuid4()
    talk.receive_turn(turn_id, text, (), EVERYTHING, META)
    return turn_id


def workflow(steps: int = 2) -> Workflow:
    waits = [timedelta(days=3 if step else 0) for step in range(steps)]
    return Workflow.generated(uuid4(), uuid4(), generate("immediate", waits), META)
