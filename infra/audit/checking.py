"""The check of a live log: its events, its stored tree and signed heads, one against the other."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from domain.audit.merkle import HASH, TILE, folded
from infra.audit.export import Progress, snapshot, stream
from infra.audit.tree import heads, state_of
from infra.audit.verify_bundle import (
    Comparison,
    Finding,
    Head,
    Outcome,
    UnusableError,
    beyond_heads,
    head_of,
    heads_of,
    joined,
    leaf_body,
    refuse_unsigned,
    usable,
)
from infra.postgres import Connection

_EVENTS = "SELECT position, stream_id::text, version, type, bytes FROM log.events ORDER BY position"
_LEAVES = "SELECT number, hashes, positions FROM log.tree_tiles WHERE level = 0 ORDER BY number"
_UPPER = "SELECT level, number, hashes FROM log.tree_tiles WHERE level > 0 ORDER BY level, number"


def read_heads(path: Path) -> list[Head]:
    """Heads somebody kept: a file of lines, or a bundle. Raises UnusableError."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as bundle:
                lines = bundle.read("heads.ndjson").decode().splitlines()
        else:
            lines = path.read_text().splitlines()
    except (OSError, KeyError, UnicodeDecodeError, zipfile.BadZipFile) as error:
        raise UnusableError(f"{path}: {error}") from None
    return heads_of(lines, path.name)


def check_log(
    connection: Connection, kept: Sequence[Head], keys: set[bytes], progress: Progress
) -> Outcome:
    """Compare every event with the stored tree, and both with the heads.

    `keys` are those heads may be signed by. Reads one unchanging view; appends go on.
    """
    with snapshot(connection):
        state = state_of(connection)
        if state is None:
            raise UnusableError("log.tree is empty: the tree was removed")
        own = [head_of(asdict(head)) for head in heads(connection)]
        good, findings = usable(joined(kept, own), state.log, keys)
        leaves = _Leaves(connection)
        comparison = Comparison(good).run(iter(leaves), _events(connection, progress))
        findings += comparison.findings()
        more, notes = beyond_heads(comparison, good)
        findings += more
        if not findings:
            findings += _stored_tree(connection, leaves, state.size)
    refuse_unsigned(comparison.log.size, good, findings)
    return Outcome(state.log, comparison.log.size, len(good), findings, notes)


def _events(connection: Connection, progress: Progress) -> Iterator[tuple[int, bytes]]:
    for position, stream_id, version, event_type, value in stream(connection, _EVENTS):
        progress(1)
        yield position, leaf_body(stream_id, version, event_type, value)


class _Leaves:
    """The stored leaves, read once; and what the levels above must hold because of them."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.count = 0
        self.broken: str | None = None
        self.roots: list[bytes] = []
        """Of the full tiles."""

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        for expected, (number, hashes, positions) in enumerate(stream(self._connection, _LEAVES)):
            if number != expected or len(hashes) != len(positions) * HASH:
                self.broken = self.broken or f"tile {expected} of level 0 is not whole"
            if len(positions) == TILE:
                self.roots.append(folded(hashes))
            self.count += len(positions)
            for at, position in enumerate(positions):
                yield position, hashes[at * HASH : (at + 1) * HASH]


def _stored_tree(connection: Connection, leaves: _Leaves, size: int) -> list[Finding]:
    """Whether the rest of the stored tree follows from its leaves; proofs depend on it."""
    if leaves.broken is None and leaves.count != size:
        leaves.broken = f"the tree says {size:,} events and has the leaves of {leaves.count:,}"
    why = leaves.broken or _upper_levels(connection, leaves.roots)
    return [Finding("tree", None, None, why)] if why else []


def _upper_levels(connection: Connection, roots: list[bytes]) -> str | None:
    wanted: dict[tuple[int, int], bytes] = {}
    level = 1
    while roots:
        tiles = [b"".join(roots[at : at + TILE]) for at in range(0, len(roots), TILE)]
        wanted |= {(level, number): hashes for number, hashes in enumerate(tiles)}
        roots = [folded(hashes) for hashes in tiles if len(hashes) == TILE * HASH]
        level += 1
    for at, number, hashes in stream(connection, _UPPER):
        if wanted.pop((at, number), None) != hashes:
            return f"tile {number} of level {at} does not follow from those below it"
    missing = next(iter(wanted), None)
    return f"tile {missing[1]} of level {missing[0]} is missing" if missing else None
