"""Webhooks understood, and what signs about an address add up to."""

from __future__ import annotations

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from infra.event_log import MOST_EVENTS
from schemas.codec import to_micros
from streams.agents import reactions, waiting
from streams.steps.suppression import NO_SIGNS, Change, Signs, change, meaning, with_signs
from streams.steps.webhooks import Observation, Sign, UnreadableWebhookError, understand

RECEIVED = datetime(2026, 1, 5, 9, tzinfo=UTC)
DELIVERY = "00000000-0000-0000-0000-00000000000d"


def seen(kind: str, **fields: Any) -> Observation:
    return understand(json.dumps({"RecordType": kind, **fields}).encode(), RECEIVED)


def test_a_delivery_names_message_recipient_and_our_ids() -> None:
    got = seen(
        "Delivery", MessageID="m", Recipient="a@example.com", DeliveredAt="2026-01-05T08:59:00Z",
        Metadata={"delivery_id": DELIVERY.upper(), "batch_id": "no uuid"},
    )  # fmt: skip

    assert (got.event, got.message_id, got.recipient) == ("Delivered", "m", "a@example.com")
    assert (got.delivery_id, got.batch_id) == (DELIVERY, None)
    assert got.at == to_micros(RECEIVED - timedelta(minutes=1))
    assert got.sign is None


@pytest.mark.parametrize(
    "time", [None, "", "yesterday", 17, "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", {}]
)
def test_a_time_that_is_none_is_the_time_of_receipt(time: object) -> None:
    assert seen("Open", ReceivedAt=time).at == to_micros(RECEIVED)


@pytest.mark.parametrize(
    ("time", "second"), [("2026-01-05T09:00:01.9070259Z", 1), ("2026-01-05T04:00:02-05:00", 2)]
)
def test_postmark_s_ways_to_write_a_time_are_read(time: str, second: int) -> None:
    moment = datetime(2026, 1, 5, 9, 0, second, tzinfo=UTC)
    assert seen("Open", ReceivedAt=time).at // 1_000_000 == to_micros(moment) // 1_000_000


@pytest.mark.parametrize(
    ("fields", "sign"),
    [
        ({"Type": "HardBounce", "Inactive": True}, "hard_bounced"),
        ({"Type": "BadEmailAddress"}, "hard_bounced"),
        ({"Type": "SoftBounce", "Inactive": False}, None),
        ({"Type": "Transient"}, None),
        ({"Type": "ManuallyDeactivated", "Inactive": True}, "inactive"),
        ({"Type": "Unsubscribe", "Inactive": True}, "unsubscribed"),
        ({"Type": "SpamComplaint", "Inactive": True}, "complained"),
        ({"Type": "NeverHeardOf"}, None),
        ({"Type": None, "Inactive": "true"}, None),
    ],
)
def test_what_a_bounce_says_about_the_address(fields: dict[str, Any], sign: str | None) -> None:
    assert seen("Bounce", ID=1, Email="a@example.com", **fields).sign == sign


@pytest.mark.parametrize(
    ("suppress", "origin", "reason", "sign"),
    [
        (True, "Recipient", "ManualSuppression", "unsubscribed"),
        (True, "Recipient", "HardBounce", "hard_bounced"),
        (True, "Recipient", "SpamComplaint", "complained"),
        (True, "Customer", "ManualSuppression", "inactive"),
        (False, "Recipient", None, "returned"),
        (False, "Customer", None, "lifted"),
    ],
)
def test_what_a_change_of_subscription_says(
    suppress: bool, origin: str, reason: str | None, sign: str
) -> None:
    fields = {"SuppressSending": suppress, "Origin": origin, "SuppressionReason": reason}
    assert seen("SubscriptionChange", Recipient="a@example.com", **fields).sign == sign


