"""A read model built anew beside the live one, from the log, until it follows.

Resumable: whatever a killed run has stored is kept, and the next one goes on from there.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

import psycopg

from projections.postgres import positions
from projections.postgres.tables import alike
from projections.postgres.view import View
from projections.postgres.writer import tables_of
from projections.rebuild import handover, records, shadow
from projections.rebuild.errors import BadPositionError
from projections.rebuild.swap import behind
from schemas.codec import Codec
from schemas.ports import KeyRing

Conn = psycopg.Connection[Any]
Say = Callable[[str], None]

_CLOSE: Final = 2_000
_ROUNDS: Final = 20
_LEFT_BEHIND: Final = """
SELECT min(s.position) FROM state.positions s
JOIN state.positions l USING (topic, partition)
WHERE l.consumer = %s AND s.consumer = %s AND l.next_offset <> s.next_offset
"""


class Workers(Protocol):
    """Runs `build_part` for every share of a rebuild, at the same time, until all are done."""

    def __call__(self, rebuild: records.Rebuild, view: View[Any], shares: int) -> None:
        """Raises what a worker raises; BusyError when one died."""


@dataclass(frozen=True)
class Rebuilder:
    """Builds shadows. `conn` is the owner's, in autocommit, and used for nothing else meanwhile."""

    conn: Conn
    codec: Codec
    keys: KeyRing
    workers: Workers
    shares: int
    """How many workers build at the same time."""
    say: Say = lambda _line: None

    def rebuild(self, view: View[Any], as_of: int | None = None) -> records.Rebuild:
        """Build the shadow of a view, or go on with it; it then follows the live table.

        With `as_of` it holds what the log said at that position, and stays so. A finished shadow
        is dropped and built anew. Raises RebuildError when refused.
        """
        with records.alone(self.conn, view.name):
            target = self._target(as_of)
            known = records.find(self.conn, view.name)
            fits = known is not None and alike(self.conn, tables_of(view.name))
            if known is not None and fits and self._was_left_behind(view, known, as_of):
                self.say("the shadow was left behind: it is brought up from the log")
            elif known is None or not fits or (known.state, known.as_of) != ("building", as_of):
                known = self._begin(view, target, as_of, known)
            else:
                self.say("going on with the rebuild that was begun")
            self._build(view, known)
            if as_of is None:
                self._approach(view)
                handover.hand_over(self.conn, view, self.codec, self.keys)
            else:
                records.change(self.conn, view.name, state="compared")
            return self._known(view)

    def discard(self, view: View[Any]) -> None:
        """Drop the shadow of a view, finished or not. Raises BusyError while it is being built."""
        with records.alone(self.conn, view.name):
            handover.let_go(self.conn, view, self.codec)

    def _target(self, as_of: int | None) -> int:
        first, last = self._bounds()
        if as_of is None:
            return last
        if as_of < max(first, 1):
            raise BadPositionError(f"position {as_of} is before the first event, {first}")
        if as_of > last:
            raise BadPositionError(f"position {as_of} is in the future: the log ends at {last}")
        return as_of

    def _bounds(self) -> tuple[int, int]:
        row = self.conn.execute("SELECT min(position), max(position) FROM log.events").fetchone()
        return (row[0] or 0, row[1] or 0) if row else (0, 0)

    def _was_left_behind(self, view: View[Any], known: records.Rebuild, as_of: int | None) -> bool:
        """Whether a follower has a gap; it then follows no more in the other partitions either,
        and is to be built from before the gap."""
        if as_of is not None or known.state != "following" or known.swapped:
            return False
        if behind(self.conn, known.view) is None:
            return False
        names = (known.view, positions.shadow_of(known.view))
        with self.conn.transaction():
            handover.lock_positions(self.conn, view, self.codec)
            row = self.conn.execute(_LEFT_BEHIND, names).fetchone()
            low = row[0] if row and row[0] is not None else 0
            handover.stop_following(self.conn, view)
            records.change(self.conn, known.view, state="building", high=low)
            self.conn.execute(
                "UPDATE state.rebuild_parts SET position = %s WHERE id = %s", (low, known.id)
            )
        return True

    def _begin(
        self, view: View[Any], target: int, as_of: int | None, known: records.Rebuild | None
    ) -> records.Rebuild:
        if known is not None:
            self.say("the shadow that is there is dropped")
        handover.let_go(self.conn, view, self.codec)
        with self.conn.transaction():
            shadow.create(self.conn, view.name)
            return records.begin(self.conn, view.name, high=target, as_of=as_of, parts=self.shares)

    def _build(self, view: View[Any], known: records.Rebuild) -> None:
        """The mass of it, then indexes and policies, then statistics for the planner."""
        shares = len(records.parts_of(self.conn, known.id))
        self.workers(self._known(view), view, shares)
        if not shadow.is_complete(self.conn, view.name):
            self.say("indexes")
            with self.conn.transaction():
                shadow.complete(self.conn, view.name)
        shadow.analyze(self.conn, view.name)

    def _approach(self, view: View[Any]) -> None:
        """Come so near to the end of the log that little is left for the hand-over."""
        for _ in range(_ROUNDS):
            known, (_, last) = self._known(view), self._bounds()
            if last - known.high <= _CLOSE:
                return
            records.change(self.conn, view.name, high=last)
            self.workers(self._known(view), view, len(records.parts_of(self.conn, known.id)))

    def _known(self, view: View[Any]) -> records.Rebuild:
        found = records.find(self.conn, view.name)
        if found is None:
            raise AssertionError(f"the rebuild of {view.name} is held by this command")
        return found
