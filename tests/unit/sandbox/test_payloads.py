"""Webhook bodies carry exactly Postmark's fields."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from infra.local.sandbox.payloads import Happening, webhook_body

_READ = "RecordType MessageStream MessageID Recipient Tag ReceivedAt Platform Client OS UserAgent"
FIELDS = {
    "Delivery": "RecordType ServerID MessageStream MessageID Recipient Tag DeliveredAt Details"
    " Metadata",
    "Bounce": "RecordType ID Type TypeCode Name Tag MessageID ServerID MessageStream Description"
    " Details Email From BouncedAt DumpAvailable Inactive CanActivate Subject Metadata",
    "Open": f"{_READ} Geo FirstOpen ServerID Metadata",
    "Click": f"{_READ} Geo ClickLocation OriginalLink Metadata",
    "SubscriptionChange": "RecordType MessageID ServerID MessageStream ChangedAt Recipient Origin"
    " SuppressSending SuppressionReason Tag Metadata",
}
DETAILS: dict[str, dict[str, Any]] = {
    "Delivery": {},
    "Bounce": {"Type": "HardBounce"},
    "SpamComplaint": {"Type": "SpamComplaint"},
    "Open": {"FirstOpen": True, "client": 0, "place": 1},
    "Click": {
        "ClickLocation": "HTML",
        "OriginalLink": "https://a.example",
        "client": 1,
        "place": 0,
    },
    "SubscriptionChange": {
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    },
}


def body(record_type: str) -> dict[str, Any]:
    happening = Happening(
        id=7,
        server_id=1,
        stream="broadcast",
        recipient="ada@example.com",
        record_type=record_type,
        at=1_767_600_000.5,
        details=DETAILS[record_type],
        message_id="m1",
        sender="b@bakery.example",
        subject="Fresh bread",
        tag="t",
        metadata=b'{"delivery_id":"d1"}',
    )
    parsed: dict[str, Any] = orjson.loads(webhook_body(happening))
    return parsed


@pytest.mark.parametrize("record_type", DETAILS)
def test_a_webhook_has_postmarks_fields(record_type: str) -> None:
    expected = FIELDS["Bounce" if record_type == "SpamComplaint" else record_type].split()
    parsed = body(record_type)
    assert sorted(parsed) == sorted(expected)
    assert parsed["RecordType"] == record_type
    assert parsed["Metadata"] == {"delivery_id": "d1"}


def test_times_are_written_in_utc() -> None:
    assert body("Delivery")["DeliveredAt"] == "2026-01-05T08:00:00.500Z"


def test_a_hard_bounce_says_that_the_address_is_inactive() -> None:
    bounce = body("Bounce")
    assert (bounce["TypeCode"], bounce["Inactive"], bounce["CanActivate"]) == (1, True, True)
    complaint = body("SpamComplaint")
    assert (complaint["TypeCode"], complaint["CanActivate"]) == (100001, False)
