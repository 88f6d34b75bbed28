"""The stored mail: readable for everybody, small, the same in HTML and in text."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import get_args

import pytest

from domain.campaign.content.brief import CampaignType, ContentBrief
from domain.campaign.content.copywriter import write_email
from domain.campaign.content.layout import (
    MARKER,
    to_html,
    to_text,
    unsubscribe_field,
    with_footer,
)
from domain.campaign.content.packs import packs
from domain.campaign.content.personalise import compile as compile_template
from domain.campaign.content.personalise import render
from tests.unit.content.briefs import LAST_DAY, TWENTY_OFF, WIN_BACK, business

PROFILE = business()
BRIEF = replace(WIN_BACK, expires=LAST_DAY, discount_code="BACK20")
DRAFT = write_email(PROFILE, BRIEF)
FIELDS = {"first_name": "Zoë & Co", "unsubscribe_url": "https://nudge.example/u/t?a=1&b=2"}


class Tables(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.roles: list[str | None] = []
        self.language: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.roles.append(dict(attrs).get("role"))
        if tag == "html":
            self.language = dict(attrs).get("lang")


def test_tables_are_for_layout_only_and_the_language_is_said() -> None:
    page = Tables()
    page.feed(to_html(DRAFT, PROFILE))
    assert page.roles
    assert set(page.roles) == {"presentation"}
    assert page.language == "en"


@pytest.mark.parametrize("kind", get_args(CampaignType))
def test_every_mail_stays_under_30_kb(kind: CampaignType) -> None:
    brief = ContentBrief(kind, offer=TWENTY_OFF, expires=LAST_DAY, discount_code="BACK20")
    assert len(to_html(write_email(PROFILE, brief), PROFILE).encode()) < 30_000


def test_html_and_text_say_the_same() -> None:
    html = render(compile_template(to_html(DRAFT, PROFILE)), FIELDS)
    text = render(compile_template(to_text(DRAFT, PROFILE), html=False), FIELDS)
    flat = " ".join(text.split())
    for said in (*DRAFT.paragraphs, DRAFT.ps, DRAFT.code, DRAFT.button_label, DRAFT.headline):
        assert said
        assert said in flat
        assert said.replace("&", "&amp;").replace("'", "&#39;") in html
    assert "Hi Zoë & Co," in text
    assert "Hi Zoë &amp; Co," in html
    assert "{{" not in html + text


def test_the_footer_says_who_where_and_why() -> None:
    for mail in (to_html(DRAFT, PROFILE), to_text(DRAFT, PROFILE)):
        assert "Hauptstrasse 1, 1010 Vienna, Austria" in mail
        assert "because you agreed to hear from" in mail
        assert mail.count(MARKER) == 1


def test_the_marker_takes_our_own_link_or_postmarks_placeholder() -> None:
    html, text = to_html(DRAFT, PROFILE), to_text(DRAFT, PROFILE)
    own = {**FIELDS, "unsubscribe_url": unsubscribe_field("Custom", "https://n.example/u/t?a&b")}
    theirs = {**FIELDS, "unsubscribe_url": unsubscribe_field("Postmark", "https://n.example/u/t")}
    assert 'href="https://n.example/u/t?a&amp;b"' in render(compile_template(html), own)
    assert 'href="{{{ pm:unsubscribe }}}"' in render(compile_template(html), theirs)
    assert "{{{ pm:unsubscribe }}}" in render(compile_template(text, html=False), theirs)


def test_what_an_owner_typed_cannot_break_out_of_the_page() -> None:
    evil = replace(
        PROFILE,
        name='</title><script>alert("1")</script>',
        postal_address="<img src=x> {{ email }}",
        website='https://x.example/"><b>{{ email }}',
    )
    draft = write_email(evil, replace(BRIEF, discount_code="<i>", product="<u>{% raw %}"))
    html = render(compile_template(to_html(draft, evil)), {"email": "secret@x.example"})
    assert not re.search(r"<(script|img|i|u|b)\b", html)
    assert "secret@x.example" not in html


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_white_on_every_accent_can_be_read() -> None:
    for industry in packs().industries.values():
        assert 1.05 / (luminance(industry.accent) + 0.05) >= 4.5, industry.name


def test_a_mail_that_an_owner_brought_gets_what_it_lacks() -> None:
    html, text = with_footer("<html><body><p>Hi</p></body></html>", "Hi", PROFILE)
    assert html.endswith("</body></html>")
    for mail in (html, text):
        assert mail.count(MARKER) == 1
        assert "Hauptstrasse 1, 1010 Vienna, Austria" in mail
        assert compile_template(mail)
    assert with_footer(html, text, PROFILE) == (html, text)


def test_postmarks_placeholder_in_a_mail_that_an_owner_brought_becomes_the_marker() -> None:
    brought = '<a href="{{{ pm:unsubscribe }}}">Bye</a> {{{pm:unsubscribe_url}}}'
    html, text = with_footer(brought, "", PROFILE)
    assert html == f'<a href="{MARKER}">Bye</a> {MARKER}'
    assert text == ""
    assert compile_template(html)
