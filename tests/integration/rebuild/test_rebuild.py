"""A rebuilt read model is the live one, follows it, and takes its place while others go on."""

from __future__ import annotations

import itertools
import threading
from typing import Any

import pytest

from infra.postgres import connect
from projections.postgres.views import ALL_VIEWS, deliveries
from projections.postgres.writer import tables_of
from projections.rebuild.errors import (
    BadPositionError,
    BusyError,
    NoShadowError,
    NotCaughtUpError,
    RebuildError,
    UnknownViewError,
)
from tests.benchmarks.workload import delivery_events
from tests.conftest import api_connection
from tests.support.histories import ORGANIZATION
from tests.support.rebuilding import Models

_SHAPE = """
SELECT c.relname, c.relkind, c.reloptions, c.relrowsecurity, c.relforcerowsecurity, c.relacl::text,
       (SELECT array_agg((a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
            pg_get_expr(d.adbin, d.adrelid))::text ORDER BY a.attnum)
        FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
        WHERE a.attrelid = c.oid AND a.attnum > 0),
       (SELECT array_agg(replace(pg_get_indexdef(i.indexrelid), n.nspname || '.', '')
            ORDER BY i.indexrelid::regclass::text) FROM pg_index i WHERE i.indrelid = c.oid),
       (SELECT array_agg((k.conname, pg_get_constraintdef(k.oid))::text ORDER BY k.conname)
        FROM pg_constraint k WHERE k.conrelid = c.oid),
       (SELECT array_agg((p.polname, p.polcmd, p.polroles::regrole[]::text,
            pg_get_expr(p.polqual, p.polrelid))::text ORDER BY p.polname)
        FROM pg_policy p WHERE p.polrelid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = %s AND c.relkind = 'r' AND c.relname = ANY(%s) ORDER BY c.relname
"""


def shape(world: Models, schema: str, view: str) -> list[Any]:
    return world.conn.execute(_SHAPE, (schema, list(tables_of(view)))).fetchall()


def test_every_view_is_rebuilt_as_it_is_and_its_tables_are_made_the_same(world: Models) -> None:
    world.append_history(3)
    world.live()
    desk = world.desk()
    for view in ALL_VIEWS:
        before = shape(world, "views", view.name)

        made = desk.rebuild(view.name)

        assert made.state == "following"
        assert world.rows(view)[view.name], "an empty view would prove nothing"
        assert world.rows(view, "shadow") == world.rows(view)
        assert desk.diff(view.name).same
        assert shape(world, "shadow", view.name) == before
        desk.swap(view.name)
        assert shape(world, "views", view.name) == shape(world, "shadow", view.name) == before


def test_shadow_and_live_table_both_go_on_through_swap_and_rollback(world: Models) -> None:
    events = delivery_events(30_000)
    world.append(events[:10_000])
    world.live()
    desk = world.desk()
    desk.rebuild("deliveries", span=2_000)
    for first, step in ((10_000, None), (15_000, "swap"), (20_000, "rollback"), (25_000, "swap")):
        if step:
            desk.swap("deliveries", back=step == "rollback")
        world.append(events[first : first + 5_000])
        world.live()
        assert world.rows(deliveries.VIEW) == world.rows(deliveries.VIEW, "shadow"), step
    desk.rebuild("deliveries")
    assert desk.diff("deliveries").same
    with api_connection(world.database, ORGANIZATION) as api:
        assert api.execute("SELECT count(*) FROM views.deliveries").fetchone() == (0,)
        with pytest.raises(Exception, match="permission denied for schema shadow"):
            api.execute("SELECT count(*) FROM shadow.deliveries")


def test_a_rebuild_beside_a_busy_projection_misses_nothing_and_counts_nothing_twice(
    world: Models,
) -> None:
    events = iter(delivery_events(60_000))
    world.append(itertools.islice(events, 5_000))
    world.live()
    desk, stop, handled = world.desk(), threading.Event(), [0]

    def work() -> None:
        while not stop.is_set() and (some := list(itertools.islice(events, 50))):
            world.append(some)
            handled[0] += world.live()

    thread = threading.Thread(target=work)
    thread.start()
    handed_over_at = []
    for _ in range(4):
        desk.rebuild("deliveries")
        handed_over_at.append(handled[0])
        desk.swap("deliveries")
    stop.set()
    thread.join()
    world.live()

    assert handed_over_at == sorted(set(handed_over_at)), "the projection was idle in between"
    assert next(events, None) is not None, "the projection had ended before"
    assert world.rows(deliveries.VIEW) == world.rows(deliveries.VIEW, "shadow")
    desk.rebuild("deliveries")
    assert desk.diff("deliveries").same


