"""Laws of every fold: repeats, other orders between streams and other batches change nothing."""

from __future__ import annotations

import random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas.codec import Event
from tests.support.histories import cut, history, identity, make_event, reordered
from tests.support.memory_views import views_after

RANDOMS = st.randoms(use_true_random=False)


@given(RANDOMS)
def test_repeated_events_change_nothing(rng: random.Random) -> None:
    events = history(rng)
    first = rng.randint(0, len(events))
    again = events[rng.randint(0, first) : first]
    once, twice = views_after(events), views_after(events[:first], again, events[first:], events)
    assert once.rows == twice.rows
    assert once.counters == twice.counters


@given(RANDOMS)
def test_the_order_between_streams_changes_nothing(rng: random.Random) -> None:
    events = history(rng)
    one, other = views_after(events), views_after(reordered(rng, events))
    assert one.rows == other.rows
    assert one.counters == other.counters


@given(RANDOMS)
def test_any_batching_gives_the_same_rows(rng: random.Random) -> None:
    events = history(rng)
    one, other = views_after(events), views_after(*cut(rng, events))
    assert one.rows == other.rows
    assert one.counters == other.counters


@given(RANDOMS)
def test_counters_equal_a_count_of_the_delivery_rows(rng: random.Random) -> None:
    views = views_after(*cut(rng, history(rng, streams=12)))
    kept = {step: counts for step, counts in views.counters.items() if any(counts)}
    assert kept == views.recounted()


@given(RANDOMS)
def test_every_row_stands_at_its_last_event(rng: random.Random) -> None:
    events = history(rng)
    views = views_after(events)
    for row in views.rows["deliveries"].values():
        last = max((e for e in events if e.stream_id == row.id), key=lambda e: e.position)
        assert (row.position, row.version) == (last.position, last.version)


WEBHOOKS = ("Delivered", "Bounced", "Complained", "Opened", "Clicked", "SubscriptionChanged")


@given(st.lists(st.sampled_from(WEBHOOKS), max_size=10), RANDOMS)
def test_what_the_provider_tells_may_come_in_any_order(told: list[str], rng: random.Random) -> None:
    stream = identity("delivery")
    before = ["DeliveryIntended", "DeliveryClaimed"]
    shuffled = rng.sample(told, len(told))
    assert _facts(stream, before + told) == _facts(stream, before + shuffled)


@given(st.permutations([*WEBHOOKS, "DeliveryAccepted"]))
def test_a_late_acceptance_hides_nothing_the_provider_told(order: list[str]) -> None:
    facts = _facts(identity("delivery"), ["DeliveryIntended", "DeliveryClaimed", *order])
    assert facts["state"] == "complained"
    assert facts["accepted"] is True


def _facts(stream: str, types: list[str]) -> dict[str, Any]:
    events: list[Event] = [
        make_event(kind, stream, i, i, suppress=True, reason="")
        if kind == "SubscriptionChanged"
        else make_event(kind, stream, i, i)
        for i, kind in enumerate(types, 1)
    ]
    row = views_after(events).rows["deliveries"][stream]._asdict()
    return {k: v for k, v in row.items() if k not in ("position", "version", "updated_at")}
