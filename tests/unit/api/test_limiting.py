"""The limiter: who is counted together, when it is enough, and what the headers say."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from api.errors import Problem
from api.limiting import Limiter, Policies, SweptStorage, network_of, sweep
from api.ports import RateLimits, Services

OURS = UUID(int=1)


def limiter(**rates: str) -> Limiter:
    """Counts what is given, for an hour, so that no test is overtaken by the clock."""
    off = {"key": "off", "user": "off", "organization": "off", "address": "off"}
    return Limiter(cast("Services", SimpleNamespace(rates=RateLimits(**{**off, **rates}))))


def refused(act: Any, *arguments: Any) -> Problem:
    with pytest.raises(Problem) as raised:
        act(*arguments)
    return raised.value


def test_a_key_may_ask_so_often_and_another_key_is_not_touched() -> None:
    counting, key, other = limiter(key="3/hour"), uuid4(), uuid4()
    for _ in range(3):
        counting.take_caller(OURS, key, None)

    problem = refused(counting.take_caller, OURS, key, None)

    assert (problem.status, problem.code) == (429, "too_many_requests")
    counting.take_caller(OURS, other, None)


def test_keys_of_one_organization_share_its_limit_and_users_have_theirs() -> None:
    counting = limiter(organization="3/hour", user="2/hour")
    counting.take_caller(OURS, uuid4(), None)
    user = uuid4()
    for _ in range(2):
        counting.take_caller(OURS, None, user)

    assert "one user" in refused(counting.take_caller, OURS, None, user).detail
    assert "one organization" in refused(counting.take_caller, OURS, uuid4(), None).detail
    counting.take_caller(uuid4(), uuid4(), None)


def test_an_address_is_counted_whoever_asks() -> None:
    counting = limiter(address="2/hour")
    for _ in range(2):
        counting.take_address("192.0.2.1")

    assert refused(counting.take_address, "192.0.2.1").status == 429
    counting.take_address("192.0.2.2")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth0", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("no:address", "no:address", True),
    ],
)
def test_an_ipv6_client_is_its_network(one: str, other: str, same: bool) -> None:
    assert (network_of(one) == network_of(other)) is same


def test_a_refusal_says_when_to_come_again() -> None:
    counting, key = limiter(key="1/hour"), uuid4()
    counting.take_caller(OURS, key, None)

    headers = refused(counting.take_caller, OURS, key, None).headers

    seconds = int(headers["Retry-After"])
    assert 3590 <= seconds <= 3600
    assert headers["RateLimit-Policy"] == '"key-3600s";q=1;w=3600'
    assert headers["RateLimit"] == f'"key-3600s";r=0;t={seconds}'


def test_an_answer_says_what_is_left_of_burst_and_rate() -> None:
    counting, key = limiter(key="50/hour;200/day"), uuid4()
    headers = counting.take_caller(OURS, key, None)
    assert headers["RateLimit-Policy"] == '"key-3600s";q=50;w=3600, "key-86400s";q=200;w=86400'
    assert re.fullmatch(r'"key-86400s";r=199;t=8\d{4}', headers["RateLimit"])


def test_a_burst_is_refused_while_the_rate_would_allow_it() -> None:
    counting, key = limiter(key="1000/day;2/hour"), uuid4()
    for _ in range(2):
        counting.take_caller(OURS, key, None)
    assert refused(counting.take_caller, OURS, key, None).headers["RateLimit-Policy"] == (
        '"key-3600s";q=2;w=3600'
    )


def test_where_a_limit_is_off_nothing_is_counted_and_nothing_said() -> None:
    counting = limiter()
    for _ in range(1000):
        assert counting.take_caller(OURS, uuid4(), None) == {}
        counting.take_address("192.0.2.1")
    assert Policies.of("key", "off").each == ()


def test_counters_whose_time_is_over_are_forgotten_and_no_thread_looks_for_them() -> None:
    storage = SweptStorage()
    storage.incr("over", 10)
    storage.incr("running", 10_000)
    assert storage.timer.is_alive()
    assert storage.timer.ident is None

    sweep(storage, storage.expirations["over"] + 1)

    assert set(storage.storage) == {"running"}