def test_as_of_holds_what_the_log_said_then_and_cannot_be_swapped(world: Models) -> None:
    world.append(delivery_events(10_000))
    world.live()
    desk = world.desk()

    made = desk.rebuild("deliveries", as_of=5_000)
    found = desk.diff("deliveries")

    newest = "SELECT max(position), count(*) FROM shadow.deliveries"
    position, rows = world.conn.execute(newest).fetchone() or (0, 0)
    assert (made.state, made.as_of, position) == ("compared", 5_000, 5_000)
    assert found.same
    assert found.tables[0].later > 0
    assert rows < found.tables[0].rows
    with pytest.raises(NoShadowError, match="for comparison only"):
        desk.swap("deliveries")


def test_refused_with_a_message_and_nothing_half_done(world: Models) -> None:
    world.append(delivery_events(3_000))
    world.live()
    desk = world.desk()

    with pytest.raises(UnknownViewError, match="no read model people; there are organizations"):
        desk.rebuild("people")
    with pytest.raises(NoShadowError, match="nudge projections rebuild deliveries"):
        desk.swap("deliveries")
    with pytest.raises(NoShadowError, match="nothing to compare with"):
        desk.diff("deliveries")
    with pytest.raises(BadPositionError, match="in the future: the log ends at 3000"):
        desk.rebuild("deliveries", as_of=3_001)
    with pytest.raises(BadPositionError, match="before the first event, 1"):
        desk.rebuild("deliveries", as_of=0)
    assert desk.status() == []
    desk.rebuild("deliveries")
    with pytest.raises(NoShadowError, match="nothing to roll back"):
        desk.swap("deliveries", back=True)
    desk.swap("deliveries")
    with pytest.raises(NoShadowError, match="swapped already"):
        desk.swap("deliveries")
    desk.discard("deliveries")
    assert desk.status() == []
    assert world.conn.execute(
        "SELECT count(*) FROM pg_class WHERE relnamespace = 'shadow'::regnamespace"
    ).fetchone() == (0,)


def test_two_rebuilds_of_a_view_at_once_are_refused(world: Models) -> None:
    world.append(delivery_events(3_000))
    desk = world.desk()
    refused: list[Exception] = []

    def another(_line: str) -> None:
        try:
            desk.rebuild("deliveries")
        except RebuildError as error:
            refused.append(error)

    desk.rebuild("deliveries", say=another)

    assert [type(error) for error in refused] == [BusyError]


def test_a_shadow_that_was_left_behind_is_not_swapped_but_brought_up(world: Models) -> None:
    events = delivery_events(12_000)
    world.append(events[:6_000])
    world.live()
    desk = world.desk()
    desk.rebuild("deliveries")
    # An older version of the projections, which knows no shadows, is at work for a while.
    world.conn.execute("UPDATE state.positions SET consumer = 'aside' WHERE consumer ~ '/shadow$'")
    world.append(events[6_000:9_000])
    world.live()
    world.conn.execute(
        "UPDATE state.positions SET consumer = 'deliveries/shadow' WHERE consumer = 'aside'"
    )
    world.append(events[9_000:])
    world.live()

    with pytest.raises(NotCaughtUpError, match="was left behind in delivery-events-"):
        desk.swap("deliveries")
    assert not desk.diff("deliveries").same
    desk.rebuild("deliveries")

    assert desk.diff("deliveries").same
    desk.swap("deliveries")


def test_a_shadow_that_was_left_behind_in_one_partition_counts_nothing_twice(
    world: Models,
) -> None:
    events = delivery_events(10_000)
    world.append(events[:6_000])
    world.live()
    desk = world.desk()
    desk.rebuild("deliveries")
    # Of several processes one, an older version, is at work on one of the partitions.
    world.conn.execute(
        "UPDATE state.positions SET consumer = 'aside'"
        " WHERE consumer = 'deliveries/shadow' AND partition = 0"
    )
    world.append(events[6_000:])  # new deliveries are among them
    world.live()
    world.conn.execute(
        "UPDATE state.positions SET consumer = 'deliveries/shadow' WHERE consumer = 'aside'"
    )

    said: list[str] = []
    desk.rebuild("deliveries", say=said.append)

    assert said == ["the shadow was left behind: it is brought up from the log"]
    assert desk.diff("deliveries").same
    desk.swap("deliveries")


def test_a_migration_of_the_live_table_leaves_its_shadow_behind_and_stops_nothing(
    world: Models,
) -> None:
    events = delivery_events(6_000)
    world.append(events[:3_000])
    world.live()
    desk = world.desk()
    desk.rebuild("deliveries")
    with connect(world.database.owner_url, autocommit=True) as owner:
        # As a migration does, seen from the shadow: one of the two has a column more.
        owner.execute("ALTER TABLE shadow.deliveries ADD COLUMN more integer NOT NULL DEFAULT 0")

    with pytest.raises(NoShadowError, match="a migration has changed deliveries"):
        desk.swap("deliveries")
    with pytest.raises(NoShadowError, match="a migration has changed deliveries"):
        desk.diff("deliveries")
    world.append(events[3_000:])
    world.live()
    assert desk.status()[0][2] is False
    first = desk.status()[0][0].id
    desk.rebuild("deliveries")
    assert desk.status()[0][0].id != first
    assert desk.diff("deliveries").same
    desk.swap("deliveries")
