"""The played recipients: the same seed plays the same, rates come out, only what is seen counts."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from pydantic import ValidationError

from domain.delivery.agents import agent_of
from infra.local.sandbox.behaviour import Behaviour
from infra.local.sandbox.clients import CLIENTS
from infra.local.sandbox.planning import Letter, Planned
from infra.local.sandbox.recipients import plan

LINK = "https://shop.example/bread"


def letter(recipient: str = "ada@example.com", **changed: Any) -> Letter:
    fields: dict[str, Any] = {
        "recipient": recipient,
        "subject": "Fresh bread",
        "tag": "",
        "tracks_opens": True,
        "tracks_links": True,
        "provider_unsubscribe": True,
        "one_click": None,
        "links": lambda: [("HTML", LINK)],
    }
    return Letter(**{**fields, **changed})


def behaviour(**rates: float) -> Behaviour:
    zeros = dict.fromkeys(Behaviour().rates.model_dump(), 0.0)
    return Behaviour().changed({"rates": {**zeros, **rates}})


def kinds(planned: list[Planned]) -> list[str]:
    return [happening.record_type for happening in planned]


def test_the_same_seed_plays_the_same_and_another_plays_differently() -> None:
    people = [letter(f"c{i}@example.com") for i in range(200)]
    first = [plan(person, Behaviour()) for person in people]
    assert first == [plan(person, Behaviour()) for person in people]
    assert first != [plan(person, Behaviour(seed=2)) for person in people]


def test_the_default_rates_come_out() -> None:
    counts: Counter[str] = Counter()
    for number in range(4000):
        counts.update(set(kinds(plan(letter(f"c{number}@example.com"), Behaviour()))))
    assert 0.965 < counts["Delivery"] / 4000 < 0.985
    assert 0.38 < counts["Open"] / 4000 < 0.46
    assert 0.07 < counts["Click"] / 4000 < 0.105
    assert 0.010 < counts["Bounce"] / 4000 < 0.026


def test_whoever_clicks_has_opened_before_and_clicks_a_link_that_is_there() -> None:
    planned = plan(letter(), behaviour(click=1))
    assert kinds(planned) == ["Delivery", "Open", "Click"]
    assert [p.after for p in planned] == sorted(p.after for p in planned)
    assert planned[1].details["FirstOpen"] is True
    assert planned[2].details["OriginalLink"] == LINK


def test_only_the_first_open_is_the_first() -> None:
    planned = plan(letter(), behaviour(open=1, reopen=1))
    assert [p.details["FirstOpen"] for p in planned[1:]] == [True, *[False] * 3]


def agents(planned: list[Planned], record_type: str) -> set[str]:
    return {
        agent_of(CLIENTS[p.details["client"]].user_agent)
        for p in planned
        if p.record_type == record_type
    }


def test_a_scanner_follows_every_link_at_the_delivery_and_hides_later_clicks() -> None:
    def two() -> list[tuple[str, str]]:
        return [("HTML", LINK), ("HTML", LINK + "/2"), ("HTML", LINK)]

    planned = plan(letter(links=two), behaviour(scanner=1, open=1, click=1))

    delivered = planned[0].after
    clicks = [p for p in planned if p.record_type == "Click"]
    assert [p.details["OriginalLink"] for p in clicks] == [LINK, LINK + "/2"]
    assert all(0 < p.after - delivered <= 1.5 for p in clicks)
    opens = [p.details["FirstOpen"] for p in planned if p.record_type == "Open"]
    assert opens == [True, False]


def test_the_privacy_proxy_opens_though_nobody_looks() -> None:
    planned = plan(letter(), behaviour(privacy_proxy=1))

    assert kinds(planned) == ["Delivery", "Open"]
    assert agents(planned, "Open") == {"apple_proxy"}


def test_people_and_machines_use_different_programs() -> None:
    people = [plan(letter(f"c{n}@example.com"), behaviour(open=1)) for n in range(60)]
    scans = [plan(letter(f"c{n}@example.com"), behaviour(scanner=1)) for n in range(60)]

    assert set().union(*(agents(each, "Open") for each in people)) == {"ordinary", "gmail_proxy"}
    assert set().union(*(agents(each, "Click") for each in scans)) == {
        "barracuda", "proofpoint", "none", "ordinary",
    }  # fmt: skip


def test_a_mail_without_links_or_tracking_tells_nothing_of_clicks_and_opens() -> None:
    assert kinds(plan(letter(links=list), behaviour(click=1))) == ["Delivery", "Open"]
    untracked = letter(tracks_opens=False, tracks_links=False)
    assert kinds(plan(untracked, behaviour(click=1))) == ["Delivery"]


def test_a_hard_bounce_suppresses_and_nothing_else_follows() -> None:
    bounce, change = plan(letter(), behaviour(hard_bounce=1, open=1))
    assert (bounce.record_type, bounce.details["Type"]) == ("Bounce", "HardBounce")
    assert change.details["SuppressionReason"] == "HardBounce"


def test_a_soft_bounce_suppresses_nobody() -> None:
    assert kinds(plan(letter(), behaviour(soft_bounce=1))) == ["Bounce"]


def test_a_complaint_suppresses() -> None:
    planned = plan(letter(), behaviour(complaint=1))
    assert kinds(planned) == ["Delivery", "SpamComplaint", "SubscriptionChange"]


def test_leaving_goes_through_the_provider_or_through_our_own_link() -> None:
    rates = behaviour(unsubscribe=1)
    assert kinds(plan(letter(), rates)) == ["Delivery", "SubscriptionChange"]
    ours = letter(provider_unsubscribe=False, one_click="http://127.0.0.1/u/t")
    assert plan(ours, rates)[1].details == {"Url": "http://127.0.0.1/u/t"}
    assert kinds(plan(letter(provider_unsubscribe=False), rates)) == ["Delivery"]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("hardbounce@bounce-testing.postmarkapp.com", "HardBounce"),
        ("SoftBounce@bounce-testing.postmarkapp.com", "SoftBounce"),
        ("subscribe@bounce-testing.postmarkapp.com", "Subscribe"),
        ("unsubscribe@bounce-testing.postmarkapp.com", "Unsubscribe"),
    ],
)
def test_postmarks_test_addresses_bounce_as_they_say(address: str, expected: str) -> None:
    assert plan(letter(address), behaviour())[0].details == {"Type": expected}


def test_the_black_hole_takes_everything_and_says_nothing() -> None:
    hole = letter("test@blackhole.postmarkapp.com")
    assert kinds(plan(hole, behaviour(open=1, complaint=1, hard_bounce=1))) == ["Delivery"]


def test_a_partial_update_leaves_the_rest() -> None:
    changed = Behaviour().changed({"faults": {"error_500": 0.5}, "seed": 9})
    assert (changed.seed, changed.faults.error_500) == (9, 0.5)
    assert changed.rates == Behaviour().rates


@pytest.mark.parametrize(
    "patch",
    [
        {"rates": {"open": 1.5}},
        {"rates": {"opens": 0.5}},
        {"unknown": 1},
        {"time_scale": -1},
        {"delays": {"open": [1]}},
        {"rates": None},
        [],
        None,
    ],
)
def test_a_wrong_behaviour_is_refused(patch: Any) -> None:
    with pytest.raises(ValidationError):
        Behaviour().changed(patch)
