"""Trees of any size grown in any steps: one root, and every proof leads to it."""

from __future__ import annotations

import hashlib
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.audit.merkle import (
    HASH,
    TILE,
    Place,
    consistency,
    grown,
    inclusion,
    node_in,
    open_tiles,
    root,
    tile_of,
    tiles_on_path,
)
from infra.audit.verify_bundle import Growing, Head, is_beginning, root_of

LARGEST = 70_000
"""Three levels of tiles."""
_SEED = os.urandom(8)
LEAVES = [hashlib.sha256(_SEED + number.to_bytes(4, "big")).digest() for number in range(LARGEST)]


def grow(steps: list[int]) -> dict[Place, bytes]:
    """The tiles of a tree that grew by these steps, each seeing only the open tiles."""
    tiles: dict[Place, bytes] = {}
    size = 0
    for step in steps:
        edge = {place: tiles[place] for place in open_tiles(size)}
        for level, number, hashes in grown(size, edge, b"".join(LEAVES[size : size + step])):
            tiles[level, number] = hashes
        size += step
    return tiles


def reference(size: int, wanted: set[int]) -> dict[int, bytes]:
    tree = Growing(wanted)
    for leaf in LEAVES[:size]:
        tree.add(leaf)
    return tree.roots


_FULL = grow([LARGEST])
_STEPS = st.lists(st.one_of(st.integers(1, 700), st.sampled_from([TILE, TILE * 3])), max_size=20)
_SIZES = st.one_of(st.integers(1, 2_000), st.integers(1, LARGEST))


def nodes(height: int, index: int) -> bytes:
    return node_in(_FULL[tile_of(height, index)], height, index)


def head(size: int) -> Head:
    return Head("", size, root(nodes, size), 0, "", b"", b"")


@given(_STEPS)
@settings(deadline=None)
def test_the_steps_in_which_a_tree_grew_do_not_matter(steps: list[int]) -> None:
    size = sum(steps)

    tiles = grow(steps)

    assert tiles == (grow([size]) if size else {})
    assert all(len(hashes) <= TILE * HASH for hashes in tiles.values())
    for place, hashes in tiles.items():
        assert _FULL[place].startswith(hashes)


def test_roots_equal_those_of_a_tree_without_tiles() -> None:
    sizes = {1, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537, LARGEST}

    assert {size: root(nodes, size) for size in sizes} == reference(LARGEST, sizes)


@given(_SIZES, st.data())
@settings(deadline=None)
def test_every_leaf_is_proven_and_no_other(size: int, data: st.DataObject) -> None:
    index = data.draw(st.integers(0, size - 1))

    path = inclusion(nodes, index, size)
    read: set[Place] = set()

    def watched(height: int, at: int) -> bytes:
        read.add(tile_of(height, at))
        return nodes(height, at)

    assert inclusion(watched, index, size) == path
    assert read <= set(tiles_on_path(index, size))
    assert root_of(LEAVES[index], index, size, path) == root(nodes, size)
    assert root_of(LEAVES[index - 1], index, size, path) != root(nodes, size) or size == 1
    for at in range(len(path)):
        broken = [*path[:at], bytes(HASH), *path[at + 1 :]]
        assert root_of(LEAVES[index], index, size, broken) != root(nodes, size)


@given(_SIZES, st.data())
@settings(deadline=None)
def test_every_older_tree_is_proven_to_be_the_beginning(size: int, data: st.DataObject) -> None:
    old = data.draw(st.integers(1, size))

    proof = consistency(nodes, old, size)

    assert is_beginning(head(old), head(size), proof)
    assert not is_beginning(head(old)._replace(root=bytes(HASH)), head(size), proof)
    assert not is_beginning(head(old), head(size)._replace(root=bytes(HASH)), proof)
