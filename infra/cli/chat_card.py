"""A campaign in the terminal: recipients, who is left out and why, when, how it looks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from domain.campaign.content.brief import ContentError
from domain.campaign.content.personalise import compile as compile_template
from domain.campaign.content.personalise import render

_REASONS = {
    "no_consent": "have not agreed to e-mails", "unsubscribed": "unsubscribed",
    "hard_bounced": "address bounced", "complained": "marked a mail as spam",
    "inactive_at_provider": "blocked by the mail provider", "deleted": "deleted",
    "erased": "erased",
}  # fmt: skip
_FIELDS = {"unsubscribe_url": "(unsubscribe link)"}


def card(campaign: Mapping[str, Any]) -> RenderableType:
    """The campaign card."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style="bold", no_wrap=True)
    rows.add_column(overflow="fold")
    rows.add_row("Recipients", Text(_recipients(campaign)))
    for reason, count in _withheld(campaign).items():
        rows.add_row("", f"left out: {count:,} {_REASONS.get(reason, reason)}")
    rows.add_row("Sending", when(campaign))
    parts: list[RenderableType] = [rows]
    for email in campaign["emails"]:
        parts += ["", _email(email, of=len(campaign["emails"]))]
    for warning in campaign["warnings"]:
        parts.append(Text(f"! {warning['detail']}", style="yellow"))
    title = f"[bold]{escape(campaign['name'])}[/] · {campaign['status']}"
    return Panel(Group(*parts), title=title, subtitle=campaign["content_hash"][:12], width=92)


def when(campaign: Mapping[str, Any]) -> str:
    """Date, time and zone of the first e-mail."""
    schedule = campaign["schedule"]
    if not schedule or not schedule.get("at"):
        return "as soon as it is approved" if campaign["status"] == "draft" else "now"
    zone = schedule.get("timezone") or "UTC"
    at = datetime.fromisoformat(schedule["at"]).astimezone(ZoneInfo(zone))
    return f"{at:%A}, {at.day} {at:%B %Y} at {at:%H:%M} ({zone})"


def figures(name: str, metrics: Mapping[str, int]) -> str:
    """A campaign's numbers in one line."""
    told = " · ".join(
        f"{metrics[key]:,} {label}"
        for key, label in (
            ("accepted", "sent"), ("delivered", "delivered"), ("opened_unique", "opened"),
            ("clicked_unique", "clicked"), ("bounced", "bounced"), ("withheld", "left out"),
        )
        if metrics.get(key)
    )  # fmt: skip
    return f"{name}: {told or 'starting'} (of {metrics.get('intended', 0):,})"


def _recipients(campaign: Mapping[str, Any]) -> str:
    forecast = campaign["forecast"]
    count = f"{forecast['recipients']:,}" if forecast else "settled"
    return f"{count} · {campaign['audience']['description']}"


def _withheld(campaign: Mapping[str, Any]) -> dict[str, int]:
    return dict((campaign["forecast"] or {}).get("withheld") or {})


def _email(email: Mapping[str, Any], of: int) -> RenderableType:
    label = f"E-mail {email['step']}" if of > 1 else "Preview"
    if email["delay"]:
        label += f" ({email['delay']} later)"
    head = Text.assemble((f"{label}\n", "bold"), (_plain(email["subject"]), "bold green"))
    if email["preheader"]:
        head.append(f"\n{_plain(email['preheader'])}", "dim")
    shown = _plain(email["text"]).strip() if of == 1 else ""
    return Group(head, Text(f"\n{shown}")) if shown else head


def _plain(template: str) -> str:
    """As somebody whose name is not known would see it."""
    try:
        return render(compile_template(template, html=False), _FIELDS)
    except ContentError:
        return template
