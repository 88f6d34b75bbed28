"""The Merkle tree in Postgres: grown behind the log, read for roots and proofs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import LiteralString, NamedTuple

from psycopg import sql

from domain.audit.heads import PURPOSE, TreeHead, is_due, signed_text
from domain.audit.merkle import (
    HASH,
    TILE,
    TILE_HEIGHT,
    Place,
    grown,
    node_in,
    open_tiles,
    root,
    tile_of,
)
from infra.postgres import Connection
from infra.signing import Signer

# Hashed where the events lie: what crosses to this process is 40 bytes an event.
_NEXT = """
    SELECT array_agg(position ORDER BY position), string_agg(hash, ''::bytea ORDER BY position)
    FROM (SELECT position, log.leaf_hash(position, stream_id, version, type, bytes) AS hash
          FROM log.events WHERE position > %s ORDER BY position LIMIT %s) AS next
"""
_KEPT_TILES, _KEPT_NODES = 1_000, 100_000
"""Eight and about twelve megabytes."""
_STATE = "SELECT id, size, position FROM log.tree"
_LOCKED = "SELECT id, size, position FROM log.tree FOR UPDATE SKIP LOCKED"
_HEADS = """
    SELECT id, h.size, root, h.position, made_at, public_key, signature
    FROM log.tree_heads h, log.tree
    WHERE {which} ORDER BY h.size DESC LIMIT %(limit)s
"""


class State(NamedTuple):
    """How far the tree is."""

    log: str
    size: int
    position: int
    """Of its last event."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """One event's place in the tree."""

    index: int
    position: int
    hash: bytes


class Tiles:
    """Nodes of the tree, read as they are asked for and kept for a while: for one transaction."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tiles: dict[Place, bytes] = {}
        self._nodes: dict[tuple[int, int], bytes] = {}

    def __call__(self, height: int, index: int) -> bytes:
        """The complete node at (height, index). Raises TreeDamagedError."""
        found = self._nodes.get((height, index))
        if found is None:
            if len(self._nodes) > _KEPT_NODES:
                self._nodes.clear()
            found = self._nodes[height, index] = node_in(
                self._tile(tile_of(height, index)), height, index
            )
        return found

    def fetch(self, places: Iterable[Place]) -> None:
        """Read those of these tiles that are not known, at once."""
        if missing := [place for place in places if place not in self._tiles]:
            if len(self._tiles) > _KEPT_TILES:
                self._tiles.clear()
            rows = self._connection.execute(
                "SELECT level, number, hashes FROM log.tree_tiles"
                " JOIN unnest(%s::smallint[], %s::bigint[]) AS u (l, n)"
                " ON level = l AND number = n",
                ([level for level, _ in missing], [number for _, number in missing]),
                binary=True,
            ).fetchall()
            self._tiles |= {(level, number): hashes for level, number, hashes in rows}

    def _tile(self, place: Place) -> bytes:
        self.fetch([place])
        if place not in self._tiles:
            raise TreeDamagedError(f"tile {place[1]} of level {place[0]} is missing")
        return self._tiles[place]


class TreeDamagedError(Exception):
    """The stored tree lacks what it should hold; `nudge audit verify` says where."""


def state_of(connection: Connection, *, lock: bool = False) -> State | None:
    """The tree's state; with `lock` None when another keeper is at work on it."""
    row = connection.execute(_LOCKED if lock else _STATE).fetchone()
    return State(*row) if row else None


def grow(connection: Connection, state: State, limit: int) -> State:
    """Take up to `limit` events behind the tree's last into it; the new state."""
    positions, hashes = connection.execute(
        _NEXT, (state.position, limit), binary=True
    ).fetchone() or (None, None)
    if not positions:
        return state
    edge, before = _edge(connection, state.size)
    tiles = grown(state.size, edge, hashes)
    placed = before + positions
    first = state.size // TILE
    rows = [
        (level, number, stored, placed[(number - first) * TILE :][:TILE] if level == 0 else None)
        for level, number, stored in tiles
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO log.tree_tiles (level, number, hashes, positions) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT (level, number) DO UPDATE"
            " SET hashes = excluded.hashes, positions = excluded.positions",
            rows,
        )
    new = State(state.log, state.size + len(positions), positions[-1])
    connection.execute("UPDATE log.tree SET size = %s, position = %s", (new.size, new.position))
    return new


