"""ClickHouse: a shadow brought to exactly where the analytics writer is, and exchanged with the
live table while that writer is held up.

The writer stands at a position in each partition. Under its bookkeeping's locks, and with no batch
of its under way, the live table holds the events up to those positions and no others; the shadow is
given the same ones from the log and takes its place. The former table is kept as the shadow: to
roll back it is brought up in the same way.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from clickhouse_connect.driver.client import Client

from projections.clickhouse.bookkeeping import LOCK
from projections.rebuild import records
from projections.rebuild.analytics_fill import AnalyticsTable, Filler, Place
from projections.rebuild.errors import (
    BusyError,
    NoShadowError,
    NotCaughtUpError,
    RebuildError,
)
from schemas.topics import all_topics

Conn = psycopg.Connection[Any]

_PATIENCE: Final = 30.0
_PAUSE: Final = 0.02
_STANDING: Final = """
SELECT topic, partition, position FROM state.positions
WHERE consumer = 'analytics' AND topic = ANY(%s)
"""
_UNDER_WAY: Final = "SELECT count(*) FROM state.analytics_batches WHERE topic = ANY(%s)"


def create(client: Client, table: AnalyticsTable) -> None:
    """An empty shadow, made like the live table; one that is there is dropped."""
    drop(client, table)
    client.command(f"CREATE TABLE {table.shadow} AS {table.name}")


def drop(client: Client, table: AnalyticsTable) -> None:
    """Drop the shadow, if there is one."""
    client.command(f"DROP TABLE IF EXISTS {table.shadow} SYNC")


def identity(client: Client, name: str) -> str:
    """What stays with a table when it changes its name; empty when there is none."""
    rows = client.query(
        "SELECT toString(uuid) FROM system.tables"
        " WHERE database = {db:String} AND name = {t:String}",
        parameters={"db": client.database, "t": name},
    ).result_rows
    return str(rows[0][0]) if rows else ""


def alike(client: Client, table: AnalyticsTable) -> bool:
    """Whether the shadow has the live table's columns. A migration changes the live one only."""
    return columns(client, table.name) == columns(client, table.shadow)


def columns(client: Client, name: str) -> list[tuple[str, str]]:
    """Names and types, in order."""
    return [(row[0], row[1]) for row in client.query(f"DESCRIBE TABLE {name}").result_rows]


def count(client: Client, name: str) -> int:
    """The rows of a table."""
    return int(client.query(f"SELECT count() FROM {name}").result_rows[0][0])  # noqa: S608


