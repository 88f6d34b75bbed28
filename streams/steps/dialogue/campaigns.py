"""Making and changing campaigns by what was said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast
from uuid import UUID

from domain.campaign.content.brief import CampaignType, ContentError
from domain.campaign.decisions import EDITABLE, check_schedule
from domain.campaign.values import EMAILS_MAX, Content
from domain.shared.errors import InvalidValueError
from streams.recognition.ports import Recognition
from streams.steps.dialogue.audience import (
    EVERYONE,
    Choice,
    Unclear,
    answered,
    audience_of,
    means_everyone,
)
from streams.steps.dialogue.card import choice_of, describe, needs_of, never_bought_in, offers
from streams.steps.dialogue.drafting import (
    Request,
    content_of,
    merged,
    schedule_of,
    tones_asked,
    untouched,
)
from streams.steps.dialogue.phrases import counted, moment
from streams.steps.dialogue.plan import (
    Action,
    AssignRole,
    Command,
    Draft,
    ReplyPlan,
    Revise,
    Thought,
    says,
)
from streams.steps.dialogue.situation import Findings, Seen, Situation

KINDS: Mapping[CampaignType, str] = {
    "welcome": "a welcome", "nurture": "a helpful series", "convert": "a next-step campaign",
    "abandon": "a reminder of what was left behind", "win_back": "a win-back campaign",
    "announce": "an announcement", "newsletter": "a newsletter", "promotional": "a promotion",
}  # fmt: skip
_IN_WORDS = ("offer", "product", "occasion", "expires", "discount_code", "count_of_emails", "delay")
"""Slots that change what the e-mails say."""


def create(
    recognition: Recognition, situation: Situation, campaign_id: UUID, workflow_id: UUID
) -> Thought:
    """A new campaign, or the one question that stands in its way."""
    campaign_type = cast("CampaignType", recognition.campaign_type or "announce")
    request = Request(campaign_type, recognition.slots, recognition.confidence)
    choice = audience_of(request.slots, campaign_type, situation)
    if isinstance(choice, Unclear):
        return says(choice.question)
    schedule_at = schedule_of(request.slots)
    try:
        check_schedule(schedule_at, situation.now)
        content = content_of(request, choice, situation.business, schedule_at=schedule_at)
    except (InvalidValueError, ContentError) as error:
        return says(f"I could not draft that: {error} Tell me what to change and I will try again.")
    command = Draft(campaign_id, workflow_id, campaign_type, content)
    opening = _opening(content, request, choice)
    return show(content, campaign_id, situation, opening, command)


def proceed(
    text: str, situation: Situation, campaign_id: UUID, workflow_id: UUID
) -> Thought | None:
    """Go on with what was asked for before the last reply asked back; None if this is no answer."""
    pending = situation.pending
    if pending is None:
        return None
    open_question = audience_of(pending.slots, pending.campaign_type, situation)
    if not isinstance(open_question, Unclear):
        return None
    answer = answered(open_question.about, text, pending.slots, situation)
    if answer is None:
        return None
    slots, column = answer
    again = Recognition(pending.intent, pending.campaign_type, pending.confidence, slots)
    knowing = replace(
        situation, last_purchase_attribute=column or situation.last_purchase_attribute
    )
    if pending.intent == "modify_campaign" and situation.target is not None:
        thought = modify("", again, knowing, situation.target)
    else:
        thought = create(again, knowing, campaign_id, workflow_id)
    if column is None:
        return thought.having(understood=again)
    thanks = f"Thank you, I will remember “{column}”."
    role = AssignRole("last_purchase_at", column)
    return thought.after(thanks).having(role, understood=again)


def modify(text: str, recognition: Recognition, situation: Situation, target: Seen) -> Thought:
    """The campaign with other words, audience or time; shown again, for a new yes."""
    if target.status not in EDITABLE:
        return says(
            f"“{target.content.name}” is {target.status}, so it can no longer be changed. "
            "I can draft a new one instead."
        )
    try:
        changed = _changed(text, recognition.slots, situation, target)
    except (InvalidValueError, ContentError) as error:
        return says(f"I could not make that change: {error}")
    if isinstance(changed, str):
        return says(changed, Action("modify", "Change something", target.campaign_id))
    if changed == target.content:
        return show(
            changed, target.campaign_id, situation,
            "I was not sure what to change. Say for example “make it friendlier”, “change the "
            "subject to …”, “15% instead” or “send it tomorrow at 9”. This is how it stands:",
        )  # fmt: skip
    return show(
        changed, target.campaign_id, situation,
        _difference(target.content, changed), Revise(target.campaign_id, changed),
    )  # fmt: skip


def reschedule(recognition: Recognition, situation: Situation, target: Seen) -> Thought:
    """Another moment of sending. The reply says date, time and zone."""
    said: Mapping[str, Any] = recognition.slots.get("schedule") or {}
    at = schedule_of(recognition.slots)
    if at is None:
        return says(_when(said))
    if target.status not in EDITABLE:
        return says(f"“{target.content.name}” is {target.status}; its time can no longer change.")
    try:
        check_schedule(at, situation.now)
    except InvalidValueError as error:
        return says(f"That time does not work: {error}")
    content = replace(target.content, schedule_at=at, timezone=situation.business.timezone)
    opening = f"Set for {moment(at, content.timezone)}. It goes out then once you approve it."
    if said.get("recurrence"):
        opening += " I cannot repeat it by myself yet, so this is for once."
    return show(
        content, target.campaign_id, situation, opening, Revise(target.campaign_id, content)
    )


def show(
    content: Content, campaign_id: UUID, situation: Situation, opening: str, *commands: Command
) -> Thought:
    """The campaign's description behind an opening sentence, with what one may do next."""
    role = never_bought_in(content, situation)

    def word(findings: Findings) -> ReplyPlan:
        closing = "Say “yes, send it” to approve exactly this, or tell me what to change."
        text = f"{opening}\n\n{describe(content, findings, never_bought=role)}\n\n{closing}"
        return ReplyPlan(text, offers(campaign_id, approvable=True), commands, campaign_id)

    return Thought(needs_of(content, role, campaign_id), word)


