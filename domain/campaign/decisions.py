"""Where a campaign stands, whether its time is a possible one, and the graph of its content."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from domain.campaign.values import AHEAD_MAX, Content, Status
from domain.shared.errors import InvalidValueError
from domain.workflow.generate import generate
from domain.workflow.graph import Graph, TriggerKind

EDITABLE: Final[frozenset[Status]] = frozenset({"draft", "approved", "scheduled"})
RUNNING: Final[frozenset[Status]] = frozenset({"approved", "scheduled", "sending"})
OVER: Final[frozenset[Status]] = frozenset({"sent", "cancelled", "rejected"})

GO: Final = frozenset({"CampaignApproved", "CampaignResumed", "CampaignSent"})
STOP: Final = frozenset(
    {"CampaignPaused", "CampaignCancelled", "CampaignRevised", "CampaignRejected"}
)


def may_send(story: Sequence[tuple[str, int]], approved: int) -> bool:
    """Whether anything may be sent under the approval at the position `approved`.

    `story`: type and position of the campaign's events in GO and STOP, in order. A sent campaign
    has only what a person released since.
    """
    lapsed = any(kind == "CampaignRevised" and at > approved for kind, at in story)
    return bool(story) and story[-1][0] in GO and not lapsed


def running_status(schedule_at: datetime | None, *, started: bool) -> Status:
    """Where an approved campaign stands when nothing holds it; a pause returns to it."""
    if started:
        return "sending"
    return "approved" if schedule_at is None else "scheduled"


def check_schedule(at: datetime | None, now: datetime) -> None:
    """Raise InvalidValueError unless the time is to come, and within two years."""
    if at is None:
        return
    if at.tzinfo is None:
        raise InvalidValueError("schedule.at", "no_zone", "Say the time with its zone.")
    if at < now:
        raise InvalidValueError(
            "schedule.at", "schedule_in_past", f"{at.isoformat()} is past; choose a later time."
        )
    if at - now > AHEAD_MAX:
        raise InvalidValueError(
            "schedule.at", "schedule_too_far", "A campaign starts within two years."
        )


def workflow_graph(content: Content, version: int = 1) -> Graph:
    """The graph that carries the content out: at once or at its time, its e-mails with waits."""
    kind: TriggerKind = "immediate" if content.schedule_at is None else "scheduled"
    return generate(kind, content.delays, content.schedule_at, version=version)
