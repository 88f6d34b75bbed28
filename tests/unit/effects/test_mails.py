"""From approved content and one person to one message."""
# ruff: noqa: ARG002 - fakes take what the ports pass

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from domain.campaign.content.brief import ContentError
from domain.campaign.values import Content, Email, Sender
from streams.effects.ports import CampaignContent, Claim, Lane, Recipient, Sending
from streams.effects.sending.mails import MailShop, read_template

SENDING = Sending("org", "token", "broadcast", "outbound", "Postmark", "u", "p", 3)
LANE = Lane("org", "campaign-1", "campaign")
HTML = '<body>Hi {{ first_name | default: "there" }} <a href="{{ unsubscribe_url }}">x</a></body>'
EMAIL = Email(
    1, 0, "Hello {{ first_name }}", "", HTML, "Hi {{ first_name }}, {{ unsubscribe_url }}"
)
CONTENT = Content("Spring", {}, (EMAIL,), Sender("Bäckerei, Rosa", "rosa@example.com", "1 Oak St"))
ADA = Recipient("d-1", 1, "c-1", "Ada@example.com", b"", {"first_name": "Ada <b>"})


class Shelf:
    """One content, and how often it was asked for."""

    def __init__(self, content: Content = CONTENT) -> None:
        self.content_of = CampaignContent("win_back", content)
        self.asked = 0

    def content(self, lane: Lane, content_hash: str) -> CampaignContent:
        self.asked += 1
        return self.content_of


def claim(*recipients: Recipient, lane: Lane = LANE) -> Claim:
    return Claim("batch-1", lane, "hash", recipients, len(recipients))


def message(
    sending: Sending = SENDING, lane: Lane = LANE, to: Recipient = ADA, of: Content = CONTENT
) -> dict[str, Any]:
    shop = MailShop.of(Shelf(of), lambda delivery, _: f"https://us.example/u/{delivery}")
    return shop.message(sending, claim(to, lane=lane), to)


def test_a_message_carries_everything_that_is_needed_to_follow_it() -> None:
    made = message()

    assert made["Metadata"] == {
        "delivery_id": "d-1",
        "batch_id": "batch-1",
        "campaign_id": "campaign-1",
        "campaign_part": "campaign-1-d-",
        "organization_id": "org",
        "step": "1",
        "kind": "campaign",
    }
    assert made["Headers"] == {"X-NudgeCampaign-ID": "campaign-1"}
    assert (made["To"], made["Tag"]) == ("Ada@example.com", "win_back")
    assert (made["TrackOpens"], made["TrackLinks"]) == (True, "HtmlAndText")
    assert made["From"] == '"Bäckerei, Rosa" <rosa@example.com>'
    assert made["MessageStream"] == "broadcast"


def test_fields_are_escaped_in_html_and_plain_elsewhere() -> None:
    made = message()

    assert "Hi Ada &lt;b&gt; " in made["HtmlBody"]
    assert made["TextBody"].startswith("Hi Ada <b>, ")
    assert made["Subject"] == "Hello Ada <b>"


def test_postmark_makes_the_link_where_the_stream_says_so() -> None:
    made = message()
    assert "{{{ pm:unsubscribe }}}" in made["HtmlBody"]
    assert "List-Unsubscribe" not in made["Headers"]


@pytest.mark.parametrize("handling", ["Custom", "None"])
def test_else_the_link_is_ours_with_one_click_headers(handling: str) -> None:
    made = message(replace(SENDING, handling=handling))

    assert "https://us.example/u/d-1" in made["HtmlBody"]
    assert "https://us.example/u/d-1" in made["TextBody"]
    assert made["Headers"]["List-Unsubscribe"] == "<https://us.example/u/d-1>"
    assert made["Headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


def test_a_test_mail_looks_the_same_and_says_that_it_is_one() -> None:
    test, real = message(lane=Lane("org", "campaign-1", "test")), message()
    assert test["Subject"] == "[Test] Hello Ada <b>"
    assert test["Metadata"] == {**real["Metadata"], "kind": "test"}
    told = dict.fromkeys(("Subject", "Metadata"))
    assert {**test, **told} == {**real, **told}


def test_link_and_postal_address_are_added_to_what_an_owner_brought_without() -> None:
    bare = replace(CONTENT, emails=(Email(1, 0, "S", "", "<body>Hi</body>", "Hi"),))
    made = message(of=bare)
    for body in (made["HtmlBody"], made["TextBody"]):
        assert "1 Oak St" in body
        assert "{{{ pm:unsubscribe }}}" in body


def test_a_line_break_in_a_field_cannot_break_the_subject() -> None:
    made = message(to=replace(ADA, fields={"first_name": "Ada\r\nBcc: all"}))
    assert made["Subject"] == "Hello Ada Bcc: all"


def test_an_e_mail_is_read_once_for_all_of_its_batches() -> None:
    shelf = Shelf()
    shop = MailShop.of(shelf, lambda delivery, _: delivery)
    for _ in range(3):
        shop.message(SENDING, claim(ADA), ADA)
    assert shelf.asked == 1


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (replace(CONTENT, emails=()), "content_missing"),
        (replace(CONTENT, emails=(replace(EMAIL, html="{{ oops"),)), "template_invalid"),
        (replace(CONTENT, sender=Sender("A", "no address", "x")), "sender_invalid"),
    ],
)
def test_content_that_cannot_be_used_is_refused_by_its_code(content: Content, code: str) -> None:
    with pytest.raises(ContentError) as refused:
        read_template(CampaignContent("welcome", content), 1)
    assert refused.value.code == code
