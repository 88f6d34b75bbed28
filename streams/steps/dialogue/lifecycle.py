"""Yes, no, stop, go on, and a test first: what is done with a campaign that exists."""

from __future__ import annotations

import re
from typing import Any

from domain.campaign.decisions import OVER, RUNNING
from domain.campaign.preparation import prepared, sender_of
from streams.steps.dialogue.campaigns import show
from streams.steps.dialogue.card import audience_line, needs_of, never_bought_in, offers
from streams.steps.dialogue.phrases import moment, number, people
from streams.steps.dialogue.plan import (
    Action,
    Approve,
    Change,
    ReplyPlan,
    Revise,
    SendTest,
    Thought,
    says,
)
from streams.steps.dialogue.situation import Findings, Needs, Person, Seen, Situation

REFERENCE = re.compile(r"\[\[([0-9a-f-]{36})\]\]")


def approve(situation: Situation, target: Seen) -> Thought:
    """A yes covers only what was shown here last, as it is now, from who may say it."""
    name = target.content.name
    if target.status in RUNNING or target.status == "paused":
        return says(f"“{name}” is {target.status} already; there is nothing left to approve.")
    if target.status in OVER:
        return says(f"“{name}” is {target.status}, so it cannot be approved any more.")
    if "campaigns:approve" not in situation.may:
        return says(
            f"Only somebody who may approve campaigns can release “{name}”. I have sent nothing."
        )
    if not situation.shows_target or not situation.clear_yes:
        moved = situation.shown_id == target.campaign_id and not situation.shows_target
        why = (
            f"“{name}” has changed since I showed it to you, so I have not sent it."
            if moved
            else f"To be sure that we mean the same, nothing is sent yet. This is “{name}”:"
        )
        return show(target.content, target.campaign_id, situation, why)
    if not target.content.sender.complete:
        return _signed(situation, target)
    at = target.content.schedule_at
    if at is not None and at < situation.now:
        return says(
            f"{moment(at, target.content.timezone)} has passed meanwhile. Tell me another time, "
            "such as “send it tomorrow at 9”, or say “send it right away” after I show it again."
        )
    return _approved(situation, target)


def _signed(situation: Situation, target: Seen) -> Thought:
    """Drafted before the business had a sender: with one it is other content than was seen."""
    sender = sender_of(situation.business)
    if not sender.complete:
        return says(_SENDER)
    content = prepared(target.content, situation.business)
    why = "I have put in who it comes from, which was missing; have one more look:"
    command = Revise(target.campaign_id, content)
    return show(content, target.campaign_id, situation, why, command)


def _approved(situation: Situation, target: Seen) -> Thought:
    content = target.content
    role = never_bought_in(content, situation)
    command = Approve(target.campaign_id, target.content_hash)

    def word(findings: Findings) -> ReplyPlan:
        above = situation.second_approver_above
        if above is not None and findings.recipients > above and not target.first_approved:
            return _half(target, above, findings)
        if content.schedule_at is None:
            when = "It is going out now."
        else:
            when = f"It goes out on {moment(content.schedule_at, content.timezone)}."
        who = audience_line(content, findings, never_bought=role)
        text = f"Approved: “{content.name}”. {when}\n{who}\nSay “pause it” if you want it to stop."
        return ReplyPlan(
            text,
            (
                Action("pause", "Pause it", target.campaign_id),
                Action("query_performance", "How is it going?", target.campaign_id),
            ),
            (command,),
            target.campaign_id,
        )

    return Thought(needs_of(content, role, None), word)


def _half(target: Seen, above: int, findings: Findings) -> ReplyPlan:
    """The first of two yeses."""
    text = (
        f"Your yes to “{target.content.name}” is kept. It would go to {people(findings.recipients)}"
        f", and above {number(above)} somebody else has to approve it too. Nothing is sent yet."
    )
    command = Approve(target.campaign_id, target.content_hash, first_of_two=True)
    return ReplyPlan(text, (), (command,), target.campaign_id)


def reject(target: Seen) -> Thought:
    """A no to a draft."""
    if target.status != "draft":
        return says(
            f"“{target.content.name}” is {target.status}, not a draft. Say “cancel it” to end it."
            if target.status not in OVER
            else f"“{target.content.name}” is {target.status} already."
        )
    return says(
        f"All right, I have dropped “{target.content.name}”. Nothing was sent.",
        commands=(Change(target.campaign_id, "reject"),),
    )


def pause(target: Seen) -> Thought:
    name = target.content.name
    if target.status == "paused":
        return says(f"“{name}” is paused already.", _resume(target))
    if target.status not in RUNNING:
        return says(f"“{name}” is {target.status}; there is nothing to pause.")
    return says(
        f"Paused “{name}”. Whatever the mail provider already has will still arrive; nothing more "
        "is handed over until you say “resume it”.",
        _resume(target),
        commands=(Change(target.campaign_id, "pause"),),
    )


def resume(situation: Situation, target: Seen) -> Thought:
    name = target.content.name
    if target.status != "paused":
        return says(f"“{name}” is {target.status}, not paused.")
    if "campaigns:send" not in situation.may:
        return says(f"Only somebody who may send campaigns can resume “{name}”.")
    return says(
        f"“{name}” goes on where it stopped. Nobody gets it twice.",
        Action("pause", "Pause it", target.campaign_id),
        commands=(Change(target.campaign_id, "resume"),),
    )


def cancel(target: Seen) -> Thought:
    name = target.content.name
    if target.status in OVER:
        return says(f"“{name}” is {target.status} already; there is nothing to cancel.")
    return says(
        f"Cancelled “{name}”. What is not handed over yet will not be sent.",
        commands=(Change(target.campaign_id, "cancel"),),
    )


def send_test(slots: dict[str, Any], text: str, situation: Situation, target: Seen) -> Thought:
    """One mail to a mailbox somebody looks at."""
    found = REFERENCE.search(str(slots.get("email") or "")) or REFERENCE.search(text)
    person: Person | None = situation.people.get(found[1]) if found else None
    if person is None:
        return says(
            "Where to? Give me an address, such as “send a test to me@example.com”.",
            Action("send_test", "Send me a test", target.campaign_id),
        )
    address = f"[[{person.reference}]]"
    if target.status in ("cancelled", "rejected"):
        return says(f"“{target.content.name}” is {target.status}; there is nothing to test.")
    if not target.content.sender.complete:
        return says(_SENDER)
    if person.suppression is not None:
        return says(f"{address} gets no mail from us any more, so it cannot get a test either.")
    if situation.tests_left <= 0:
        return says(
            "That were 20 test mails today, which is the most. Tomorrow there are new ones."
        )
    plan = ReplyPlan(
        f"A test of “{target.content.name}” is on its way to {address}, with “[Test]” in the "
        "subject.",
        offers(target.campaign_id, approvable=target.status == "draft"),
        (SendTest(target.campaign_id, person.reference),),
        target.campaign_id if situation.shows_target else None,
    )
    return Thought(Needs(), lambda _: plan)


def _resume(target: Seen) -> Action:
    return Action("resume", "Resume it", target.campaign_id)


_SENDER = (
    "Before anything can go out, the business needs a sender name, a sender address and a postal "
    "address for the footer. Set them with PATCH /v1/businesses/{id}, then say it again."
)
