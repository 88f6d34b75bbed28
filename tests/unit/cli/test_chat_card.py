"""The card in the terminal says who, who not and why, when, and how it looks."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from infra.cli.chat_card import card, figures

CAMPAIGN: dict[str, Any] = {
    "name": "Win [back]",
    "status": "draft",
    "content_hash": "9f86d081884c" + "0" * 52,
    "audience": {"description": "contacts tagged “vip”"},
    "forecast": {"recipients": 1163, "withheld": {"no_consent": 139, "unsubscribed": 2}},
    "schedule": {"at": "2026-11-27T08:00:00Z", "timezone": "Europe/Vienna"},
    "emails": [
        {
            "step": 1,
            "delay": None,
            "subject": "Come home",
            "preheader": "We kept your place",
            "text": 'Hi {{ first_name | default: "there" }},\n\n{{ unsubscribe_url }}',
        }
    ],
    "warnings": [{"code": "audience_overlap", "detail": "700 of these got “News”."}],
}


def printed(campaign: dict[str, Any]) -> str:
    console = Console(width=100, record=True, file=None, quiet=False)
    with console.capture() as capture:
        console.print(card(campaign))
    return capture.get()


def test_the_card_says_everything_a_yes_covers() -> None:
    text = printed(CAMPAIGN)
    for words in (
        "Win [back]", "draft", "1,163", "contacts tagged “vip”",
        "left out: 139 have not agreed to e-mails", "left out: 2 unsubscribed",
        "Friday, 27 November 2026 at 09:00 (Europe/Vienna)", "Come home", "We kept your place",
        "Hi there,", "(unsubscribe link)", "700 of these got “News”.", "9f86d081884c",
    ):  # fmt: skip
        assert words in text


def test_a_draft_without_a_time_goes_out_at_once_and_a_series_shows_its_waits() -> None:
    first = CAMPAIGN["emails"][0]
    series = [first, {**first, "step": 2, "delay": "3 days", "subject": "Still here"}]
    text = printed({**CAMPAIGN, "schedule": None, "emails": series})
    assert "as soon as it is approved" in text
    assert "E-mail 2 (3 days later)" in text


def test_figures_leave_out_what_has_not_happened() -> None:
    metrics = {"intended": 10, "accepted": 9, "delivered": 8, "opened_unique": 0, "withheld": 1}
    assert figures("News", metrics) == "News: 9 sent · 8 delivered · 1 left out (of 10)"
    assert figures("News", {"intended": 3}) == "News: starting (of 3)"
