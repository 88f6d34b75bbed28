"""Compiled audience conditions find exactly the contacts that a brute-force evaluator finds."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from infra.postgres import Connection
from projections.postgres.views import contacts as contacts_view
from projections.postgres.writer import ProjectionWriter
from projections.queries.audience import Audience, audience_count, audience_page
from schemas.codec import Codec, Event
from tests.support.audience_evaluator import matches
from tests.support.histories import ORGANIZATION, batch_of, identity, make_event, records

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
WORDS = ["", "ada", "Ada", "berlin", "50%_off", "o'neil", 'a "b"', "back\\slash", "vip", "{x}"]
DATES = [
    "2026-01-05", "2026-01-05T11:59:59Z", "2026-01-05T13:00:00+02:00", "2025-12-31", "2025-11-06",
    "2025-11-06T12:00", "2025-02-31", "2026-13-01", "now", "infinity", "2024-02-29 08:30:15.5",
]  # fmt: skip
ATTRIBUTES = ["city", "orders", "last_purchase_at", "it's; DROP TABLE", "a.b"]
VALUES: list[Any] = [*WORDS, *DATES, 0, 1, 2.5, -3, 1e20, 20260101]


def _contact(rng: random.Random, i: int) -> list[Event]:
    stream = identity("contact", i)
    names = rng.sample(ATTRIBUTES, rng.randint(0, len(ATTRIBUTES)))
    added = make_event(
        "ContactAdded",
        stream,
        1,
        2 * i + 1,
        email=f"{rng.choice(['Ada', 'ben', 'CY'])}{i % 7}@example.com",
        first_name=rng.choice(WORDS),
        last_name=rng.choice(WORDS),
        timezone=rng.choice(["", "Europe/Berlin"]),
        attributes=orjson.dumps({name: rng.choice(VALUES) for name in names}).decode(),
        tags=rng.sample(WORDS[1:], rng.randint(0, 3)),
    )
    added.occurred_at -= rng.randint(0, 90 * 86_400) * 1_000_000
    second = rng.choice(["ConsentRecorded", "ContactDeleted", "AddressSuppressed"])
    status = rng.choice(["granted", "unknown", "withdrawn"])
    fields: dict[str, Any] = {"status": status} if second == "ConsentRecorded" else {}
    more = [make_event(second, stream, 2, 2 * i + 2, **fields)] if rng.random() < 0.5 else []
    return [added, *more]


def _leaf(field: str, values: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    ops = [
        st.fixed_dictionaries({"field": st.just(field), "op": st.just(op), "value": value})
        for op, value in values.items()
    ]
    return st.one_of(ops)


word, words = st.sampled_from(WORDS), st.lists(st.sampled_from(WORDS), max_size=3)
text_ops = {"eq": word, "ne": word, "in": words, "contains": word, "exists": st.booleans()}
moments = st.sampled_from(
    [d for d in DATES if d not in ("2025-02-31", "2026-13-01", "now", "infinity")]
)
days = st.sampled_from([0, 0.5, 1, 5, 30, 60])
time_ops = dict.fromkeys(["lt", "lte", "gt", "gte"], moments)
day_ops = {"before_days": days, "after_days": days}
numbers = st.sampled_from([0, 1, 2.5, -3, 10**20, 7])
either = st.one_of(word, numbers, moments)
LEAVES = st.one_of(
    *(_leaf(f, text_ops) for f in ("first_name", "last_name", "timezone")),
    _leaf("email", {**text_ops, "eq": st.sampled_from(["ada1@EXAMPLE.com", "x"])}),
    _leaf("created_at", {**time_ops, **day_ops, "eq": moments, "ne": moments}),
    _leaf("tags", {"in": words, "contains": word, "exists": st.booleans()}),
    _leaf("consent.status", {"eq": st.just("granted"), "ne": st.just("granted")}),
    *(
        _leaf(
            f"attributes.{name}",
            {
                **dict.fromkeys(["lt", "lte", "gt", "gte"], st.one_of(moments, numbers)),
                **day_ops,
                "eq": either, "ne": either, "in": st.lists(either, max_size=3),
                "contains": word, "exists": st.booleans(),
            },
        )
        for name in ATTRIBUTES
    ),
)  # fmt: skip
CONDITIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.fixed_dictionaries({"all": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"any": st.lists(inner, max_size=3)}),
        st.fixed_dictionaries({"not": inner}),
    ),
    max_leaves=6,
)


def test_sql_and_brute_force_agree(
    writer: ProjectionWriter, worker: Connection, codec: Codec
) -> None:
    rng = random.Random(3)
    events = [event for i in range(300) for event in _contact(rng, i)]
    for partition, log in records(codec, events).items():
        writer.handle(batch_of(partition, log))
    names = contacts_view.ContactRow._fields
    rows = worker.execute(f"SELECT {', '.join(names)} FROM views.contacts")  # noqa: S608
    known = [dict(zip(names, row, strict=True)) for row in rows]
    living = [row for row in known if not row["deleted"]]
    assert 0 < len(living) < len(known) == 300

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(CONDITIONS)
    def check(conditions: dict[str, Any]) -> None:
        audience = Audience(ORGANIZATION, {"all": [conditions]}, NOW)
        found = audience_page(worker, audience, None, 1000)
        assert found == sorted(row["id"] for row in living if matches(row, conditions, NOW))
        assert audience_count(worker, audience) == len(found)

    check()
