"""What Postmark refuses is refused here, with the same ErrorCode, and nothing else is."""

from __future__ import annotations

from typing import Any

import pytest

from infra.local.sandbox.addresses import Mailbox, is_address, parse_mailboxes
from infra.local.sandbox.refusals import Checked, RefusedError, check_message
from infra.local.sandbox.servers import Server, default_streams

SERVER = Server(id=1, name="Bakery", api_tokens=["t"], streams=default_streams(1, ""))
GOOD: dict[str, Any] = {
    "From": "Bakery <hello@bakery.example>",
    "To": "ada@example.com",
    "Subject": "Fresh bread",
    "HtmlBody": "<p>Hi</p>",
    "MessageStream": "broadcast",
    "Metadata": {"delivery_id": "d1"},
}


def check(suppressed: tuple[str, ...] = (), **fields: Any) -> Checked:
    return check_message({**GOOD, **fields}, SERVER, lambda _stream, to: to in suppressed)


def test_a_good_message_is_taken_with_its_fields() -> None:
    checked = check()
    assert checked.sender == Mailbox("hello@bakery.example", "Bakery")
    assert checked.active == ["ada@example.com"]
    assert (checked.stream.id, checked.metadata) == ("broadcast", {"delivery_id": "d1"})


def test_fields_that_are_null_are_as_good_as_missing() -> None:
    nulls: dict[str, Any] = dict.fromkeys(
        ("Cc", "Bcc", "Tag", "TextBody", "ReplyTo", "Headers", "Attachments")
    )
    assert check(**nulls, TrackOpens=None, TrackLinks=None).track_links == "None"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"To": "no address"}, 300),
        ({"To": "a@b"}, 300),
        ({"To": ""}, 300),
        ({"To": ",".join(f"c{i}@example.com" for i in range(51))}, 300),
        ({"Cc": "ada@example.com, broken@"}, 300),
        ({"From": ""}, 300),
        ({"From": "a@example.com, b@example.com"}, 300),
        ({"From": "a@nobody.invalid"}, 400),
        ({"From": "a@unconfirmed.invalid"}, 401),
        ({"HtmlBody": "", "TextBody": None}, 300),
        ({"HtmlBody": "x" * (5 * 1024 * 1024 + 1)}, 300),
        ({"HtmlBody": "é" * (3 * 1024 * 1024)}, 300),
        ({"Tag": "t" * 1001}, 300),
        ({"Metadata": {"a name longer than twenty": "v"}}, 300),
        ({"Metadata": {"name": "v" * 81}}, 300),
        ({"Metadata": {str(i): "v" for i in range(11)}}, 300),
        ({"Metadata": {"name": 1}}, 403),
        ({"Metadata": ["name"]}, 403),
        ({"Subject": 3}, 403),
        ({"TrackOpens": "yes"}, 403),
        ({"TrackLinks": True}, 300),
        ({"Headers": {"Name": "X"}}, 403),
        ({"Headers": [{"Name": "X", "Value": "a\r\nBcc: b@example.com"}]}, 300),
        ({"Attachments": "file"}, 403),
        ({"Attachments": [{"Name": "a.EXE", "Content": "", "ContentType": "x"}]}, 411),
        ({"Attachments": [{"Name": "a.txt", "Content": "%%%", "ContentType": "x"}]}, 300),
        ({"MessageStream": "nowhere"}, 1235),
        ({"MessageStream": 7}, 1235),
        ({"MessageStream": "inbound"}, 1236),
    ],
)
def test_a_bad_message_is_refused_with_postmarks_code(fields: dict[str, Any], code: int) -> None:
    with pytest.raises(RefusedError) as refused:
        check(**fields)
    assert refused.value.code == code


@pytest.mark.parametrize("message", [None, 1, "text", [], [GOOD]])
def test_what_is_no_object_is_refused(message: Any) -> None:
    with pytest.raises(RefusedError) as refused:
        check_message(message, SERVER, lambda _stream, _to: False)
    assert refused.value.code == 403


def test_a_message_to_suppressed_people_only_is_refused() -> None:
    with pytest.raises(
        RefusedError, match=r"Found inactive addresses: ada@example\.com"
    ) as refused:
        check(suppressed=("ada@example.com",))
    assert refused.value.code == 406


def test_a_message_to_one_suppressed_person_of_two_goes_to_the_other() -> None:
    checked = check(suppressed=("ada@example.com",), To="Ada@example.com, bob@example.com")
    assert checked.active == ["bob@example.com"]
    assert checked.inactive == ["Ada@example.com"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a@b.de", [Mailbox("a@b.de")]),
        ('"Doe, Jane" <j@b.de>', [Mailbox("j@b.de", "Doe, Jane")]),
        ("J <j@b.de>, k@b.de", [Mailbox("j@b.de", "J"), Mailbox("k@b.de")]),
        ("josé@exämple.de", [Mailbox("josé@exämple.de")]),
        ("", []),
    ],
)
def test_mailboxes_are_read_in_order(text: str, expected: list[Mailbox]) -> None:
    assert parse_mailboxes(text) == expected


@pytest.mark.parametrize(
    "text", ["", "a", "a@b", "a@@b.de", "a b@c.de", ".a@b.de", "a..b@c.de", "a@-b.de", "a\0@b.de"]
)
def test_what_is_no_address_is_seen(text: str) -> None:
    assert not is_address(text)
