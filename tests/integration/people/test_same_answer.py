"""Whether an address is known shows neither in an answer nor in the work that is done for it.

Time itself is not measured: what is compared is every statement to Postgres and every password
that is hashed, which is all that a request at the entrance does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import psycopg
import pytest
from argon2 import PasswordHasher

from tests.support.people import PASSWORD, Entrance

Ask = Callable[[Entrance, str], Any]


@contextmanager
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Everything that is done inside: statements and hashes, in order."""
    done: list[str] = []
    execute, verify, hashed = psycopg.Cursor.execute, PasswordHasher.verify, PasswordHasher.hash

    def executed(self: Any, query: Any, *args: Any, **more: Any) -> Any:
        done.append(str(query))
        return execute(self, query, *args, **more)

    def verified(self: Any, *args: Any) -> Any:
        done.append("verify")
        return verify(self, *args)

    def hashes(self: Any, *args: Any, **more: Any) -> Any:
        done.append("hash")
        return hashed(self, *args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(psycopg.Cursor, "execute", executed)
        patched.setattr(PasswordHasher, "verify", verified)
        patched.setattr(PasswordHasher, "hash", hashes)
        yield done


def log_in(entrance: Entrance, email: str) -> Any:
    body = {"email": email, "password": "not the password"}
    return entrance.browser().post("/v1/auth/login", json=body)


def sign_up(entrance: Entrance, email: str) -> Any:
    body = {"email": email, "password": PASSWORD, "name": "R", "organization": "O"}
    return entrance.browser().post("/v1/auth/signup", json=body)


def ask_reset(entrance: Entrance, email: str) -> Any:
    return entrance.browser().post("/v1/auth/password-reset", json={"email": email})


def seen(
    ask: Ask, entrance: Entrance, email: str, monkeypatch: pytest.MonkeyPatch
) -> tuple[Any, list[str]]:
    """What the caller sees, and the work."""
    with work(monkeypatch) as done:
        answer = ask(entrance, email)
    body = {name: said for name, said in answer.json().items() if name != "request_id"}
    return (answer.status_code, body, sorted(answer.headers.keys())), done


@pytest.mark.parametrize("ask", [log_in, sign_up, ask_reset])
def test_an_unknown_address_gets_the_same_answer_for_the_same_work(
    ask: Ask, entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = entrance.sign_up().email
    unknown = f"{uuid.uuid4().hex[:12]}@example.com"
    ask(entrance, f"{uuid.uuid4().hex[:12]}@example.com")  # whatever is done for the first time
    answer, done = seen(ask, entrance, known, monkeypatch)
    assert (answer, done) == seen(ask, entrance, unknown, monkeypatch)
    assert len(done) > 3


def hasty(entrance: Entrance, email: str) -> httpx.Response:
    """A door that says no at once to whom it does not know: what the comparison must find."""
    with entrance.api.worker.pool.connection() as connection:
        known = connection.execute(
            "SELECT user_id FROM state.find_user(%s)", (entrance.api.core.hasher(email),)
        ).fetchone()
    if known is None:
        return httpx.Response(401, json={"code": "invalid_credentials"})
    entrance.services.people.entrance.passwords.matches(None, "x")  # type: ignore[attr-defined]
    return httpx.Response(401, json={"code": "invalid_credentials"})


def test_a_door_that_works_less_for_an_unknown_address_is_found(
    entrance: Entrance, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = entrance.sign_up().email
    unknown = f"{uuid.uuid4().hex[:12]}@example.com"
    first, second = (seen(hasty, entrance, each, monkeypatch) for each in (known, unknown))
    assert first[0] == second[0]
    assert first[1] != second[1]