def test_the_same_observation_has_the_same_key_and_a_true_repeat_another() -> None:
    first = seen("Open", MessageID="m", Recipient="a", ReceivedAt="1", FirstOpen=True)
    again = seen("Open", MessageID="m", Recipient="a", ReceivedAt="1", FirstOpen=True, Tag="x")
    later = seen("Open", MessageID="m", Recipient="a", ReceivedAt="2", FirstOpen=False)

    assert first.key == again.key != later.key
    assert seen("Bounce", ID=1).key != seen("SpamComplaint", ID=1).key


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no JSON"),
        (b"\xff", "no JSON"),
        (b"3", "no object"),
        (b"[]", "no object"),
        (b"{}", "unknown RecordType"),
        (b'{"RecordType": ["Open"]}', "unknown RecordType"),
        (b'{"RecordType": "Opened"}', "unknown RecordType"),
        (b'{"FromFull": {}, "From": "a"}', "inbound"),
    ],
)
def test_what_is_no_webhook_says_why(body: bytes, why: str) -> None:
    with pytest.raises(UnreadableWebhookError, match=why):
        understand(body, RECEIVED)


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)
_NAMES = (
    "MessageID", "Recipient", "Email", "Metadata", "ID", "Type", "Inactive", "ReceivedAt", "Geo",
    "BouncedAt", "ChangedAt", "SuppressSending", "Origin", "SuppressionReason", "UserAgent",
    "OriginalLink", "FirstOpen", "MessageStream", "Platform",
)  # fmt: skip
_KINDS = ("Delivery", "Bounce", "SpamComplaint", "Open", "Click", "SubscriptionChange")


@example("Bounce", {"Type": ["HardBounce"]})
@given(st.sampled_from(_KINDS), st.dictionaries(st.sampled_from(_NAMES), _JSON))
def test_a_known_kind_is_understood_whatever_its_fields_hold(
    kind: str, fields: dict[str, Any]
) -> None:
    got = seen(kind, **fields)

    assert got.kind == kind
    texts = [value for value in got.data.values() if isinstance(value, str)]
    assert not any("\x00" in text or len(text) > 2_000 for text in texts)


def moment(hour: int) -> datetime:
    return datetime(2026, 1, 5, hour, tzinfo=UTC)


@pytest.mark.parametrize(
    ("signs", "reason"),
    [
        (Signs(), None),
        (Signs(complained=moment(1), returned=moment(9)), "complained"),
        (Signs(unsubscribed=moment(1), returned=moment(2)), None),
        (Signs(unsubscribed=moment(2), returned=moment(1)), "unsubscribed"),
        (Signs(unsubscribed=moment(1), lifted=moment(2)), "unsubscribed"),
        (Signs(hard_bounced=moment(1), lifted=moment(2)), None),
        (Signs(hard_bounced=moment(1), returned=moment(2)), None),
        (Signs(hard_bounced=moment(2), lifted=moment(2)), "hard_bounced"),
        (
            Signs(inactive=moment(3), hard_bounced=moment(1), lifted=moment(2)),
            "inactive_at_provider",
        ),
    ],
)
def test_what_signs_add_up_to(signs: Signs, reason: str | None) -> None:
    assert meaning(signs) == reason


_SIGNS = st.lists(st.tuples(st.sampled_from(get_args(Sign)), st.integers(1, 6)), max_size=4)


@given(_SIGNS)
def test_every_order_and_repetition_of_signs_leaves_the_same_suppression(
    heard: list[tuple[Sign, int]],
) -> None:
    """What is recorded step by step is what the signs mean, whatever their order."""
    expected = meaning(with_signs(NO_SIGNS, [(sign, moment(hour)) for sign, hour in heard]))
    for order in itertools.permutations(heard):
        present, signs = None, NO_SIGNS
        for sign, hour in [*order, *order[:1]]:
            after = with_signs(signs, [(sign, moment(hour))])
            what = change(present, signs, after, since=None)
            if what.reactivate:
                present = None
            present = what.suppress or present
            signs = after
        assert present == expected


def test_an_earlier_return_does_not_lift_what_a_link_did_later() -> None:
    returned = Signs(returned=moment(3))

    assert change("unsubscribed", NO_SIGNS, returned, since=moment(4)) == Change()
    assert change("unsubscribed", NO_SIGNS, returned, since=moment(2)).reactivate


@pytest.mark.parametrize("present", ["complained", "deleted", "erased"])
def test_nothing_a_provider_says_lifts_what_stays(present: Any) -> None:
    after = Signs(lifted=moment(3), returned=moment(3))

    assert change(present, NO_SIGNS, after, since=moment(1)) == Change()


def test_no_transaction_of_webhooks_outgrows_an_append() -> None:
    """One makes four events at most: acceptance, what was observed, two about the address."""
    assert 4 * max(reactions.CHUNK, waiting.CHUNK) <= MOST_EVENTS
