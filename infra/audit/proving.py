"""Proofs as documents that `verify_bundle.py` checks: an event is in the log, a tree has grown."""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import Any

from domain.audit.heads import TreeHead
from domain.audit.merkle import consistency, inclusion, tiles_on_path
from infra.audit.tree import Tiles, head_of_size, leaf_at, newest_head, state_of
from infra.postgres import Connection

_EVENT = "SELECT stream_id, version, type, bytes FROM log.events WHERE position = %s"


class NoProofError(Exception):
    """There is nothing to prove, or not yet; the message is one line that says why."""


def event_document(
    position: int, stream: str, version: int, event_type: str, value: bytes
) -> dict[str, Any]:
    """An event as bundles and proofs hold it: the bytes of the log, still sealed."""
    return {
        "position": position,
        "stream": stream,
        "version": version,
        "type": event_type,
        "bytes": base64.b64encode(value).decode(),
    }


def prove_event(connection: Connection, position: int) -> dict[str, Any]:
    """That the event at a position is in the tree of the newest head. Raises NoProofError."""
    event = connection.execute(_EVENT, (position,)).fetchone()
    if event is None:
        raise NoProofError(f"there is no event at position {position}")
    head = newest_head(connection)
    if head is None or head.position < position:
        raise NoProofError(f"position {position} is in no signed head yet: try again in 10 s")
    leaf = leaf_at(connection, position)
    if leaf is None:
        raise NoProofError(
            f"the event at position {position} is not in the tree: run nudge audit verify"
        )
    nodes = Tiles(connection)
    nodes.fetch(tiles_on_path(leaf.index, head.size))
    return {
        "kind": "inclusion",
        "event": event_document(position, *event),
        "index": leaf.index,
        "head": asdict(head),
        "path": _hex(inclusion(nodes, leaf.index, head.size)),
    }


def prove_growth(connection: Connection, old: int, new: int) -> dict[str, Any]:
    """That the tree of one signed head is the beginning of that of another. Raises NoProofError."""
    if old > new:
        raise NoProofError(f"the older tree is named first: {new} {old}")
    heads = [_signed(connection, size) for size in (old, new)]
    return {
        "kind": "consistency",
        "old": asdict(heads[0]),
        "head": asdict(heads[1]),
        "path": growth(Tiles(connection), old, new),
    }


def growth(nodes: Tiles, old: int, new: int) -> list[str]:
    """The consistency proof of two sizes, as text."""
    return _hex(consistency(nodes, old, new))


def _signed(connection: Connection, size: int) -> TreeHead:
    if head := head_of_size(connection, size):
        return head
    rows = connection.execute(
        "SELECT size FROM log.tree_heads ORDER BY abs(size - %s), size LIMIT 3", (size,)
    ).fetchall()
    near = ", ".join(str(found) for (found,) in sorted(rows)) or "none yet"
    state = state_of(connection)
    raise NoProofError(
        f"no head of {size} events was signed; the nearest are of {near}"
        f" (the tree has {state.size if state else 0})"
    )


def _hex(path: list[bytes]) -> list[str]:
    return [each.hex() for each in path]
