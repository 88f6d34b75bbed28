"""What the provider's API tells of an observation has the key of its webhook."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest

from infra.local.sandbox.payloads import Happening, bounce_fields, read_record, webhook_body
from infra.local.sandbox.search import message_event
from streams.steps.repairs import of_bounce, of_events, of_read, of_suppression
from streams.steps.webhooks import Observation, understand

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
AT = NOW.timestamp() + 0.123
MESSAGE = "883953f4-6105-42a2-a16a-77a8eac79483"
DELIVERY = "00000000-0000-0000-0000-00000000000d"
READ = {"client": 0, "place": 1}
LEFT = {"Origin": "Recipient", "SuppressSending": True, "SuppressionReason": "ManualSuppression"}


def happening(record_type: str, details: dict[str, Any] | None = None) -> Happening:
    metadata = orjson.dumps({"delivery_id": DELIVERY})
    return Happening(
        7, 1, "broadcast", "Ada@example.com", record_type, AT, details or {}, MESSAGE,
        tag="newsletter", metadata=metadata,
    )  # fmt: skip


def details_of(*happenings: Happening) -> dict[str, Any]:
    return {
        "MessageID": MESSAGE,
        "MessageStream": "broadcast",
        "Tag": "newsletter",
        "Metadata": {"delivery_id": DELIVERY},
        "MessageEvents": [message_event(each) for each in happenings],
    }


def seen(body: bytes) -> Observation:
    return understand(body, NOW)


def same(repaired: bytes, posted: bytes) -> None:
    """The same key, event and data; only our ids may have to come from the message."""
    one, other = seen(repaired), seen(posted)
    assert (one.key, one.kind, one.event, one.data) == (
        other.key, other.kind, other.event, other.data,
    )  # fmt: skip
    assert one.message_id == other.message_id


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("Open", {"FirstOpen": True, **READ}),
        ("Open", {"FirstOpen": False, **READ}),
        ("Click", {"ClickLocation": "HTML", "OriginalLink": "https://x.example", **READ}),
    ],
)
def test_a_listed_open_or_click_is_the_one_that_was_posted(
    kind: str, fields: dict[str, Any]
) -> None:
    read = happening(kind, fields)
    same(of_read(kind, read_record(read)), webhook_body(read))


@pytest.mark.parametrize(
    ("kind", "bounce_type"),
    [("Bounce", "HardBounce"), ("Bounce", "Transient"), ("SpamComplaint", "SpamComplaint")],
)
def test_a_listed_bounce_is_the_one_that_was_posted(kind: str, bounce_type: str) -> None:
    bounce = happening(kind, {"Type": bounce_type})
    listed = {k: v for k, v in bounce_fields(bounce).items() if k != "RecordType"}
    same(of_bounce(listed), webhook_body(bounce))


def test_a_delivery_among_the_events_of_a_message_is_the_one_that_was_posted() -> None:
    delivered = happening("Delivery")
    (body,) = of_events(details_of(delivered))

    same(body, webhook_body(delivered))
    assert seen(body).delivery_id == DELIVERY


def dumped(reason: str = "ManualSuppression", at: str = "2026-01-05T04:00:00-05:00") -> Any:
    """As Postmark dumps it: whole seconds, Eastern time."""
    return {"EmailAddress": "ada@example.com", "SuppressionReason": reason,
            "Origin": "Recipient", "CreatedAt": at}  # fmt: skip


def test_a_dumped_suppression_has_the_key_of_its_webhook_though_it_knows_only_seconds() -> None:
    left = happening("SubscriptionChange", LEFT)

    assert seen(of_suppression("broadcast", dumped())).key == seen(webhook_body(left)).key
    later = of_suppression("broadcast", dumped(at="2026-01-05T04:00:01-05:00"))
    assert seen(later).key != seen(webhook_body(left)).key
    assert seen(of_suppression("outbound", dumped())).key != seen(webhook_body(left)).key


@pytest.mark.parametrize("reason", ["ManualSuppression", "HardBounce", "SpamComplaint"])
def test_a_changed_subscription_takes_its_reason_from_the_dump(reason: str) -> None:
    left = happening("SubscriptionChange", {**LEFT, "SuppressionReason": reason})
    (body,) = of_events(details_of(left), [dumped(reason)])

    same(body, webhook_body(left))


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        (happening("Bounce", {"Type": "HardBounce"}), "HardBounce"),
        (happening("SpamComplaint", {"Type": "SpamComplaint"}), "SpamComplaint"),
        (happening("Delivery"), "ManualSuppression"),
    ],
)
def test_without_the_dump_what_happened_in_the_same_second_is_the_reason(
    other: Happening, reason: str
) -> None:
    left = happening("SubscriptionChange", {**LEFT, "SuppressionReason": reason})
    bodies = of_events(details_of(other, left))

    same(bodies[-1], webhook_body(left))


def test_somebody_who_came_back_has_no_reason() -> None:
    back = {"Origin": "Recipient", "SuppressSending": False, "SuppressionReason": None}
    (body,) = of_events(details_of(happening("SubscriptionChange", back)))

    assert seen(body).sign == "returned"


@pytest.mark.parametrize(
    "time", ["2026-01-05T09:00:00.1234567Z", "2026-01-05T04:00:00.123456-05:00"]
)
def test_the_same_moment_written_in_two_ways_is_the_same_observation(time: str) -> None:
    def opened(at: str) -> bytes:
        return json.dumps({"RecordType": "Open", "MessageID": "m", "ReceivedAt": at}).encode()

    assert seen(opened(time)).key == seen(opened("2026-01-05T09:00:00.123456+00:00")).key
    assert seen(opened(time)).key != seen(opened("2026-01-05T09:00:00.123457Z")).key


def test_events_in_an_unknown_shape_tell_nothing() -> None:
    assert of_events({}) == []
    assert of_events({"MessageEvents": [{"Type": "Opened"}, {}]}) == []
