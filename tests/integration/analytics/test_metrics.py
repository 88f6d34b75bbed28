"""The SQL of the data dictionary, the views and the API's queries agree with Postgres's fold."""

from __future__ import annotations

import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from projections.clickhouse.queries import METRICS, campaign_metrics, report
from projections.postgres.counters import counts_of
from projections.postgres.views.deliveries import DeliveryRow, fold
from schemas.codec import Event, to_datetime
from tests.integration.analytics.conftest import BY_HAND, CODEC, MakeWriter
from tests.support.histories import (
    ORGANIZATION,
    STREAMS,
    batch_of,
    identity,
    make_event,
    records,
)

DICTIONARY = Path(__file__).parents[3] / "docs" / "reference" / "data-dictionary.md"
BLOCKS = dict(
    re.findall(r"#### ([^\n]+)\n(?:(?!####).)*?```sql\n(.*?)```", DICTIONARY.read_text(), re.DOTALL)
)
CAMPAIGN = identity("campaign", 0)
OTHER = identity("another organization")
FROM = datetime(2026, 1, 5, tzinfo=UTC)
TO = FROM + timedelta(days=3)


def deliveries_of_a_campaign(seed: int) -> list[Event]:
    """400 deliveries, each with anything in any order after its intention, over three days."""
    rng = random.Random(seed)
    events: list[Event] = []
    open_streams = [identity("delivery", seed, n) for n in range(400)]
    versions: Counter[str] = Counter()
    while open_streams:
        stream = rng.choice(open_streams)
        versions[stream] += 1
        event_type = (
            "DeliveryIntended" if versions[stream] == 1 else rng.choice(STREAMS["delivery"][1:])
        )
        organization = OTHER if stream.startswith("0") else ORGANIZATION
        provider = rng.choice(("gmail", "outlook", "other"))
        fields: dict[str, Any] = {"suppress": rng.random() < 0.7, "mailbox_provider": provider}
        known = make_event(event_type, stream).data
        event = make_event(
            event_type, stream, versions[stream], len(events) + 1, organization, rng.randint(0, 9),
            **{k: v for k, v in fields.items() if k in known},
        )  # fmt: skip
        event.occurred_at += len(events) * 60_000_000
        events.append(event)
        if rng.random() < 0.2:
            open_streams.remove(stream)
    return events


def turns_of_a_conversation() -> list[Event]:
    stream = identity("conversation", 7)
    types = ("TurnReceived", "IntentRecognized", "ReplyGiven") * 5
    return [
        make_event(
            event_type, stream, n + 1, 100_000 + n, n=n, **(
                {"intent": ("help", "send_test")[n % 2], "processing_ms": 40 + n}
                if event_type == "IntentRecognized" else
                {"processing_ms": 10 * n} if event_type == "ReplyGiven" else {}
            ),
        )
        for n, event_type in enumerate(types)
    ]  # fmt: skip


def folded(events: list[Event]) -> list[DeliveryRow]:
    rows: dict[str, DeliveryRow | None] = {}
    for event in events:
        if event.topic == "delivery-events":
            rows[event.stream_id] = fold(rows.get(event.stream_id), event)
    return [row for row in rows.values() if row is not None]


def recounted(events: list[Event]) -> dict[str, int]:
    total: Counter[str] = Counter(dict.fromkeys(METRICS, 0))
    for row in folded(events):
        if row.organization_id == ORGANIZATION:
            total.update(counts_of(row))
    return dict(total)


def write(make_writer: MakeWriter, events: list[Event]) -> None:
    writer = make_writer(BY_HAND)
    for partition, log in records(CODEC, events).items():
        writer.handle(batch_of(partition, log))
    writer.flush()


def ask(client: Client, name: str) -> list[tuple[Any, ...]]:
    parameters = {
        "organization_id": ORGANIZATION,
        "campaign_id": CAMPAIGN,
        "from": FROM.strftime("%Y-%m-%d %H:%M:%S"),
        "to": TO.strftime("%Y-%m-%d %H:%M:%S"),
    }
    return [tuple(row) for row in client.query(BLOCKS[name], parameters=parameters).result_rows]


@pytest.mark.parametrize("seed", range(2))
def test_every_metric_of_the_dictionary_equals_the_read_model(
    make_writer: MakeWriter, clickhouse: Client, seed: int
) -> None:
    events = deliveries_of_a_campaign(seed)
    write(make_writer, events)
    expected = recounted(events)
    assert all(expected.values()), "the history should move every number"
    assert {name: ask(clickhouse, name)[0][0] for name in METRICS} == expected

    answered = campaign_metrics(clickhouse, ORGANIZATION, CAMPAIGN)
    assert answered["metrics"] == expected
    assert [step["step"] for step in answered["steps"]] == [1, 2]
    assert sum(answered["withheld_reasons"].values()) == expected["withheld"]