def _edge(connection: Connection, size: int) -> tuple[dict[Place, bytes], list[int]]:
    """Hashes of the open tiles, and the positions of the lowest of them."""
    places = open_tiles(size)
    rows = connection.execute(
        "SELECT level, number, hashes, positions FROM log.tree_tiles"
        " JOIN unnest(%s::smallint[], %s::bigint[]) AS u (l, n) ON level = l AND number = n",
        ([level for level, _ in places], [number for _, number in places]),
        binary=True,
    ).fetchall()
    edge: dict[Place, bytes] = {}
    positions: list[int] = []
    for level, number, hashes, placed in rows:
        edge[level, number] = hashes
        positions = placed if level == 0 else positions
    for level, number in places:
        wanted = (size >> (TILE_HEIGHT * level)) % TILE * HASH
        if len(edge.get((level, number), b"")) != wanted:
            raise TreeDamagedError(f"tile {number} of level {level} does not hold {wanted} bytes")
    return edge, positions


def sign_if_due(
    connection: Connection, state: State, signer: Signer, every: float
) -> TreeHead | None:
    """Sign the tree as it stands, when a new head is due, `every` so many seconds."""
    last, seconds, now = connection.execute(
        "SELECT size, extract(epoch FROM clock_timestamp() - made_at)::float, clock_timestamp()"
        " FROM (VALUES (1)) AS one LEFT JOIN"
        " (SELECT size, made_at FROM log.tree_heads ORDER BY size DESC LIMIT 1) AS head ON true"
    ).fetchone() or (None, None, None)
    if now is None or not is_due(state.size - (last or 0), seconds, every):
        return None
    found = root(Tiles(connection), state.size)
    at = _text(now)
    message = signed_text(state.log, state.size, found.hex(), state.position, at)
    signature = signer.sign(PURPOSE, message)
    connection.execute(
        "INSERT INTO log.tree_heads (size, root, position, made_at, public_key, signature)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (state.size, found, state.position, now, signer.public_key, signature),
    )
    return TreeHead(
        state.log,
        state.size,
        found.hex(),
        state.position,
        at,
        signer.public_key.hex(),
        signature.hex(),
    )


def heads(connection: Connection) -> list[TreeHead]:
    """Every signed head, by size."""
    return _heads(connection, "true")


def newest_head(connection: Connection) -> TreeHead | None:
    """The newest signed head."""
    found = _heads(connection, "true", limit=1)
    return found[0] if found else None


def head_of_size(connection: Connection, size: int) -> TreeHead | None:
    """The head that was signed over so many events."""
    found = _heads(connection, "h.size = %(size)s", size=size)
    return found[0] if found else None


def unfiled_heads(connection: Connection) -> list[TreeHead]:
    """Heads that are not in the file yet, by size."""
    return _heads(connection, "filed_at IS NULL")


def unpublished_heads(connection: Connection) -> list[TreeHead]:
    """Heads that are not on Kafka yet, by size."""
    return _heads(connection, "published_at IS NULL")


def _heads(
    connection: Connection, which: LiteralString, limit: int | None = None, size: int = 0
) -> list[TreeHead]:
    query = sql.SQL(_HEADS).format(which=sql.SQL(which))
    rows = connection.execute(query, {"limit": limit, "size": size}).fetchall()
    return [
        TreeHead(log, size, found.hex(), position, _text(at), key.hex(), signature.hex())
        for log, size, found, position, at, key, signature in reversed(rows)
    ]


def leaf_at(connection: Connection, position: int) -> Leaf | None:
    """The leaf of the event at a position; None when it is not in the tree."""
    row = connection.execute(
        "SELECT number, hashes, positions FROM log.tree_tiles"
        " WHERE level = 0 AND positions[1] <= %s ORDER BY positions[1] DESC LIMIT 1",
        (position,),
        binary=True,
    ).fetchone()
    if row is None or position not in row[2]:
        return None
    number, hashes, positions = row
    place = positions.index(position)
    return Leaf(number * TILE + place, position, hashes[place * HASH : (place + 1) * HASH])


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
