"""Why a person got (or did not get) one e-mail: every cause in order, each with its position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal

from projections.history.campaigns import CampaignPast, Reading, last, reading_of, until
from projections.history.evidence import AsRead, Judge, findings, hold
from projections.history.streams import Histories, is_erased
from projections.postgres.view import json_or
from projections.postgres.views.campaigns import CampaignRow
from projections.queries.conditions import ConditionError
from schemas.codec import Event, to_datetime

Name = Literal[
    "sentence", "intent", "draft", "approval", "workflow", "step", "test", "audience", "consent",
    "hand_over", "webhook",
]  # fmt: skip
_OURS: Final = "Delivery"
"""What we did begins so; what the provider told does not."""
_TIMES: Final = frozenset({"at", "given_at", "lease_until"})
_SAID_ALREADY: Final = frozenset({"campaign_id", "step", "contact_id", "kind"})


@dataclass(frozen=True, slots=True)
class Link:
    """One cause: the event that is it, and what matters of it here."""

    name: Name
    event: Event
    details: dict[str, Any] = field(default_factory=dict)


def chain(past: Histories, delivery_id: str, judge: Judge) -> list[Link]:
    """The causes of a delivery, from the sentence to the webhooks; empty when it is not there.

    Raises nothing for what was erased: such a text is empty, and its link says `erased`.
    """
    events = past.stream(delivery_id, unsealed=False)
    if not events or events[0].type != "DeliveryIntended":
        return []
    intended = events[0]
    campaign = CampaignPast(past, intended.data["campaign_id"])
    links = [*_wanted(past, campaign, intended)]
    if intended.data["kind"] == "campaign":
        links += [*_planned(campaign, intended), _audience(past, campaign, intended, judge)]
    else:
        links += _test(campaign, intended)
    return [*links, *_sent(past, events[1:])]


# --- who wanted it ------------------------------------------------------------------------------


def _wanted(past: Histories, campaign: CampaignPast, intended: Event) -> Iterator[Link]:
    """Sentence, intent and draft, the change that made the content what it is, the yes."""
    before = until(campaign.events, intended.position)
    if not before:
        return
    drafted, revised = before[0], last(before, "CampaignRevised")
    talk = _talk(past, drafted)
    yield from _spoken(talk, drafted.data["turn_id"])
    yield _content(drafted)
    if revised is not None:
        yield from _spoken(talk, _turn_that_caused(talk, revised))
        yield _content(revised)
    approved = _approval(past, campaign, before)
    if approved is not None:
        yield from _spoken(talk, _turn_that_caused(talk, approved))
        yield Link(
            "approval",
            approved,
            {"approved_by": approved.actor, "content_hash": approved.data["content_hash"]},
        )


def _approval(past: Histories, campaign: CampaignPast, before: list[Event]) -> Event | None:
    """The approval that the run names; a test mail needs none."""
    began = campaign.run_started
    found = past.at(began.data["approval_position"]) if began else None
    return found if found is not None and found in before else last(before, "CampaignApproved")


def _talk(past: Histories, drafted: Event) -> list[Event]:
    """The conversation that the campaign comes from, if it comes from one."""
    conversation: str | None = drafted.data["conversation_id"]
    return past.stream(conversation) if conversation else []


def _turn_that_caused(talk: Iterable[Event], event: Event) -> str | None:
    for said in talk:
        if said.type == "TurnReceived" and said.event_id == event.causation_id:
            return str(said.data["turn_id"])
    return None


def _spoken(talk: Iterable[Event], turn_id: str | None) -> Iterator[Link]:
    for event in talk:
        if turn_id is None or event.data.get("turn_id") != turn_id:
            continue
        data = event.data
        if event.type == "TurnReceived":
            where = {"conversation_id": event.stream_id, "turn_id": turn_id}
            yield _link("sentence", event, {**where, "text": data["text"]})
        elif event.type == "IntentRecognized":
            shown = ("intent", "campaign_type", "confidence", "recognizer")
            slots = json_or(data["slots"], data["slots"])
            yield _link("intent", event, {**{n: data[n] for n in shown}, "slots": slots})


def _content(event: Event) -> Link:
    shown = ("content_hash", "name", "audience_description")
    return _link("draft", event, {name: event.data[name] for name in shown})


# --- how it was to be carried out ---------------------------------------------------------------


def _planned(campaign: CampaignPast, intended: Event) -> Iterator[Link]:
    """The graph that ran, and when its step was due."""
    began, step = campaign.run_started, intended.data["step"]
    if began is None:
        return
    version = began.data["graph_version"]
    for event in campaign.workflow:
        if event.type == "WorkflowGenerated" and event.data["graph_version"] == version:
            yield _link("workflow", event, {"workflow_id": event.stream_id, "version": version})
    details = {"version": version, "approval_position": began.data["approval_position"]}
    yield Link("workflow", began, details)
    scheduled = campaign.scheduled(step)
    if scheduled is not None:
        due = instant(scheduled.data["due_at"])
        yield Link("step", scheduled, {"step": step, "due_at": due})


def _test(campaign: CampaignPast, intended: Event) -> Iterator[Link]:
    for event in campaign.events:
        same = event.data.get("delivery_id") == intended.stream_id
        if event.type == "TestSendRequested" and same:
            yield _link("test", event, {"asked_by": event.actor, "step": event.data["step"]})


# --- why this person ----------------------------------------------------------------------------


def _audience(past: Histories, campaign: CampaignPast, intended: Event, judge: Judge) -> Link:
    """The conditions, and how the contact met them when the audience was read.

    Later steps go to those of the first, so theirs is the evidence of the first.
    """
    step, contact_id = intended.data["step"], intended.data["contact_id"]
    first = intended if step == 1 else next(iter(campaign.delivery(1, contact_id)), intended)
    details: dict[str, Any] = {"intended_position": intended.position}
    if step > 1:
        details["first_step_position"] = first.position
    content = campaign.content_at(first.position)
    reading = reading_of(campaign, first)
    if content is not None and reading is not None:
        contact = past.stream(contact_id)
        details |= evidence(content, reading, contact, judge)
    return Link("audience", intended, details)


def evidence(
    content: CampaignRow, reading: Reading, contact: list[Event], judge: Judge
) -> dict[str, Any]:
    """What was asked and what was known, in the latest state in which the contact was meant.

    `contact_position` is that state's last event; `conditions` is empty once the organization's
    texts are erased.
    """
    shown: dict[str, Any] = {"description": content.audience_description}
    for state in reading.states(contact):
        if state.row is None or state.row.deleted:
            continue
        found = judged(content, reading, state, judge)
        if found is None:
            return {**shown, "erased": True, "conditions": []}
        if hold(content.conditions, found) is False:
            continue
        return {
            **shown,
            "contact_position": state.last.position if state.last else None,
            "erased": state.erased,
            "conditions": [asdict(each) for each in found],
        }
    return {**shown, "erased": False, "conditions": []}


def judged(content: CampaignRow, reading: Reading, state: AsRead, judge: Judge) -> Any:
    """The findings about one state of a contact; None when the conditions are erased."""
    if state.row is None or not content.conditions:
        return None
    try:
        return findings(judge, state.row, content.conditions, reading.now, erased=state.erased)
    except ConditionError:
        return None


# --- what became of it --------------------------------------------------------------------------


def _sent(past: Histories, events: Iterable[Event]) -> Iterator[Link]:
    """Each claim with the fact that allowed it, each outcome, everything the provider told."""
    for event in events:
        proof = event.data.get("proof_position")
        if proof:
            yield from _consent(past, event, proof)
        name: Name = "hand_over" if event.type.startswith(_OURS) else "webhook"
        yield Link(name, event, _plain(event))


def _consent(past: Histories, because: Event, position: int) -> Iterator[Link]:
    fact = past.at(position)
    if fact is not None:
        shown = ("status", "source", "given_at", "reason", "origin")
        told = {name: fact.data[name] for name in shown if name in fact.data}
        yield _link("consent", fact, {**_readable(told), "checked_at_position": because.position})


def _plain(event: Event) -> dict[str, Any]:
    return _readable({n: value for n, value in event.data.items() if n not in _SAID_ALREADY})


def _readable(fields: dict[str, Any]) -> dict[str, Any]:
    """Times as RFC 3339."""
    return {
        name: instant(value) if name in _TIMES and value is not None else value
        for name, value in fields.items()
    }


def instant(micros: int) -> str:
    """A time of an event as RFC 3339 in UTC."""
    return to_datetime(micros).isoformat().replace("+00:00", "Z")


def _link(name: Name, event: Event, details: dict[str, Any]) -> Link:
    return Link(name, event, {**details, "erased": True} if is_erased(details) else details)
