"""A campaign put into words: who gets it, who does not and why, when, and how it looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from domain.campaign.content.personalise import compile as compile_template
from domain.campaign.content.personalise import render
from domain.campaign.content.warnings import warnings_for
from domain.campaign.values import Content
from streams.steps.dialogue.audience import Choice
from streams.steps.dialogue.phrases import (
    counted,
    left_out,
    listed,
    moment,
    number,
    people,
    span,
)
from streams.steps.dialogue.plan import Action
from streams.steps.dialogue.situation import Findings, Needs, Situation

OVERLAP = 0.5
"""More than this share of the audience had a mail within a day: a warning."""


def needs_of(content: Content, never_bought: str | None, besides: UUID | None) -> Needs:
    """What a description of this content has to look up."""
    return Needs(content.conditions, never_bought, besides)


def never_bought_in(content: Content, situation: Situation) -> str | None:
    """The attribute by which the audience was chosen, if the last purchase was."""
    role = situation.last_purchase_attribute
    parts = content.conditions.get("all") or ()
    return role if any(part.get("field") == f"attributes.{role}" for part in parts) else None


def choice_of(content: Content, situation: Situation, slots: Mapping[str, Any]) -> Choice:
    """The audience a campaign already has."""
    role = never_bought_in(content, situation)
    days = (slots.get("audience") or {}).get("inactive_days") if role else None
    return Choice(content.conditions, content.audience_description, days, role)


def describe(content: Content, findings: Findings, *, never_bought: str | None) -> str:
    """The campaign in a few short paragraphs."""
    return "\n".join(
        part
        for part in (
            audience_line(content, findings, never_bought=never_bought),
            when_line(content),
            preview(content),
            *warnings(content, findings),
        )
        if part
    )


def audience_line(content: Content, findings: Findings, *, never_bought: str | None) -> str:
    """Who gets it, who is left out, and why, with counts."""
    who = content.audience_description or "the chosen contacts"
    if not findings.count:
        line = f"Recipients: nobody yet; no contact matches {who}."
    else:
        line = f"Recipients: {people(findings.recipients)} ({who})."
    if findings.withheld:
        total = sum(findings.withheld.values())
        line += f" Left out: {number(total)} ({left_out(findings.withheld)})."
    if never_bought and findings.without_value:
        line += (
            f" {people(findings.without_value)} with no {never_bought} count as never having "
            "bought and are not in it."
        )
    return line


def when_line(content: Content) -> str:
    """Date, time and zone of the first e-mail, and the waits of the others."""
    if content.schedule_at is None:
        line = "Sending: as soon as you approve."
    else:
        line = f"Sending: {moment(content.schedule_at, content.timezone)}, once you approve."
    waits = [span(each.delay_seconds) for each in content.emails[1:]]
    if waits:
        same = len(set(waits)) == 1
        gap = f"{waits[0]} apart" if same else f"with waits of {listed(waits)}"
        line += f" {counted(len(content.emails), 'e-mail')}, {gap}."
    return line


def preview(content: Content) -> str:
    """Subject and preheader of every e-mail, as somebody without a name would see them."""
    lines = []
    for each in content.emails:
        label = f"E-mail {each.step}" if len(content.emails) > 1 else "Subject"
        lines.append(f"{label}: {shown(each.subject)}")
        if each.preheader:
            lines.append(f"Preview: {shown(each.preheader)}")
    return "\n".join(lines)


def shown(template: str) -> str:
    """A template with no personal fields filled in."""
    return render(compile_template(template, html=False), {})


def warnings(content: Content, findings: Findings) -> list[str]:
    """What an owner should know before saying yes."""
    found = []
    if not content.sender.complete:
        found.append(
            "Before it can go out, the business needs a sender name, a sender address and a "
            "postal address."
        )
    found += [
        f"Careful: {people(each.contacts)} of this audience had “{each.name}” within the last "
        "24 hours."
        for each in findings.overlaps
        if findings.count and each.contacts / findings.count > OVERLAP
    ]
    first = content.emails[0]
    found += [
        f"Note: {detail}" for _, detail in warnings_for(first.subject, first.html, first.text)
    ]
    return found


def offers(campaign_id: UUID, *, approvable: bool) -> tuple[Action, ...]:
    """What one may do with a campaign that is shown."""
    approve = (Action("approve", "Approve and send", campaign_id),) if approvable else ()
    return (
        *approve,
        Action("send_test", "Send me a test", campaign_id),
        Action("modify", "Change something", campaign_id),
    )


def card_data(findings: Findings) -> dict[str, Any]:
    """The figures behind the description, for clients that draw them."""
    return {"recipients": findings.recipients, "withheld": dict(findings.withheld)}
