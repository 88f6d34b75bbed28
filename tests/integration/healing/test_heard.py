"""What we heard and where healing stands, in a real Postgres."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from infra.healing.heard import PostgresHeard
from infra.postgres import make_pool
from streams.effects.ports import Route
from streams.steps.gaps import Count
from tests.conftest import Database, api_connection

DAY = date(2026, 1, 5)
HOUR = timedelta(hours=1)


@pytest.fixture
def heard(database: Database) -> Iterator[PostgresHeard]:
    pool = make_pool(database.worker_url, size=4, application="test")
    yield PostgresHeard(pool, after=timedelta())
    pool.close()


def execute(heard: PostgresHeard, query: str, *values: object) -> None:
    with heard.pool.connection() as connection:
        connection.execute(query.encode(), values)


def enrolled(heard: PostgresHeard) -> str:
    """An organization whose webhooks are registered."""
    organization = str(uuid4())
    execute(
        heard,
        "INSERT INTO state.registration_tasks (organization_id, version, state)"
        " VALUES (%s, 1, 'done')",
        organization,
    )
    heard.enrol()
    return organization


def batch(heard: PostgresHeard, organization: str, ago: timedelta) -> str:
    made = str(uuid4())
    execute(
        heard,
        "INSERT INTO state.send_batches (batch_id, organization_id, campaign_id, message_stream,"
        " size, claimed_at, lease_until, handed_over_at, resolve_at, state)"
        " VALUES (%s, %s, gen_random_uuid(), 'broadcast', 1, now(), now(), now() - %s, now(),"
        " 'settled')",
        made, organization, ago,
    )  # fmt: skip
    return made


def test_each_organization_is_taken_by_one_and_again_when_it_is_due(heard: PostgresHeard) -> None:
    organization = enrolled(heard)
    heard.enrol()

    taken = heard.take()
    assert taken is not None
    assert (taken.organization_id, taken.failures) == (organization, 0)
    assert heard.take() is None

    heard.finish(taken, timedelta(), {"Open": 2})
    again = heard.take()
    assert again == taken
    heard.postpone(again, timedelta(), "HTTP 500")
    third = heard.take()
    assert third is not None
    assert third.failures == 1
    heard.finish(third, HOUR, {"Open": 3, "Click": 1})
    assert heard.take() is None
    with heard.pool.connection() as connection:
        found = connection.execute(
            "SELECT found, rounds, problem FROM state.webhook_audits"
        ).fetchall()
    assert found == [({"Open": 5, "Click": 1}, 2, "")]


def test_an_organization_without_registered_webhooks_is_not_compared(heard: PostgresHeard) -> None:
    execute(
        heard,
        "INSERT INTO state.registration_tasks (organization_id, version)"
        " VALUES (gen_random_uuid(), 1)",
    )
    heard.enrol()

    assert heard.take() is None


def test_a_batch_goes_on_where_it_stood_until_it_is_done(heard: PostgresHeard) -> None:
    organization = enrolled(heard)
    wanted = batch(heard, organization, HOUR)
    batch(heard, organization, timedelta())
    batch(heard, organization, timedelta(days=46))
    batch(heard, str(uuid4()), HOUR)
    heard.watch_batches(organization, datetime.now(UTC) - timedelta(minutes=30))
    heard.watch_batches(organization, datetime.now(UTC) - timedelta(minutes=30))

    first = heard.take_batch()
    assert first is not None
    assert (first.batch_id, first.reached, first.message_stream) == (wanted, 0, "broadcast")
    assert heard.take_batch() is None
    heard.keep_batch(first._replace(reached=50, silent=2), timedelta(), {})
    second = heard.take_batch()
    assert second == first._replace(reached=50, silent=2)
    heard.keep_batch(second._replace(reached=0, silent=0, looks=1), None, {"Delivery": 1})
    assert heard.take_batch() is None

    heard.watch_every_message(organization)
    every = heard.take_batch()
    assert every is not None
    assert (every.every_message, every.reached, every.looks) == (True, 0, 1)


def test_a_batch_and_its_organization_know_the_way_mails_went(heard: PostgresHeard) -> None:
    organization = enrolled(heard)
    old, new = batch(heard, organization, HOUR), batch(heard, organization, HOUR)
    batch(heard, organization, timedelta(days=46))
    execute(
        heard,
        "UPDATE state.send_batches SET connection = CASE batch_id WHEN %s THEN 2 ELSE 5 END",
        old,
    )
    heard.watch_batches(organization, datetime.now(UTC) - timedelta(minutes=30))

    taken = [heard.take_batch(), heard.take_batch()]

    assert {each.batch_id: each.route for each in taken if each} == {
        old: Route(2, "broadcast"), new: Route(5, "broadcast")
    }  # fmt: skip
    assert heard.routes(organization) == [Route(5, "broadcast"), Route(2, "broadcast")]
    assert heard.routes(str(uuid4())) == []


def test_a_day_keeps_the_numbers_with_which_it_was_last_looked_through(
    heard: PostgresHeard,
) -> None:
    organization = str(uuid4())
    heard.note_looked_through(organization, [Count("Open", DAY, 5, 4), Count("Click", DAY, 1, 0)])
    heard.note_looked_through(organization, [Count("Open", DAY, 6, 4)])

    assert sorted(heard.looked_through(organization)) == [
        Count("Click", DAY, 1, 0), Count("Open", DAY, 6, 4)
    ]  # fmt: skip
    assert heard.looked_through(str(uuid4())) == []


def test_only_what_one_organization_heard_counts_for_it(heard: PostgresHeard) -> None:
    organization, other = str(uuid4()), str(uuid4())
    for whose, key in ((organization, b"a"), (other, b"b")):
        execute(heard, "INSERT INTO state.webhook_seen VALUES (%s, %s)", whose, key)

    assert heard.unheard(organization, {b"a", b"b", b"c"}) == {b"b", b"c"}
    assert heard.unheard(organization, set()) == set()
    assert heard.ours(organization, ["m"]) == set()
    assert heard.recorded(organization, [str(uuid4())]) == {}
    assert heard.counts(organization) == {}


@pytest.mark.parametrize(
    "table", ["webhook_counts", "webhook_audits", "webhook_days", "batch_audits"]
)
def test_the_api_reads_nothing_of_it(database: Database, table: str) -> None:
    query = sql.SQL("SELECT * FROM {}").format(sql.Identifier("state", table))
    connection = api_connection(database, str(uuid4()))
    with connection, pytest.raises(psycopg.errors.InsufficientPrivilege):
        connection.execute(query)
