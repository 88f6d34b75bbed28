"""Questions about campaigns and contacts, and everything that is not about one campaign."""

from __future__ import annotations

from collections.abc import Mapping

from streams.recognition.ports import Recognition
from streams.steps.dialogue.audience import EVERYONE, Unclear, audience_of
from streams.steps.dialogue.card import audience_line, needs_of, never_bought_in, when_line
from streams.steps.dialogue.contacts import about_person, person_meant
from streams.steps.dialogue.phrases import counted, left_out, number, people, quoted, share
from streams.steps.dialogue.plan import (
    Action,
    ReplyPlan,
    Thought,
    says,
)
from streams.steps.dialogue.situation import Findings, Needs, Seen, Situation

_METRICS: Mapping[str, tuple[str, str]] = {
    "opens": ("opened_unique", "opened it"), "clicks": ("clicked_unique", "clicked"),
    "bounces": ("bounced", "bounced"), "unsubscribes": ("unsubscribed", "unsubscribed"),
    "deliveries": ("delivered", "arrived"), "complaints": ("complained", "complained"),
}  # fmt: skip
SUGGESTIONS = (
    Action("create_campaign", "Win back customers who have not bought for 60 days"),
    Action("create_campaign", "Announce something new to everyone"),
    Action("query_performance", "How did the last campaign do?"),
)


def performance(recognition: Recognition, target: Seen) -> Thought:
    """What became of a campaign, in its own numbers."""
    name = target.content.name
    if target.status in ("draft", "rejected"):
        return says(
            f"“{name}” is {target.status}; nothing of it was sent, so there are no numbers."
        )
    metric = str(recognition.slots.get("metric") or "")

    def word(findings: Findings) -> ReplyPlan:
        if metric == "sales":
            text = f"I cannot see sales yet, only what happens to the mails. {_numbers(findings)}"
        else:
            text = _asked(metric, findings) + _numbers(findings)
        return ReplyPlan(
            f"“{name}” ({target.status}): {text}",
            (Action("query_audience", "Who gets this?", target.campaign_id),),
        )

    return Thought(Needs(metrics_of=target.campaign_id), word)


def _asked(metric: str, findings: Findings) -> str:
    if metric not in _METRICS:
        return ""
    counter, verb = _METRICS[metric]
    m = findings.metrics
    whole = m.get("accepted", 0) if metric in ("deliveries", "bounces") else m.get("delivered", 0)
    n = m.get(counter, 0)
    return f"{number(n)} {verb}, {share(n, whole)} of {number(whole)}. "


def _numbers(findings: Findings) -> str:
    m = {name: int(n) for name, n in findings.metrics.items()}
    if not m.get("intended"):
        return "nothing has gone out yet."
    delivered = m.get("delivered", 0)
    waiting = m["intended"] - sum(
        m.get(each, 0) for each in ("withheld", "accepted", "refused", "ambiguous", "held")
    )
    parts = [
        f"{number(m['accepted'])} of {number(m['intended'])} handed to the mail provider",
        f"{number(delivered)} delivered",
        f"{number(m['opened_unique'])} opened ({share(m['opened_unique'], delivered)})",
        f"{number(m['clicked_unique'])} clicked ({share(m['clicked_unique'], delivered)})",
    ]
    parts += [
        f"{number(m[name])} {verb}"
        for name, verb in (
            ("bounced", "bounced"), ("unsubscribed", "unsubscribed"),
            ("complained", "complained"), ("withheld", "left out"), ("refused", "refused"),
        )
        if m.get(name)
    ]  # fmt: skip
    if waiting > 0:
        parts.append(f"{number(waiting)} still to send")
    return ", ".join(parts) + "." + _uncertain(m)


def _uncertain(m: Mapping[str, int]) -> str:
    """One sentence on sends whose fate is not known."""
    unknown, held = m.get("ambiguous", 0), m.get("held", 0)
    text = ""
    if unknown:
        text += (
            f" For {number(unknown)} the provider did not answer in time, so I am asking it "
            "whether they went out before anything is sent again."
        )
    if held:
        text += f" {number(held)} could not be found at the provider and wait for your decision."
    return text


def audience(recognition: Recognition, text: str, situation: Situation) -> Thought:
    """Who gets it, how many, and why not the others; or how many contacts there are."""
    person = person_meant(recognition, text, situation)
    target = situation.target
    if person is not None:
        return says(about_person(person))
    if recognition.slots.get("audience"):
        choice = audience_of(recognition.slots, None, situation)
        if isinstance(choice, Unclear):
            return says(choice.question)

        def count(findings: Findings) -> ReplyPlan:
            text = f"{people(findings.count).capitalize()}: {choice.description}."
            if findings.withheld:
                text += f" {number(findings.recipients)} of them may be mailed"
                text += f"; {left_out(findings.withheld)}."
            return ReplyPlan(text)

        return Thought(Needs(choice.conditions), count)
    if target is None:
        return _everybody(situation)
    if target.status in ("sending", "paused", "sent", "cancelled"):
        return performance(recognition, target)
    content = target.content
    role = never_bought_in(content, situation)

    def word(findings: Findings) -> ReplyPlan:
        lines = [f"“{content.name}”:", audience_line(content, findings, never_bought=role)]
        if target.status in ("draft", "approved", "scheduled"):
            lines.append(when_line(content))
            lines.append("Who exactly is settled at the moment of sending.")
        return ReplyPlan(
            "\n".join(lines),
            (Action("send_test", "Send me a test", target.campaign_id),),
            shows=target.campaign_id if situation.shows_target else None,
        )

    return Thought(needs_of(content, role, None), word)


def _everybody(situation: Situation) -> Thought:
    def word(findings: Findings) -> ReplyPlan:
        text = f"You have {counted(findings.count, 'contact')}."
        if findings.count:
            text += f" {number(findings.recipients)} of them may be mailed."
        if findings.withheld:
            text += f" Not: {left_out(findings.withheld)}."
        if situation.tags:
            text += f" Tags: {quoted(sorted(situation.tags, key=lambda t: -situation.tags[t]))}."
        return ReplyPlan(text, SUGGESTIONS[:2])

    return Thought(Needs(EVERYONE), word)
