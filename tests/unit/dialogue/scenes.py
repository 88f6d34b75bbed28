"""Situations and recognitions as the dialogue's tests start from."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

from domain.access.permissions import EVERYTHING
from domain.campaign.decisions import workflow_graph
from domain.campaign.hashing import content_hash
from domain.campaign.values import Content
from domain.organization.commands import Profile
from streams.recognition.ports import Recognition
from streams.steps.dialogue.plan import Draft, ReplyPlan, Thought
from streams.steps.dialogue.planner import think
from streams.steps.dialogue.situation import Findings, Named, Person, Seen, Situation

NOW = datetime(2026, 11, 20, 9, tzinfo=UTC)
BAKERY = Profile(
    name="Crust & Crumb",
    industry="bakery",
    timezone="Europe/Vienna",
    sender_name="Mara",
    sender_email="mara@crust.example",
    postal_address="Hauptstrasse 1, 1010 Vienna",
)
SITUATION = Situation(
    now=NOW,
    business_id=uuid4(),
    business=BAKERY,
    tags={"vip": 40, "wholesale": 12},
    may=EVERYTHING,
    last_purchase_attribute="last_order_date",
    tests_left=20,
)
FINDINGS = Findings(recipients=1163, withheld={"no_consent": 139, "unsubscribed": 1})
WIN_BACK = {
    "audience": {"inactive_days": 60},
    "offer": {"kind": "percent", "value": 20, "text": "20% off"},
}
ADA = Person(uuid4(), is_contact=True, name="Ada", consent="granted", tags=("vip",))
STRANGER = Person(uuid4(), is_contact=False)


def heard(intent: str, campaign_type: str | None = None, **slots: Any) -> Recognition:
    """A recognition nobody doubts."""
    return Recognition(intent, campaign_type, 0.99, slots)


def thought(recognition: Recognition, situation: Situation = SITUATION, text: str = "") -> Thought:
    return think(text, recognition, situation, uuid4(), uuid4())


def reply(
    recognition: Recognition,
    situation: Situation = SITUATION,
    text: str = "",
    findings: Findings = FINDINGS,
) -> ReplyPlan:
    """The reply, once its figures are known."""
    return thought(recognition, situation, text).word(findings)


def drafted(plan: ReplyPlan) -> Draft:
    """The campaign that a reply makes."""
    (draft,) = [each for each in plan.commands if isinstance(each, Draft)]
    return draft


def seen(content: Content | None = None, status: Any = "draft") -> Seen:
    """The win-back campaign, as it was drafted here."""
    made = content or drafted(reply(heard("create_campaign", "win_back", **WIN_BACK))).content
    return Seen(uuid4(), "win_back", status, content_hash(made, workflow_graph(made)), made)


def showing(target: Seen, **changes: Any) -> Situation:
    """The campaign was shown here last, and nothing is newer."""
    return replace(
        SITUATION,
        target=target,
        shown_id=target.campaign_id,
        shown_hash=target.content_hash,
        clear_yes=True,
        campaigns=(Named(target.campaign_id, target.content.name, target.status),),
        **changes,
    )


def knowing(*people: Person) -> Situation:
    return replace(SITUATION, people={str(each.reference): each for each in people})


def reference(identity: UUID) -> str:
    """How an address stands in a text."""
    return f"[[{identity}]]"
