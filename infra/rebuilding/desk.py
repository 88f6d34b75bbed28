"""What `nudge projections` does with the Postgres read models, apart from how it is shown."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from infra.local.addresses import resolve
from infra.postgres import Connection, connect
from infra.rebuilding.workers import Access, Progress, WorkerProcesses
from infra.settings import Settings
from projections.postgres.tables import alike
from projections.postgres.view import View
from projections.postgres.views import ALL_VIEWS
from projections.postgres.writer import tables_of
from projections.rebuild import blame, records, swap
from projections.rebuild.analytics_diff import DayDiff
from projections.rebuild.build import RANGE
from projections.rebuild.diff import RowDifference, TableDiff, compare
from projections.rebuild.errors import NoShadowError, RebuildError, UnknownViewError
from projections.rebuild.rebuild import Rebuilder, Say
from schemas.codec import Codec, Event
from schemas.registry import default_registry


@dataclass(frozen=True)
class Explained:
    """A row that differs, and the event after which the two sides part, if it can be told."""

    row: RowDifference
    event: blame.Culprit | None


@dataclass(frozen=True)
class Comparison:
    """A view and its shadow compared. `as_of`: the position the shadow stands at, if it does."""

    tables: list[TableDiff]
    explained: list[Explained]
    as_of: int | None
    days: list[DayDiff] = field(default_factory=list)
    """In ClickHouse: the days whose counts or hashes differ."""

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return all(table.same for table in self.tables)


class PostgresDesk:
    """Rebuild, compare, swap, roll back. For one thread. Raises RebuildError when refused."""

    def __init__(self, access: Access, views: tuple[View[Any], ...] = ALL_VIEWS) -> None:
        self._access = access
        self._views = {view.name: view for view in views}
        self._codec = Codec(default_registry(), os.urandom)

    @classmethod
    def of(cls, settings: Settings) -> PostgresDesk:
        """The desk of the installation that these settings describe."""
        at = resolve(settings)
        return cls(Access(at.postgres_owner_url, at.master_key_file))

    @property
    def names(self) -> list[str]:
        """Every read model."""
        return list(self._views)

    def view(self, name: str) -> View[Any]:
        """A read model by name. Raises UnknownViewError."""
        if name not in self._views:
            raise UnknownViewError(name, self.names)
        return self._views[name]

    def rebuild(
        self,
        name: str,
        as_of: int | None = None,
        *,
        shares: int | None = None,
        span: int = RANGE,
        say: Say = lambda _line: None,
        progress: Progress = lambda _rebuild, _parts: None,
    ) -> records.Rebuild:
        """Build the shadow, or go on with it."""
        view = self.view(name)
        with self._connection() as conn:
            workers = WorkerProcesses(self._access, progress, span)
            shares = shares or max(2, os.cpu_count() or 2)
            keys = self._access.keys()
            return Rebuilder(conn, self._codec, keys, workers, shares, say).rebuild(view, as_of)

    def discard(self, name: str) -> None:
        """Drop the shadow."""
        view = self.view(name)
        with self._connection() as conn:
            workers = WorkerProcesses(self._access)
            Rebuilder(conn, self._codec, self._access.keys(), workers, 1).discard(view)

    def swap(self, name: str, *, back: bool = False) -> int:
        """Shadow and live table change places; how many tries that took."""
        view = self.view(name)
        with self._connection() as conn, records.alone(conn, name):
            return swap.swap(conn, view, back=back)

    def status(self) -> list[tuple[records.Rebuild, list[records.Part], bool]]:
        """Every shadow with its shares, and whether it has everything the live table has."""
        with self._connection() as conn:
            return [
                (each, records.parts_of(conn, each.id), self._is_current(conn, each))
                for each in records.all_rebuilds(conn)
                if each.view in self._views
            ]

    def diff(self, name: str, *, limit: int = 20, other: View[Any] | None = None) -> Comparison:
        """Compare live table and shadow. With `other`, the fold that made one of them, the event
        is found by running both."""
        view = self.view(name)
        with self._connection() as conn:
            known = records.find(conn, name)
            if known is None or known.state == "building":
                raise NoShadowError(
                    f"{name} has nothing to compare with: nudge projections rebuild {name}"
                )
            if not alike(conn, tables_of(name)):
                raise NoShadowError(
                    f"a migration has changed {name}, but not its shadow:"
                    f" nudge projections rebuild {name} makes a new one"
                )
            tables = compare(conn, view, as_of=known.as_of, limit=limit)
            explained = self._explained(conn, view, tables, known.as_of, other)
        return Comparison(tables, explained, known.as_of)

    def _explained(
        self,
        conn: Connection,
        view: View[Any],
        tables: list[TableDiff],
        as_of: int | None,
        other: View[Any] | None,
    ) -> list[Explained]:
        """Every row shown, with the event that made the difference; a counter has none."""
        rows = [row for table in tables for row in table.examples]
        events = {
            row.key: self._events(conn, view, row, as_of) for row in rows if row.table == view.name
        }
        differing = [
            events[row.key] for row in rows if row.kind == "different" and row.key in events
        ]
        kind = blame.suspect(conn, view, differing) if other is None else None
        return [
            Explained(row, _culprit(view, row, events.get(row.key, []), kind, other))
            for row in rows
        ]

    def _events(
        self, conn: Connection, view: View[Any], row: RowDifference, as_of: int | None
    ) -> list[Event]:
        sides = [side["position"] for side in (row.shadow, row.live) if side is not None]
        upto = as_of or max(sides)
        keys = self._access.keys()
        return blame.events_of_row(conn, view, self._codec, keys, sides[0], row.key, upto)

    @staticmethod
    def _is_current(conn: Connection, each: records.Rebuild) -> bool:
        return each.state == "following" and swap.behind(conn, each.view) is None

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        with connect(
            self._access.owner_url, autocommit=True, application="nudge-projections"
        ) as conn:
            yield conn


def _culprit(
    view: View[Any],
    row: RowDifference,
    events: list[Event],
    kind: str | None,
    other: View[Any] | None,
) -> blame.Culprit | None:
    if other is not None:
        return blame.parted(view, other, events)
    if kind is not None and row.kind == "different":
        return blame.first_of(kind, events)
    return blame.left(view, events, (row.live, row.shadow), row.columns)


def load_view(file: Path) -> View[Any]:
    """The VIEW of a Python file, such as an older version of a module in projections.

    Raises RebuildError when the file has none.
    """
    spec = importlib.util.spec_from_file_location("other_fold", file)
    if spec is None or spec.loader is None:
        raise RebuildError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found = getattr(module, "VIEW", None)
    if not isinstance(found, View):
        raise RebuildError(f"{file} has no VIEW")
    return found
