"""Where consumers stand, as offsets of new topics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from infra.backup.places import Place, offsets_of, positions_below
from infra.postgres import Connection

_ALL: Final = "SELECT consumer, topic, partition, next_offset, position FROM state.positions"
_ALONE: Final = "LOCK TABLE state.positions, state.analytics_batches IN SHARE ROW EXCLUSIVE MODE"
_MOVE: Final = """
    UPDATE state.positions p SET next_offset = u.o, position = u.at
    FROM unnest(%s::text[], %s::text[], %s::int[], %s::bigint[], %s::bigint[])
        AS u (c, t, n, o, at)
    WHERE p.consumer = u.c AND p.topic = u.t AND p.partition = u.n
"""
_BATCHES: Final = "SELECT count(*) FROM state.analytics_batches"


class Standing(NamedTuple):
    """A row of state.positions: what a consumer reads next, and the position it has."""

    consumer: str
    topic: str
    partition: int
    next_offset: int
    position: int

    @property
    def place(self) -> Place:
        """Its partition."""
        return self.topic, self.partition


def standings(connection: Connection) -> list[Standing]:
    """All of them."""
    return sorted(Standing(*row) for row in connection.execute(_ALL).fetchall())


def translated(
    bootstrap: str, before: str, after: str, stands: Sequence[Standing], head: int
) -> list[Standing]:
    """The same places in the log, as offsets of the topics with the prefix `after`.

    Both topics are read from the beginning. What a consumer has passed is asked of the old topic
    as well: a record that became a dead letter moves the offset and not always the position. A
    position above `head`, where the log ends, came from a record that is nobody's.
    """
    passed = positions_below(bootstrap, before, _by_place(stands, "next_offset"), head)
    whole = [
        stand._replace(
            position=max(
                stand.position if stand.position <= head else 0,
                passed[stand.place, stand.next_offset],
            )
        )
        for stand in stands
    ]
    offsets = offsets_of(bootstrap, after, _by_place(whole, "position"))
    return [each._replace(next_offset=offsets[each.place, each.position]) for each in whole]


def bring_over(
    connection: Connection, stands: Sequence[Standing], moved: Sequence[Standing]
) -> bool:
    """Store the moved ones in the caller's transaction, unless anything is not as in `stands`."""
    connection.execute(_ALONE)
    if standings(connection) != list(stands):
        return False
    if connection.execute(_BATCHES).fetchone() != (0,):
        return False
    columns = zip(*moved, strict=True) if moved else ([], [], [], [], [])
    connection.execute(_MOVE, [list(column) for column in columns])
    return True


def _by_place(stands: Sequence[Standing], field: str) -> Mapping[Place, set[int]]:
    found: dict[Place, set[int]] = {}
    for stand in stands:
        found.setdefault(stand.place, set()).add(getattr(stand, field))
    return found
