"""A past written down event by event, for tests of explanations without any store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson

from domain.delivery.ids import delivery_id
from schemas.codec import Event
from tests.support.histories import identity, make_event

CAMPAIGN, WORKFLOW, CONTACT = (identity(of) for of in ("campaign", "workflow", "contact"))
EMAILS = orjson.dumps([{"step": 1, "subject": "Hi"}, {"step": 2, "subject": "Again"}]).decode()
CONDITIONS: dict[str, Any] = {"all": [{"field": "first_name", "op": "eq", "value": "Ada"}]}


@dataclass
class Past:
    """Histories that grow by `happens`; each event gets the next position."""

    events: list[Event] = field(default_factory=list)

    @property
    def position(self) -> int:
        return len(self.events)

    def happens(self, event_type: str, stream: str, **data: Any) -> Event:
        """One more event."""
        version = 1 + sum(event.stream_id == stream for event in self.events)
        event = make_event(event_type, stream, version, self.position + 1, n=0, **data)
        self.events.append(event)
        return event

    def stream(self, stream_id: str, *, unsealed: bool = True) -> list[Event]:
        assert unsealed or stream_id not in (CAMPAIGN, CONTACT)
        return [event for event in self.events if event.stream_id == stream_id]

    def at(self, position: int) -> Event | None:
        return next((e for e in self.events if e.position == position), None)

    def deliveries(self, campaign_id: str) -> Iterator[list[Event]]:
        yield [e for e in self.events if e.data.get("campaign_id") == campaign_id]

    # --- what usually happens ---------------------------------------------------------------

    def added(self, **data: Any) -> Event:
        known = {"email": "a@example.com", "first_name": "Ada", "attributes": "{}", "tags": []}
        return self.happens("ContactAdded", CONTACT, **{**known, **data})

    def drafted(self, **data: Any) -> Event:
        return self.happens(
            "CampaignDrafted", CAMPAIGN, **{
                "workflow_id": WORKFLOW, "emails": EMAILS, "content_hash": "h1",
                "conditions": orjson.dumps(CONDITIONS).decode(), "conversation_id": None,
                "turn_id": None, "schedule_at": None, **data,
            },
        )  # fmt: skip

    def approved(self) -> Event:
        return self.happens("CampaignApproved", CAMPAIGN, content_hash="h1", schedule_at=None)

    def started(self) -> Event:
        graph = {"campaign_id": CAMPAIGN, "graph_version": 1}
        approval = self.position
        self.happens("WorkflowGenerated", WORKFLOW, **graph)
        return self.happens("WorkflowRunStarted", WORKFLOW, **graph, approval_position=approval)

    def scheduled(self, step: int = 1) -> Event:
        return self.happens("StepScheduled", WORKFLOW, campaign_id=CAMPAIGN, step=step)

    def sending(self) -> Event:
        return self.happens("SendingStarted", CAMPAIGN, step=1)

    def delivery(self, event_type: str, step: int = 1, **data: Any) -> Event:
        same = {"campaign_id": CAMPAIGN, "step": step, "contact_id": CONTACT, "kind": "campaign"}
        return self.happens(event_type, delivery_id(CAMPAIGN, step, CONTACT), **same, **data)

    def expanded(self, step: int = 1) -> Event:
        return self.happens("StepExpanded", WORKFLOW, campaign_id=CAMPAIGN, step=step, intended=1)


def begun() -> Past:
    """Approved, started, the first step scheduled."""
    past = Past()
    past.added()
    past.drafted()
    past.approved()
    past.started()
    past.scheduled()
    return past


def intended() -> Past:
    """Up to the first step's delivery to the contact."""
    past = begun()
    past.sending()
    past.delivery("DeliveryIntended")
    past.expanded()
    return past
