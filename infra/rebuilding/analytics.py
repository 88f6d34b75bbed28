"""What `nudge projections` does with the ClickHouse tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

from clickhouse_connect.driver.client import Client

from infra.local.addresses import resolve
from infra.postgres import Connection, connect
from infra.rebuilding.desk import Comparison, Explained
from infra.rebuilding.filling import AnalyticsAccess, FillJob, fill, fill_one
from infra.rebuilding.processes import at_once
from infra.rebuilding.workers import Progress
from infra.settings import Settings
from projections.clickhouse.inserts import Inserter
from projections.postgres.view import View
from projections.rebuild import records
from projections.rebuild.analytics_diff import compare
from projections.rebuild.analytics_fill import (
    SPAN,
    AnalyticsTable,
    Filler,
    table_of,
    tables,
)
from projections.rebuild.analytics_swap import Exchange, count, create, drop, identity
from projections.rebuild.blame import Culprit
from projections.rebuild.errors import BadPositionError, NoShadowError, RebuildError
from projections.rebuild.rebuild import Say
from schemas.codec import Codec
from schemas.registry import default_registry


class AnalyticsDesk:
    """Rebuild, compare, swap, roll back. For one thread. Raises RebuildError when refused."""

    def __init__(self, access: AnalyticsAccess) -> None:
        self._access = access
        self._codec = Codec(default_registry(), os.urandom)

    @classmethod
    def of(cls, settings: Settings) -> AnalyticsDesk:
        """The desk of the installation that these settings describe."""
        at = resolve(settings)
        login = (at.clickhouse_url, at.clickhouse_username, at.clickhouse_password)
        return cls(AnalyticsAccess(at.postgres_owner_url, login))

    @property
    def names(self) -> list[str]:
        """Every table."""
        return list(tables(self._codec))

    def rebuild(
        self,
        name: str,
        as_of: int | None = None,
        *,
        shares: int | None = None,
        span: int | None = None,
        say: Say = lambda _line: None,
        progress: Progress = lambda _rebuild, _parts: None,
    ) -> records.Rebuild:
        """Build the shadow, or go on with it."""
        table = table_of(self._codec, name)
        shares, span = shares or max(2, os.cpu_count() or 2), span or SPAN
        with self._postgres() as conn, self._access.client() as client, records.alone(conn, name):
            known = records.find(conn, name)
            target = _target(conn, as_of)
            if known is None or known.state != "building" or known.as_of != as_of:
                if known is not None:
                    say("the shadow that is there is dropped")
                known = _begin(conn, client, table, name, target, as_of, shares, span)
            else:
                say("going on with the rebuild that was begun")
            self._fill(conn, name, known, progress)
            _finish(conn, client, table, known)
            return records.find(conn, name) or known

    def discard(self, name: str) -> None:
        """Drop the shadow."""
        table = table_of(self._codec, name)
        with self._postgres() as conn, self._access.client() as client, records.alone(conn, name):
            drop(client, table)
            records.forget(conn, name)

    def swap(self, name: str, *, back: bool = False) -> int:
        """Shadow and live table change places."""
        table = table_of(self._codec, name)
        with ExitStack() as opened:
            conn = opened.enter_context(self._postgres())
            opened.enter_context(records.alone(conn, name))
            holding, reading = (
                opened.enter_context(connect(self._access.owner_url, application="nudge-swap"))
                for _ in range(2)
            )
            client = opened.enter_context(self._access.client())
            inserter = Inserter(client)
            opened.callback(inserter.close)
            filler = Filler(reading, inserter, self._codec, table)
            Exchange(conn, holding, client, filler, table, name).swap(back=back)
        return 1

    def status(self) -> list[tuple[records.Rebuild, list[records.Part], bool]]:
        """Every shadow with its shares. None follows: a swap brings it up first."""
        with self._postgres() as conn:
            return [
                (each, records.parts_of(conn, each.id), False)
                for each in records.all_rebuilds(conn)
                if each.view in self.names
            ]

    def diff(self, name: str, *, limit: int = 20, other: View[Any] | None = None) -> Comparison:
        """Compare live table and shadow up to where the shadow was built."""
        table = table_of(self._codec, name)
        if other is not None:
            raise RebuildError("an older fold can be given for a Postgres read model only")
        with self._postgres() as conn, self._access.client() as client:
            known = records.find(conn, name)
            if known is None or known.state == "building":
                raise NoShadowError(
                    f"{name} has nothing to compare with: nudge projections rebuild {name}"
                )
            found, days = compare(client, table, name, known.high, limit)
            explained = [
                Explained(row, _event(conn, int(row.key.split()[0]))) for row in found.examples
            ]
        return Comparison([found], explained, known.as_of, days)

    def _fill(
        self, conn: Connection, name: str, known: records.Rebuild, progress: Progress
    ) -> None:
        parts = records.parts_of(conn, known.id)
        jobs = [FillJob(self._access, name, known, part.part) for part in parts]
        if known.high <= int(known.details["span"]) * 2 or len(jobs) == 1:
            for job in jobs:
                fill_one(job, lambda: True)
        else:
            look = partial(records.parts_of, conn, known.id)
            at_once(jobs, fill, lambda: progress(known, look()))
        progress(known, records.parts_of(conn, known.id))

    @contextmanager
    def _postgres(self) -> Iterator[Connection]:
        with connect(
            self._access.owner_url, autocommit=True, application="nudge-projections"
        ) as conn:
            yield conn


def _begin(
    conn: Connection,
    client: Client,
    table: AnalyticsTable,
    name: str,
    target: int,
    as_of: int | None,
    shares: int,
    span: int,
) -> records.Rebuild:
    records.forget(conn, name)
    create(client, table)
    details = {"span": span, "uuid": identity(client, table.shadow), "number": 0}
    with conn.transaction():
        return records.begin(conn, name, high=target, as_of=as_of, parts=shares, details=details)


def _finish(
    conn: Connection, client: Client, table: AnalyticsTable, known: records.Rebuild
) -> None:
    """Note what the shadow holds, and that it holds as many rows as were made for it."""
    parts = records.parts_of(conn, known.id)
    contained: dict[str, int] = {}
    for part in parts:
        for place, position in part.reached.items():
            contained[place] = max(position, contained.get(place, 0))
    made, found = sum(part.rows for part in parts), count(client, table.shadow)
    if made != found:
        raise RebuildError(
            f"{table.shadow} has {found:,} rows, not the {made:,} that were made for it:"
            f" nudge projections discard {known.view}, then rebuild it"
        )
    records.change(
        conn,
        known.view,
        state="built" if known.as_of is None else "compared",
        details={**known.details, "contained": contained, "rows": made, "plan": None},
    )


def _target(conn: Connection, as_of: int | None) -> int:
    row = conn.execute("SELECT min(position), max(position) FROM log.events").fetchone()
    first, last = (row[0] or 0, row[1] or 0) if row else (0, 0)
    if as_of is not None and as_of < max(first, 1):
        raise BadPositionError(f"position {as_of} is before the first event, {first}")
    if as_of is not None and as_of > last:
        raise BadPositionError(f"position {as_of} is in the future: the log ends at {last}")
    return last if as_of is None else as_of


def _event(conn: Connection, position: int) -> Culprit | None:
    row = conn.execute(
        "SELECT position, type, version FROM log.events WHERE position = %s", (position,)
    ).fetchone()
    return None if row is None else Culprit(row[0], row[1], row[2], certain=True)
