"""A wrong fold is shown by a comparison: the row, the columns, the event that made it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.event_log import NewEvent
from infra.rebuilding.desk import Comparison, load_view
from projections.postgres.views import deliveries
from tests.conftest import Database
from tests.support import wrong_deliveries
from tests.support.histories import identity, make_event
from tests.support.rebuilding import Models, as_new, models

_LIVES = {
    "clicked": ["Intended", "Claimed", "Accepted", "Delivered", "Opened", "Clicked", "Opened"],
    "twice": ["Intended", "Claimed", "Accepted", "Clicked", "Delivered", "Clicked"],
    "quiet": ["Intended", "Claimed", "Accepted", "Delivered", "Opened"],
}
_OURS = {"Intended", "Claimed", "Accepted"}


def life(name: str) -> Iterator[tuple[str, int, str]]:
    for version, short in enumerate(_LIVES[name], 1):
        yield identity(name), version, f"Delivery{short}" if short in _OURS else short


def step(name: str) -> int:
    """The step that the sampled events of this stream have."""
    return int(identity(name)[0], 16) % 2 + 1


def lives(world: Models) -> list[NewEvent]:
    turns = itertools.zip_longest(*map(life, _LIVES))
    planned = [each for turn in turns for each in turn if each is not None]
    return as_new(
        world.codec,
        [make_event(kind, stream, n, kind="campaign") for stream, n, kind in planned],
    )


def event_at(world: Models, name: str, version: int) -> tuple[int, str]:
    row = world.conn.execute(
        "SELECT position, type FROM log.events WHERE stream_id = %s AND version = %s",
        (identity(name), version),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def found_by(comparison: Comparison) -> dict[str, tuple[tuple[str, ...], tuple[int, str]]]:
    return {
        one.row.key: (one.row.columns, (one.event.position, one.event.type))
        for one in comparison.explained
        if one.event is not None
    }


@pytest.mark.parametrize("wrong_side", ["live", "shadow"])
def test_the_right_row_column_and_event_are_named(
    database: Database, tmp_path: Path, wrong_side: str
) -> None:
    wrong = (wrong_deliveries.VIEW,)
    with models(database, tmp_path, wrong if wrong_side == "live" else ()) as world:
        world.append(lives(world))
        world.live()
        desk = world.desk(*(wrong if wrong_side == "shadow" else ()))
        desk.rebuild("deliveries")
        file = Path((deliveries if wrong_side == "shadow" else wrong_deliveries).__file__ or "")
        for other in (None, load_view(file)):
            comparison = desk.diff("deliveries", other=other)

            assert found_by(comparison) == {
                identity("clicked"): (("opened",), event_at(world, "clicked", 6)),
                identity("twice"): (("opened",), event_at(world, "twice", 4)),
            }
            assert {table.table: table.different for table in comparison.tables} == {
                "deliveries": 2,
                "campaign_counters": len({step(name) for name in ("clicked", "twice")}),
            }
            certain = {one.event.certain for one in comparison.explained if one.event}
            assert certain == {other is not None}


def test_rows_that_only_one_side_has_are_named_with_the_event_that_made_them(
    world: Models,
) -> None:
    world.append(lives(world))
    world.live()
    desk = world.desk()
    desk.rebuild("deliveries")
    world.conn.execute("DELETE FROM views.deliveries WHERE id = %s", (identity("quiet"),))
    world.conn.execute("DELETE FROM shadow.deliveries WHERE id = %s", (identity("twice"),))

    comparison = desk.diff("deliveries")

    assert {one.row.key: one.row.kind for one in comparison.explained} == {
        identity("quiet"): "missing",
        identity("twice"): "extra",
    }
    made = {key: event for key, (_, event) in found_by(comparison).items()}
    assert made == {name: event_at(world, key, 1) for name, key in _names()}


def _names() -> list[tuple[str, str]]:
    return [(identity("quiet"), "quiet"), (identity("twice"), "twice")]