@dataclass(frozen=True)
class Exchange:
    """Catching up and exchanging one table. `conn` is in autocommit; `holding` is another
    connection, not in autocommit, that holds the writer up; the filler has a third."""

    conn: Conn
    holding: Conn
    client: Client
    filler: Filler
    table: AnalyticsTable
    name: str

    def is_swapped(self, known: records.Rebuild) -> bool:
        """Whether the table that was built is the live one, whatever was recorded."""
        return identity(self.client, self.table.name) == str(known.details["uuid"])

    def swap(self, *, back: bool) -> None:
        """Bring the shadow up and exchange it with the live table. Raises RebuildError."""
        known = self._known()
        self._refuse(known, back=back)
        self.catch_up(known)
        with self._writer_held():
            known = self._known()
            self.catch_up(known)
            self._ensure_whole(self._known())
            self.client.command(f"EXCHANGE TABLES {self.table.name} AND {self.table.shadow}")
            self._note_exchange(self._known(), swapped=not back)

    def catch_up(self, known: records.Rebuild) -> None:
        """Give the shadow what the live table has beyond it. What is to be inserted is recorded
        first, so that it is the same after a kill."""
        if (plan := known.details.get("plan")) is None:
            contained, standing = known.details["contained"], self._standing(known)
            if contained == standing:
                return
            plan = {"number": known.details["number"] + 1, "limits": standing}
            self._change(known, {**known.details, "plan": plan})
        known = self._known()
        floors, limits = known.details["contained"], plan["limits"]
        filled = self.filler.fill(
            known.high,
            max(limits.values(), default=known.high),
            f"catchup-{known.id}-{plan['number']}",
            lambda place, position: _between(floors, limits, place, position),
        )
        self._change(
            known,
            {
                **known.details,
                "plan": None,
                "number": plan["number"],
                "contained": limits,
                "rows": known.details["rows"] + filled.rows,
            },
        )

    def _standing(self, known: records.Rebuild) -> dict[str, int]:
        """The writer's positions, once they are not below what the shadow has."""
        deadline = time.monotonic() + _PATIENCE
        while True:
            rows = self.conn.execute(_STANDING, (list(self.table.topics),)).fetchall()
            found = {f"{topic}/{partition}": position for topic, partition, position in rows}
            late = [
                place
                for place, at in known.details["contained"].items()
                if found.get(place, 0) < at
            ]
            if not late:
                return found
            if time.monotonic() > deadline:
                raise NotCaughtUpError(
                    f"the analytics writer has not reached position"
                    f" {known.details['contained'][late[0]]} of {late[0]}: is it running?"
                )
            time.sleep(_PAUSE)

    @contextmanager
    def _writer_held(self) -> Iterator[None]:
        """The writer waits; none of its batches is under way. Raises BusyError."""
        places: list[Place] = [
            (topic, n) for topic in self.table.topics for n in range(all_topics()[topic].partitions)
        ]
        deadline = time.monotonic() + _PATIENCE
        while True:
            self.holding.execute(LOCK, ([p[0] for p in places], [p[1] for p in places]))
            row = self.holding.execute(_UNDER_WAY, (list(self.table.topics),)).fetchone()
            if row == (0,):
                break
            self.holding.rollback()
            if time.monotonic() > deadline:
                raise BusyError(
                    "a batch of the analytics writer is under way all the time: is it running?"
                )
            time.sleep(_PAUSE)
        try:
            yield
        finally:
            self.holding.rollback()

    def _refuse(self, known: records.Rebuild, *, back: bool) -> None:
        if known.as_of is not None:
            raise NoShadowError(
                f"the shadow of {self.name} stands still at position {known.as_of}: it is for"
                f" comparison only; nudge projections rebuild {self.name} makes one to swap"
            )
        if known.state != "built":
            raise NotCaughtUpError(
                f"the shadow of {self.name} is still being built:"
                f" nudge projections rebuild {self.name} goes on with it"
            )
        if not alike(self.client, self.table):
            raise NoShadowError(
                f"a migration has changed {self.name}, but not its shadow:"
                f" nudge projections rebuild {self.name} makes a new one"
            )
        swapped = self.is_swapped(known)
        if swapped != known.swapped:  # killed between the exchange and its record
            self._note_exchange(known, swapped=swapped)
        if back and not swapped:
            raise NoShadowError(f"{self.name} was not swapped: there is nothing to roll back")
        if not back and swapped:
            raise NoShadowError(
                f"{self.name} was swapped already: nudge projections rollback {self.name} undoes it"
            )

    def _ensure_whole(self, known: records.Rebuild) -> None:
        """A built shadow has as many rows as were made for it, or something else wrote there."""
        if known.swapped:
            return
        found, made = count(self.client, self.table.shadow), known.details["rows"]
        if found != made:
            raise RebuildError(
                f"the shadow of {self.name} has {found:,} rows, not the {made:,} that were made"
                f" for it: nudge projections discard {self.name}, then rebuild it"
            )

    def _note_exchange(self, known: records.Rebuild, *, swapped: bool) -> None:
        records.change(self.conn, self.name, swapped=swapped)
        if swapped:
            return
        # Back in its place as the shadow, it has what it had when it was exchanged, and since.
        rows = count(self.client, self.table.shadow)
        self._change(known, {**known.details, "rows": rows})

    def _known(self) -> records.Rebuild:
        known = records.find(self.conn, self.name)
        if known is None:
            raise NoShadowError(f"{self.name} has no shadow: nudge projections rebuild {self.name}")
        return known

    def _change(self, known: records.Rebuild, details: dict[str, Any]) -> None:
        records.change(self.conn, known.view, details=details)


def _between(
    floors: Mapping[str, int], limits: Mapping[str, int], place: Place, position: int
) -> bool:
    name = f"{place[0]}/{place[1]}"
    return floors.get(name, 0) < position <= limits.get(name, 0)
