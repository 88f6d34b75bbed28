"""The unsubscribe link and headers follow the stream's handling; links are found as they stand."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.sandbox.mail import links_to_click, one_click_url, outgoing, render

URL = "http://127.0.0.1:1/sandbox/unsubscribe/m1"
OURS = [
    {"Name": "List-Unsubscribe", "Value": "<https://nudge.example/u/token>"},
    {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
    {"Name": "X-Kept", "Value": "yes"},
]


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>{{{ pm:unsubscribe }}}</p>", f'<p><a href="{URL}">Unsubscribe</a></p>'),
        ('<a href="{{{pm:unsubscribe}}}">Go</a>', f'<a href="{URL}">Go</a>'),
        ('<a href="{{{ pm:unsubscribe_url }}}">Go</a>', f'<a href="{URL}">Go</a>'),
    ],
)
def test_the_placeholder_becomes_the_providers_link(html: str, expected: str) -> None:
    assert outgoing({"HtmlBody": html}, "Postmark", URL)["html"] == expected


def test_without_a_placeholder_the_link_is_appended_inside_the_body() -> None:
    sent = outgoing({"HtmlBody": "<body>Hi</body>", "TextBody": "Hi"}, "Postmark", URL)
    assert sent["html"].startswith("<body>Hi<p")
    assert sent["html"].endswith("</body>")
    assert URL in sent["html"]
    assert sent["text"].endswith(f"Unsubscribe: {URL}\n")


def test_the_providers_unsubscribe_headers_replace_ours() -> None:
    headers = outgoing({"HtmlBody": "x", "Headers": OURS}, "Postmark", URL)["headers"]
    assert [h["Name"] for h in headers] == [
        "X-Kept",
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    ]
    assert headers[1]["Value"] == f"<{URL}>"


@pytest.mark.parametrize("handling", ["Custom", "None"])
def test_with_our_own_handling_nothing_is_touched(handling: str) -> None:
    message = {"HtmlBody": "<body>Hi</body>", "TextBody": "Hi", "Headers": OURS}
    sent = outgoing(message, handling, URL)
    assert sent == {"html": "<body>Hi</body>", "text": "Hi", "headers": OURS}


def test_only_links_of_the_mail_are_clicked_and_never_the_unsubscribe_link() -> None:
    message = {
        "HtmlBody": '<a href="https://a.example/?x=1&amp;y=2">A</a>'
        '<a href="https://nudge.example/u/token">leave</a><a href="mailto:a@b.de">m</a>',
        "TextBody": "see https://b.example/t.",
        "Headers": OURS,
    }
    assert links_to_click(message, "HtmlAndText") == [("HTML", "https://a.example/?x=1&y=2")]
    assert links_to_click(message, "TextOnly") == [("Text", "https://b.example/t.")]
    assert links_to_click(message, "None") == []


def test_one_click_needs_both_headers() -> None:
    assert one_click_url(OURS) == "https://nudge.example/u/token"
    assert one_click_url(OURS[:1]) is None
    assert one_click_url(None) is None


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("Hi {{name}}", "Hi &lt;b&gt;"),
        ("Hi {{{ name }}}", "Hi <b>"),
        ("{{shop.city}}/{{shop.none}}/{{none}}", "Riga//"),
    ],
)
def test_template_variables_are_filled_in(template: str, expected: str) -> None:
    model: dict[str, Any] = {"name": "<b>", "shop": {"city": "Riga"}}
    assert render(template, model, escape=True) == expected