def test_the_state_of_every_delivery_equals_the_read_model(
    make_writer: MakeWriter, clickhouse: Client
) -> None:
    events = deliveries_of_a_campaign(3)
    write(make_writer, events)
    found = clickhouse.query(
        "SELECT toString(delivery_id), state, mailbox_provider, opened, clicked, step "
        "FROM delivery_states"
    ).result_rows
    assert sorted(map(tuple, found)) == sorted(
        (r.id, r.state, r.mailbox_provider or "", r.opened, r.clicked, r.step)
        for r in folded(events)
        if r.kind == "campaign"
    )


def test_an_unknown_campaign_has_zeros(clickhouse: Client) -> None:
    answered = campaign_metrics(clickhouse, ORGANIZATION, identity("nothing"))
    assert answered["metrics"] == dict.fromkeys(METRICS, 0)
    assert (answered["steps"], answered["withheld_reasons"]) == ([], {})


def test_the_reports_of_the_dictionary_count_what_happened(
    make_writer: MakeWriter, clickhouse: Client
) -> None:
    events = deliveries_of_a_campaign(4) + turns_of_a_conversation()
    write(make_writer, events)
    own = [
        e
        for e in events
        if e.organization_id == ORGANIZATION and e.data.get("kind", "campaign") == "campaign"
    ]
    opens = [e for e in own if e.type == "Opened" and FROM <= to_datetime(e.occurred_at) < TO]
    days = Counter(to_datetime(e.occurred_at).date() for e in opens)
    assert [(day, n) for day, n, _ in ask(clickhouse, "Opens by day")] == sorted(days.items())

    rows = [r for r in folded(own) if r.kind == "campaign"]
    accepted = Counter(r.mailbox_provider or "" for r in rows if r.accepted)
    found = {row[0]: row[1] for row in ask(clickhouse, "By mailbox provider")}
    assert {provider: n for provider, n in found.items() if n} == dict(accepted)

    assert [row[1:3] for row in ask(clickhouse, "Intents by day")] == [
        ("help", 2),
        ("send_test", 3),
    ]
    assert ask(clickhouse, "Reply times") == [(5, [80, 140, 140])]
    bounces = [e.position for e in own if e.type == "Bounced"]
    assert [row[0] for row in ask(clickhouse, "From a number to its events")] == bounces


def test_the_report_counts_a_period_of_one_organization(
    make_writer: MakeWriter, clickhouse: Client
) -> None:
    events = deliveries_of_a_campaign(5) + turns_of_a_conversation()
    write(make_writer, events)
    end = FROM + timedelta(days=1, hours=7)
    found = report(clickhouse, ORGANIZATION, FROM, end)
    own = [
        e
        for e in events
        if e.organization_id == ORGANIZATION
        and e.data.get("kind") == "campaign"
        and to_datetime(e.occurred_at) < end
    ]
    clicks = [e for e in own if e.type == "Clicked"]
    assert found["totals"]["clicked"] == len(clicks) > 0
    assert found["totals"]["clicked_unique"] == len({e.stream_id for e in clicks})
    for part in ("days", "campaigns", "mailbox_providers"):
        assert sum(row["clicked"] for row in found[part]) == len(clicks)
    assert [row["campaign_id"] for row in found["campaigns"]] == [CAMPAIGN]
    assert [(row["intent"], row["turns"]) for row in found["intents"]] == [
        ("send_test", 3),
        ("help", 2),
    ]
    assert found["replies"] == {"count": 5, "p50_ms": 80, "p95_ms": 140, "p99_ms": 140}
    empty = report(clickhouse, identity("nobody"), FROM, end)
    assert (empty["days"], empty["intents"], empty["replies"]["p50_ms"]) == ([], [], None)
    assert set(empty["totals"].values()) == {0}


def test_the_dictionary_describes_every_column_there_is(clickhouse: Client) -> None:
    text = DICTIONARY.read_text()
    described = {
        (table, column, kind)
        for table, section in re.findall(r"\n### `(\w+)`\n(.*?)(?=\n##|\Z)", text, re.DOTALL)
        for column, kind in re.findall(
            r"\n\| `(\w+)` \| ((?:U?Int|Float|UUID|String|DateTime|LowCard)[^|]*?) \|", section
        )
    }
    tables = {table for table, _, _ in described}
    assert tables == {"events", "turns", "deliveries", "progress", "delivery_states"}
    there = clickhouse.query(
        "SELECT table, name, type FROM system.columns WHERE database = currentDatabase() "
        "AND table IN {tables:Array(String)}",
        parameters={"tables": sorted(tables)},
    ).result_rows
    assert described == {tuple(row) for row in there}
