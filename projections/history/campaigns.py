"""A campaign's past as explanations need it: its run, its steps, its content when it was read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from domain.delivery.ids import delivery_id
from projections.history.evidence import AsRead, as_read
from projections.history.rows import row_of
from projections.history.streams import Histories
from projections.postgres.views import campaigns, contacts
from projections.postgres.views.campaigns import CampaignRow
from projections.postgres.views.contacts import ContactRow
from schemas.codec import Event, to_datetime


def last(events: Iterable[Event], *types: str, step: int | None = None) -> Event | None:
    """The latest of these types, of one step where a step is given."""
    found = None
    for event in events:
        if event.type in types and (step is None or event.data["step"] == step):
            found = event
    return found


def until(events: Iterable[Event], position: int) -> list[Event]:
    """Those at or before a position."""
    return [event for event in events if event.position <= position]


def contact_row(events: Iterable[Event]) -> ContactRow | None:
    """A contact after these events of it."""
    return row_of(contacts.VIEW, list(events))


@dataclass(frozen=True)
class CampaignPast:
    """The events of one campaign, read once each; `row` is the campaign as of then."""

    past: Histories
    campaign_id: str

    @cached_property
    def events(self) -> list[Event]:
        return self.past.stream(self.campaign_id)

    @cached_property
    def row(self) -> CampaignRow | None:
        return row_of(campaigns.VIEW, self.events)

    @cached_property
    def workflow(self) -> list[Event]:
        """Events of the workflow that carries it out."""
        return self.past.stream(self.row.workflow_id) if self.row else []

    @cached_property
    def run_started(self) -> Event | None:
        """The beginning of the latest run."""
        return last(self.workflow, "WorkflowRunStarted")

    @cached_property
    def run(self) -> list[Event]:
        """The workflow's events of the latest run."""
        began = self.run_started
        return [e for e in self.workflow if began and e.position >= began.position]

    @property
    def steps(self) -> int:
        """How many e-mails it has, also when their texts are erased."""
        written = len(self.row.emails) if self.row else 0
        called: list[int] = [event.data.get("step", 0) for event in self.run]
        return max(1, written, *called)

    def scheduled(self, step: int) -> Event | None:
        """When the step is due, as last decided in this run."""
        return last(self.run, "StepScheduled", step=step)

    def expanded(self, step: int) -> Event | None:
        """That every contact of the step has its delivery."""
        return last(self.run, "StepExpanded", step=step)

    def content_at(self, position: int) -> CampaignRow | None:
        """The campaign as it was at an earlier position."""
        return row_of(campaigns.VIEW, until(self.events, position))

    def delivery(self, step: int, contact_id: str) -> list[Event]:
        """Events of one delivery, personal fields sealed."""
        return self.past.stream(delivery_id(self.campaign_id, step, contact_id), unsealed=False)


@dataclass(frozen=True, slots=True)
class Reading:
    """When and how an audience was read: between two positions, days counted from `now`."""

    scheduled: Event
    since: int
    until: int
    now: datetime

    def states(self, contact: list[Event]) -> list[AsRead]:
        """What may have been seen of a contact, the latest first."""
        return as_read(contact, contact_row, self.since, self.until)


def reading_of(campaign: CampaignPast, ended: Event) -> Reading | None:
    """The reading of the audience that `ended` ended: the first step's."""
    scheduled = last(until(campaign.run, ended.position), "StepScheduled", step=1)
    if scheduled is None:
        return None
    due = to_datetime(scheduled.data["due_at"])
    return Reading(scheduled, scheduled.position, ended.position, due)