def _opening(content: Content, request: Request, choice: Choice) -> str:
    emails = counted(len(content.emails), "e-mail")
    parts = [f"Here is {KINDS[request.campaign_type]}, “{content.name}”, with {emails}."]
    parts.append(choice.notice)
    slots = request.slots
    if int(slots.get("count_of_emails") or 1) > EMAILS_MAX:
        parts.append(f"A campaign has at most {EMAILS_MAX} e-mails, so I wrote {EMAILS_MAX}.")
    schedule: Mapping[str, Any] = slots.get("schedule") or {}
    if schedule.get("recurrence"):
        parts.append(
            f"I cannot repeat it {schedule['recurrence']} by myself yet; this is for once."
        )
    elif schedule.get("relative") and content.schedule_at is None:
        parts.append(_when(schedule))
    if slots.get("trigger"):
        parts.append("I cannot start it by an event yet, so it goes once to everyone who fits now.")
    return " ".join(part for part in parts if part)


def _when(said: Mapping[str, Any]) -> str:
    day = said.get("relative")
    if said.get("recurrence"):
        return (
            "I cannot repeat a campaign by myself yet. Tell me a day and time for this one, such "
            "as “send it tomorrow at 9”."
        )
    if day:
        return f"At what time {day}? Say it with the day, such as “send it tomorrow at 9”."
    return "When shall it go out? Tell me a day and a time, such as “send it tomorrow at 9”."


def _changed(
    text: str, slots: Mapping[str, Any], situation: Situation, target: Seen
) -> Content | str:
    """The content after the change, or why it cannot be made."""
    content = target.content
    request = Request.of_intent(content.intent)
    at = schedule_of(slots) or content.schedule_at
    if at != content.schedule_at:
        check_schedule(at, situation.now)
    choice = _audience_after(text, slots, situation, content)
    if isinstance(choice, Unclear):
        return choice.question
    moved = replace(
        content,
        schedule_at=at,
        conditions=choice.conditions,
        audience_description=choice.description,
        sender=content.sender,
    )
    tones = tones_asked(text, slots)
    rewords = bool(tones) or any(slots.get(name) for name in _IN_WORDS)
    if request is None or not untouched(content):
        if rewords:
            return (
                "The words of this campaign were written by hand, so I leave them to you. "
                "I can change its subject, audience and time."
            )
        return _with_subject(moved, slots)
    after = replace(
        request,
        slots=merged(request.slots, slots),
        adjustments=(*request.adjustments, *tones)[-8:],
    )
    return content_of(after, choice, situation.business, schedule_at=at, before=moved)


def _audience_after(
    text: str, slots: Mapping[str, Any], situation: Situation, content: Content
) -> Choice | Unclear:
    before = Request.of_intent(content.intent)
    present = choice_of(content, situation, before.slots if before else {})
    if slots.get("audience"):
        return audience_of(slots, None, situation)
    if means_everyone(text):
        return Choice(EVERYONE, "everyone on your list")
    return present


def _with_subject(content: Content, slots: Mapping[str, Any]) -> Content:
    subject = slots.get("subject")
    if not subject:
        return content
    first, *others = content.emails
    return replace(content, emails=(replace(first, subject=str(subject)), *others))


def _difference(before: Content, after: Content) -> str:
    """What changed, in a sentence."""
    parts = []
    if before.emails[0].subject != after.emails[0].subject:
        parts.append("the subject")
    if len(before.emails) != len(after.emails):
        parts.append(f"the number of e-mails (now {len(after.emails)})")
    elif [e.text for e in before.emails] != [e.text for e in after.emails]:
        parts.append("the words")
    if before.delays != after.delays and len(before.emails) == len(after.emails):
        parts.append("the waits")
    if before.conditions != after.conditions:
        parts.append("who gets it")
    if before.schedule_at != after.schedule_at:
        parts.append("the time")
    return f"Done, I changed {' and '.join(parts) or 'it'}. Here it is:"
