"""Webhooks are tried again on Postmark's schedule, and never after a 403."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from infra.local.sandbox.happenings import Outcome, claim_posts, release_posts, settle_posts
from infra.local.sandbox.tables import connect

Answers = Callable[[int], int | None]


def waiting(record_type: str) -> sqlite3.Connection:
    connection = connect(":memory:")
    connection.execute(
        "INSERT INTO posts (server_id, webhook, record_type, body, due_at, state)"
        " VALUES (1, 1, ?, x'7b7d', 0, 'pending')",
        (record_type,),
    )
    return connection


def attempts(connection: sqlite3.Connection, status: int | None) -> list[float]:
    """When each attempt was made, in seconds, until no other follows."""
    made: list[float] = []
    due: float | None = 0.0
    while due is not None:
        posts, _ = claim_posts(connection, due, 10)
        made.append(due)
        settle_posts(connection, [Outcome(post, status) for post in posts], due, 1.0)
        due = connection.execute(
            "SELECT min(due_at) FROM posts WHERE state = 'pending'"
        ).fetchone()[0]
    return made


def state(connection: sqlite3.Connection) -> str:
    found: str = connection.execute("SELECT state FROM posts").fetchone()[0]
    return found


@pytest.mark.parametrize("status", [500, 401, 201, None])
def test_an_unacknowledged_open_is_tried_three_times_more(status: int | None) -> None:
    connection = waiting("Open")
    assert attempts(connection, status) == [0, 60, 360, 1260]
    assert state(connection) == "failed"


def test_a_bounce_is_tried_for_ten_hours() -> None:
    made = attempts(waiting("Bounce"), 500)
    assert len(made) == 11
    assert made[-1] == (1 + 5 + 10 * 3 + 15 + 30 + 60 + 120 + 360) * 60


@pytest.mark.parametrize(("status", "expected"), [(403, "failed"), (200, "sent")])
def test_a_403_and_a_200_end_it(status: int, expected: str) -> None:
    connection = waiting("Bounce")
    assert attempts(connection, status) == [0]
    assert state(connection) == expected


def test_what_was_under_way_when_the_process_died_is_posted_again() -> None:
    connection = waiting("Open")
    assert len(claim_posts(connection, 0, 10)[0]) == 1
    assert claim_posts(connection, 0, 10)[0] == []
    release_posts(connection)
    assert len(claim_posts(connection, 0, 10)[0]) == 1
