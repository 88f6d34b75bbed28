"""Events to ClickHouse rows: what stands where, and what never gets in."""

from __future__ import annotations

import json
import os
import random
from typing import Any

import pytest

from projections.batch import Record
from projections.clickhouse import record_rows
from projections.clickhouse.rows import deliveries, events, turns
from projections.clickhouse.rows.fields import UnwritableEventError, ensure_ids, json_text
from schemas.codec import Codec, Event
from schemas.registry import default_registry
from tests.support.histories import STREAMS, history, identity, make_event, records

CODEC = Codec(default_registry(), os.urandom)
DELIVERY = identity("delivery", 1)


def as_stored(event: Event) -> Record:
    """The event as the relay produces it, personal fields sealed."""
    [log] = records(CODEC, [event]).values()
    return log[0]


def named(event: Event) -> dict[str, object]:
    row = deliveries.row(event)
    assert row is not None
    return dict(zip(deliveries.COLUMNS, row, strict=True))


@pytest.mark.parametrize("event_type", [t for types in STREAMS.values() for t in types])
def test_every_event_type_becomes_one_row_without_sealed_fields_and_hashes(event_type: str) -> None:
    stored = as_stored(make_event(event_type, DELIVERY, n=3))
    [entry] = record_rows.entries(CODEC, [stored])
    assert entry.event is not None
    row = dict(zip(events.COLUMNS, entry.event, strict=True))
    schema = default_registry().latest(event_type)
    own = {field["name"]: field for field in schema.definition["fields"][1:]}
    expected = {name for name, field in own.items() if field["type"] != "bytes"}
    assert set(json.loads(row["data"])) == expected
    assert row["type"] == event_type
    assert row["position"] == 1


@pytest.mark.parametrize(
    ("event_type", "fields", "name", "reason"),
    [
        ("DeliveryIntended", {}, "intended", ""),
        ("DeliveryClaimed", {}, "claimed", ""),
        ("DeliveryReturned", {"reason": "refused_429"}, "returned", "refused_429"),
        ("DeliveryWithheld", {"reason": "no_consent"}, "withheld", "no_consent"),
        ("DeliveryAccepted", {}, "accepted", ""),
        ("DeliveryRefused", {"error_code": 300}, "refused", "300"),
        ("DeliveryAmbiguous", {"reason": "timeout"}, "ambiguous", "timeout"),
        ("DeliveryHeld", {}, "held", ""),
        ("DeliveryReleased", {}, "returned", "released"),
        ("DeliveryClosed", {}, "withheld", "given_up"),
        ("Delivered", {}, "delivered", ""),
        ("Opened", {}, "opened", ""),
        ("Clicked", {}, "clicked", ""),
        ("Bounced", {"bounce_type": "HardBounce"}, "bounced", "HardBounce"),
        ("Complained", {}, "complained", ""),
        ("SubscriptionChanged", {"suppress": True, "reason": ""}, "unsubscribed", ""),
        (
            "SubscriptionChanged",
            {"suppress": True, "reason": "SpamComplaint"},
            "suppressed",
            "SpamComplaint",
        ),
        ("SubscriptionChanged", {"suppress": False, "reason": ""}, "resubscribed", ""),
    ],
)
def test_a_delivery_event_has_a_stable_name_and_a_reason(
    event_type: str, fields: dict[str, Any], name: str, reason: str
) -> None:
    row = named(make_event(event_type, DELIVERY, kind="campaign", **fields))
    assert (row["event"], row["reason"]) == (name, reason)
    assert row["delivery_id"] == DELIVERY


def test_the_mailbox_provider_is_empty_until_it_is_known() -> None:
    claimed = make_event("DeliveryClaimed", DELIVERY, kind="campaign", mailbox_provider="gmail")
    unknown = make_event("Delivered", DELIVERY, kind="campaign", mailbox_provider=None)
    without = make_event("DeliveryHeld", DELIVERY, kind="campaign")
    assert [named(e)["mailbox_provider"] for e in (claimed, unknown, without)] == ["gmail", "", ""]


def test_a_test_mail_has_no_row_among_deliveries() -> None:
    for event_type in STREAMS["delivery"]:
        assert deliveries.row(make_event(event_type, DELIVERY, kind="test")) is None


def test_only_a_recognised_intent_makes_a_turn() -> None:
    stream = identity("conversation", 1)
    for event_type in STREAMS["conversation"]:
        row = turns.row(make_event(event_type, stream, intent="help", processing_ms=12))
        assert (row is not None) == (event_type == "IntentRecognized")
        if row is not None:
            named_row = dict(zip(turns.COLUMNS, row, strict=True))
            assert named_row["conversation_id"] == stream
            assert (named_row["intent"], named_row["processing_ms"]) == ("help", 12)


def test_bytes_are_left_out_of_json_also_inside_of_lists() -> None:
    data = {"a": b"x", "b": [{"c": b"y", "d": 1}, b"z"], "e": None}
    assert json.loads(json_text(data)) == {"b": [{"d": 1}], "e": None}


@pytest.mark.parametrize("bad", ["", "x" * 36, DELIVERY[:-1], DELIVERY.replace("-", ""), "é" * 36])
def test_what_is_no_uuid_is_refused_by_name(bad: str) -> None:
    ensure_ids([DELIVERY, DELIVERY.upper()])
    with pytest.raises(UnwritableEventError, match="no UUID"):
        ensure_ids([DELIVERY, bad])


@pytest.mark.parametrize("position", [None, b"", b"x", b"0", b"-4"])
def test_a_record_without_a_position_is_refused(position: bytes | None) -> None:
    headers = {} if position is None else {"position": position}
    with pytest.raises(UnwritableEventError, match="no position"):
        record_rows.position_of(Record("contact-events", 0, 7, None, b"", headers))


def test_a_time_that_clickhouse_cannot_hold_is_refused() -> None:
    event = make_event("Delivered", DELIVERY, kind="campaign")
    event.occurred_at = 2**62
    with pytest.raises(UnwritableEventError, match="no time"):
        events.row(event)


def test_repeated_positions_have_no_rows_but_keep_their_offsets() -> None:
    logs = records(CODEC, history(random.Random(4), streams=12))
    log = max(logs.values(), key=len)
    entries = record_rows.entries(CODEC, log)
    again = record_rows.without_repeats([*entries, *entries], 0)
    assert [e.offset for e in again] == [e.offset for e in [*entries, *entries]]
    assert [e.event is None for e in again] == [False] * len(entries) + [True] * len(entries)
    assert all(e.event is None for e in record_rows.without_repeats(entries, 10_000))
