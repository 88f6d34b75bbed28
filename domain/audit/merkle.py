"""The Merkle tree of RFC 6962, kept in tiles: hashes, growth, roots and proofs. Pure.

A node at (height, index) covers the leaves from `index << height` up to the next one. Hashes of
complete nodes are kept at every eighth height in tiles of 256, so that ten million leaves have
three levels of tiles, and a proof reads a handful of them. Whatever lies between is computed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import NamedTuple

HASH = 32
"""Bytes of a hash."""
TILE_HEIGHT = 8
TILE = 1 << TILE_HEIGHT
"""Hashes of a full tile."""
Place = tuple[int, int]
"""Level and number of a tile: it holds the nodes at height 8 * level, from index 256 * number."""
Nodes = Callable[[int, int], bytes]
"""Hash of the complete node at (height, index)."""


class Tile(NamedTuple):
    """Up to 256 hashes, one after the other."""

    level: int
    number: int
    hashes: bytes


def leaf_hash(leaf: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def folded(hashes: bytes) -> bytes:
    """The root over a power of two of hashes."""
    row = [hashes[at : at + HASH] for at in range(0, len(hashes), HASH)]
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


def open_tiles(size: int) -> list[Place]:
    """The tiles of a tree of so many leaves that are not full, the lowest first."""
    places = []
    level = 0
    while (count := size >> (TILE_HEIGHT * level)) > 0:
        if count % TILE:
            places.append((level, count // TILE))
        level += 1
    return places


def grown(size: int, edge: Mapping[Place, bytes], leaves: bytes) -> list[Tile]:
    """The tiles that change when these leaf hashes join a tree of `size` leaves.

    `edge` has the hashes of the tree's open tiles.
    """
    changed: list[Tile] = []
    level, new = 0, leaves
    while new:
        number, filled = divmod(size >> (TILE_HEIGHT * level), TILE)
        hashes = (edge[level, number] if filled else b"") + new
        new = b""
        for at in range(0, len(hashes), TILE * HASH):
            tile = Tile(level, number + at // (TILE * HASH), hashes[at : at + TILE * HASH])
            changed.append(tile)
            if len(tile.hashes) == TILE * HASH:
                new += folded(tile.hashes)
        level += 1
    return changed


def tiles_on_path(index: int, size: int) -> list[Place]:
    """The tiles that a proof for the leaf at `index` of `size` reads: its own, and open ones."""
    places = dict.fromkeys(open_tiles(size))
    level = 0
    while size >> (TILE_HEIGHT * level) > 0:
        places[level, index >> (TILE_HEIGHT * (level + 1))] = None
        level += 1
    return list(places)


def tile_of(height: int, index: int) -> Place:
    """The tile from which a node can be had."""
    level, above = divmod(height, TILE_HEIGHT)
    return level, (index << above) >> TILE_HEIGHT


def node_in(tile: bytes, height: int, index: int) -> bytes:
    """The node's hash, from the hashes of its tile."""
    above = height % TILE_HEIGHT
    first = ((index << above) % TILE) * HASH
    return folded(tile[first : first + (HASH << above)])


def span(nodes: Nodes, start: int, end: int) -> bytes:
    """The RFC's MTH over the leaves from `start` up to `end`; `start` as its splits give it."""
    count = end - start
    if count == 0:
        return hashlib.sha256(b"").digest()
    if count & (count - 1) == 0:
        return nodes(count.bit_length() - 1, start // count)
    middle = start + _split(count)
    return node_hash(span(nodes, start, middle), span(nodes, middle, end))


def root(nodes: Nodes, size: int) -> bytes:
    """The root over the first `size` leaves."""
    return span(nodes, 0, size)


def inclusion(nodes: Nodes, index: int, size: int) -> list[bytes]:
    """The RFC's PATH: proves that the leaf at `index` is in the tree of `size` leaves."""
    path: list[bytes] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(span(nodes, middle, end))
            end = middle
        else:
            path.append(span(nodes, start, middle))
            start = middle
    return path[::-1]


def consistency(nodes: Nodes, old: int, new: int) -> list[bytes]:
    """The RFC's PROOF: proves that the tree of `old` leaves is the beginning of that of `new`."""
    proof: list[bytes] = []
    start, end = 0, new
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            proof.append(span(nodes, middle, end))
            end = middle
        else:
            proof.append(span(nodes, start, middle))
            start = middle
    # The old tree's own root needs no proof: whoever checks has it.
    return [*([span(nodes, start, end)] if start else []), *proof[::-1]]


def _split(count: int) -> int:
    """The largest power of two below a count of at least two."""
    return 1 << (count - 1).bit_length() - 1
