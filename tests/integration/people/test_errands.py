"""Errands in Postgres: what a crash leaves, what housekeeping takes, how a volley is counted."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from domain.delivery.decisions import Call
from domain.people.decisions import LOGIN_OF_ADDRESS
from domain.people.errors import TooSoonError
from domain.shared.errors import UnavailableError
from infra.people.attempts import AttemptCounter, network_of
from infra.people.wiring import housekeeper, messenger, token_keys
from streams.effects.errands import Messenger
from streams.effects.ports import Sending
from tests.support.people import Entrance, Postbox

EMAIL = "rosa@example.com"


class CrashError(BaseException):
    """The process is gone."""


class Crashing(Postbox):
    """The process dies when it mails: after the provider took it, or before it got a byte."""

    took_it = True

    def send(self, sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:
        if self.took_it:
            super().send(sending, messages)
        raise CrashError


def asked(entrance: Entrance) -> None:
    """Somebody with an account wants a new password; there is no other errand."""
    entrance.sign_up(EMAIL)
    change(entrance, "DELETE FROM state.errands")
    entrance.browser().post("/v1/auth/password-reset", json={"email": EMAIL})


def crashed(entrance: Entrance, box: Crashing) -> Messenger:
    """A process that has died over the errand, whose lease is over; another that works."""
    usual = messenger(entrance.api.worker, entrance.services.clock)
    with pytest.raises(CrashError):
        replace(usual, provider=box, server=box).step()
    later(entrance, minutes=2)
    return replace(usual, provider=entrance.postbox, server=entrance.postbox)


def later(entrance: Entrance, **by: float) -> None:
    """So much time has passed for every errand."""
    change(
        entrance,
        "UPDATE state.errands SET next_try = next_try - %(by)s,"
        " handed_over_at = handed_over_at - %(by)s",
        by=timedelta(**by),
    )


def change(entrance: Entrance, query: Any, **params: Any) -> None:
    with entrance.api.worker.pool.connection() as connection:
        connection.execute(query, params)


def left(entrance: Entrance, table: str) -> int:
    with entrance.api.worker.pool.connection() as connection:
        row = connection.execute(f"SELECT count(*) FROM state.{table}").fetchone()  # noqa: S608
    assert row is not None
    return int(row[0])


def test_an_errand_is_one_process_s_alone_for_a_while(entrance: Entrance) -> None:
    asked(entrance)
    book = messenger(entrance.api.worker, entrance.services.clock).book
    kinds = [errand.kind for errand in iter(book.take, None)]
    assert kinds == ["reset"]
    assert book.take() is None
    later(entrance, minutes=2)
    assert book.take() is not None


def test_a_mail_the_provider_took_before_a_crash_is_not_sent_again(entrance: Entrance) -> None:
    asked(entrance)
    box = Crashing()
    working = crashed(entrance, box)
    entrance.postbox.mails += box.mails
    before = len(entrance.postbox.to(EMAIL))
    assert working.step()
    assert not working.step()
    assert len(entrance.postbox.to(EMAIL)) == before
    assert left(entrance, "errands") == 0


def test_a_mail_that_a_crash_kept_from_the_provider_is_sent_after_settling(
    entrance: Entrance,
) -> None:
    asked(entrance)
    box = Crashing()
    box.took_it = False
    working = crashed(entrance, box)
    before = len(entrance.postbox.to(EMAIL))
    assert working.step(), "looked up, and not found"
    assert len(entrance.postbox.to(EMAIL)) == before
    later(entrance, minutes=11)
    assert working.step()
    assert len(entrance.postbox.to(EMAIL)) == before + 1
    token = entrance.postbox.token(EMAIL)
    body = {"token": token, "password": "rolls in the evening"}
    done = entrance.browser().post("/v1/auth/password-reset/confirm", json=body)
    assert done.status_code == 204, done.text


def test_an_errand_holds_nothing_readable(entrance: Entrance) -> None:
    asked(entrance)
    with entrance.api.worker.pool.connection() as connection:
        rows = connection.execute("SELECT * FROM state.errands").fetchall()
        rows += connection.execute("SELECT * FROM state.users").fetchall()
    assert rows
    assert EMAIL.encode() not in b"".join(
        bytes(each) if isinstance(each, bytes) else str(each).encode()
        for row in rows
        for each in row
    )


def test_what_is_over_is_forgotten_and_what_is_not_stays(entrance: Entrance) -> None:
    member = entrance.sign_up()
    body = {"email": EMAIL, "password": "x" * 7 + "longer", "name": "R", "organization": "O"}
    entrance.browser().post("/v1/auth/signup", json=body)
    tables = ("signups", "sessions", "refresh_tokens", "attempts")
    housekeeper(entrance.api.worker).step()
    assert [left(entrance, table) > 0 for table in tables] == [True] * 4
    entrance.advance(days=8)
    housekeeper(entrance.api.worker).step()
    assert [left(entrance, table) for table in tables] == [0, 1, 0, 0]
    entrance.advance(days=30)
    housekeeper(entrance.api.worker).step()
    assert left(entrance, "sessions") == 0
    assert member.refresh().status_code == 401


def test_a_key_for_tokens_is_replaced_when_it_is_old(entrance: Entrance) -> None:
    first = token_keys(entrance.api.worker).keys().kid
    housekeeper(entrance.api.worker).step()
    assert token_keys(entrance.api.worker).keys().kid == first
    entrance.advance(days=31)
    housekeeper(entrance.api.worker).step()
    assert token_keys(entrance.api.worker).keys().kid != first
    assert left(entrance, "token_keys") == 2


def test_of_a_volley_only_the_free_attempts_are_looked_at(entrance: Entrance) -> None:
    counter = AttemptCounter(b"s" * 32, entrance.api.core.pool.connection)
    key, now = counter.key("login", EMAIL), entrance.services.clock()
    outcomes: list[bool] = []

    def attempt() -> None:
        try:
            counter.take({key: LOGIN_OF_ADDRESS}, now)
        except TooSoonError:
            outcomes.append(False)
        else:
            outcomes.append(True)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert outcomes.count(True) == LOGIN_OF_ADDRESS.free
    assert len(outcomes) == 20
    counter.forgive([key])
    counter.take({key: LOGIN_OF_ADDRESS}, now)


def test_a_network_of_ipv6_counts_as_one_place() -> None:
    assert network_of("2001:db8:1:2:3::4") == network_of("2001:db8:1:2:ffff::1")
    assert network_of("2001:db8:1:3::4") != network_of("2001:db8:1:2::4")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("testclient") == "testclient"


def test_what_cannot_be_opened_waits_and_keeps_nobody_else_from_theirs(
    entrance: Entrance,
) -> None:
    asked(entrance)
    change(
        entrance,
        "UPDATE state.errands SET sealed = set_byte(sealed, 20, 255 - get_byte(sealed, 20))",
    )
    before = len(entrance.postbox.to(EMAIL))
    entrance.run_errands()
    assert left(entrance, "errands") == 1
    other = entrance.sign_up()
    assert entrance.postbox.to(other.email)
    assert len(entrance.postbox.to(EMAIL)) == before


def test_a_key_for_tokens_that_cannot_be_opened_is_replaced(entrance: Entrance) -> None:
    change(
        entrance,
        "UPDATE state.token_keys SET wrapped = set_byte(wrapped, 20, 255 - get_byte(wrapped, 20))",
    )
    with pytest.raises(UnavailableError):
        token_keys(entrance.api.worker).keys()
    housekeeper(entrance.api.worker).step()
    assert entrance.sign_up().refresh().status_code == 200
