"""The bundle for an auditor: events as they lie in the log, leaf hashes, signed heads, proofs.

A ZIP file of `manifest.json`, `heads.ndjson`, `events.ndjson` and, for the whole log, `leaves.bin`
(position, 8 bytes, and leaf hash, 32 bytes, for every leaf of the tree). A bundle of one
organization has, in place of the leaf hashes, a path to its newest head with every event, and with
every older head a proof that its tree is the beginning of the newest one.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, LiteralString

from domain.audit.heads import TreeHead
from domain.audit.merkle import HASH, inclusion
from infra.audit.proving import NoProofError, event_document, growth
from infra.audit.tree import Leaf, Tiles, heads, leaf_at, newest_head, state_of
from infra.audit.verify_bundle import Head
from infra.postgres import Connection

FORMAT = "nudgecampaign-audit-1"
MOST_TIED_HEADS = 2_000
"""Older heads of an organization's bundle, evenly chosen; those an auditor names come on top."""
_EVENTS = "SELECT position, stream_id::text, version, type, bytes FROM log.events ORDER BY position"
_OWN = (
    "SELECT position, stream_id::text, version, type, bytes FROM log.events"
    " WHERE organization_id = %s AND position <= %s ORDER BY position"
)
_LEAVES = "SELECT hashes, positions FROM log.tree_tiles WHERE level = 0 ORDER BY number"
Progress = Callable[[int], None]
"""Told of so many more events."""


@contextmanager
def snapshot(connection: Connection) -> Iterator[Connection]:
    """One unchanging view of log and tree. The connection is in autocommit mode."""
    with connection.transaction():
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield connection


def export_log(connection: Connection, target: Path, key: bytes, progress: Progress) -> int:
    """Write the bundle of the whole log; how many events. Whole or not at all."""
    with snapshot(connection), _bundle(target) as bundle:
        state = state_of(connection)
        if state is None:
            raise NoProofError("log.tree is empty: the tree was removed")
        with bundle.open("events.ndjson", "w", force_zip64=True) as file:
            count = _write_events(connection, file, progress)
        with bundle.open("leaves.bin", "w", force_zip64=True) as file:
            for hashes, positions in stream(connection, _LEAVES):
                file.write(_records(hashes, positions))
        signed = heads(connection)
        _write_lines(bundle, "heads.ndjson", [asdict(head) for head in signed])
        _write_manifest(bundle, {"kind": "log", "log": state.log, "events": count}, key)
    return count


def export_organization(
    connection: Connection,
    target: Path,
    key: bytes,
    organization: str,
    kept: Sequence[Head],
    progress: Progress,
) -> int:
    """Write the bundle of one organization, up to the newest head; how many events.

    `kept` are heads the auditor has: each is in the bundle, with its proof.
    """
    with snapshot(connection), _bundle(target) as bundle:
        head = newest_head(connection)
        if head is None:
            raise NoProofError("no tree head was signed yet: try again in 10 s")
        nodes = Tiles(connection)
        count = 0
        with bundle.open("events.ndjson", "w", force_zip64=True) as file:
            for event in stream(connection, _OWN, (organization, head.position)):
                leaf = leaf_at(connection, event[0])
                file.write(_line({**event_document(*event), **_place(nodes, leaf, head)}))
                count += 1
                progress(1)
        if not count:
            raise NoProofError(f"there is no signed event of an organization {organization}")
        named = {each.size: _plain(each) for each in kept if each.size < head.size}
        tied = {each.size: each for each in _chosen(heads(connection))} | named
        documents = [
            {**asdict(each), "consistency": growth(nodes, size, head.size)}
            for size, each in sorted(tied.items())
        ]
        _write_lines(bundle, "heads.ndjson", documents)
        about = {"kind": "organization", "log": head.log, "events": count}
        _write_manifest(bundle, {**about, "organization": organization}, key)
    return count


def _place(nodes: Tiles, leaf: Leaf | None, head: TreeHead) -> dict[str, Any]:
    """Where an event stands in the tree; nothing for one that is not in it."""
    if leaf is None:
        return {"index": -1, "path": []}
    path = inclusion(nodes, leaf.index, head.size)
    return {"index": leaf.index, "path": [each.hex() for each in path]}


def _chosen(signed: Sequence[TreeHead]) -> Sequence[TreeHead]:
    """The newest head, and as many others as are bearable."""
    step = -(-len(signed) // MOST_TIED_HEADS)
    return signed[::-step]


def _plain(head: Head) -> TreeHead:
    """A kept head as it was written down."""
    return TreeHead(
        head.log,
        head.size,
        head.root.hex(),
        head.position,
        head.at,
        head.key.hex(),
        head.signature.hex(),
    )


def stream(
    connection: Connection, query: LiteralString, parameters: Sequence[Any] = ()
) -> Iterator[tuple[Any, ...]]:
    """Rows of a query of ours, however many. Inside a transaction."""
    name = f"audit_{abs(hash(query)):x}"
    with connection.cursor(name, scrollable=False, withhold=False) as cursor:
        cursor.itersize = 2_000
        cursor.execute(query, parameters, binary=True)
        yield from cursor


def _write_events(connection: Connection, file: IO[bytes], progress: Progress) -> int:
    count = 0
    for event in stream(connection, _EVENTS):
        file.write(_line(event_document(*event)))
        count += 1
        progress(1)
    return count


def _records(hashes: bytes, positions: Sequence[int]) -> bytes:
    return b"".join(
        position.to_bytes(8, "big") + hashes[at * HASH : (at + 1) * HASH]
        for at, position in enumerate(positions)
    )


def _write_lines(bundle: zipfile.ZipFile, name: str, documents: Sequence[dict[str, Any]]) -> None:
    bundle.writestr(name, b"".join(_line(each) for each in documents))


def _write_manifest(bundle: zipfile.ZipFile, about: dict[str, Any], key: bytes) -> None:
    manifest = {
        "format": FORMAT,
        **about,
        "key": key.hex(),
        "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    bundle.writestr("manifest.json", json.dumps(manifest, indent=2))


def _line(document: dict[str, Any]) -> bytes:
    return json.dumps(document).encode() + b"\n"


@contextmanager
def _bundle(target: Path) -> Iterator[zipfile.ZipFile]:
    """A bundle that gets its name when it is whole."""
    descriptor, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.absolute().parent)
    made = Path(name)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
                yield bundle
            file.flush()
            os.fsync(file.fileno())
        made.replace(target)
    finally:
        made.unlink(missing_ok=True)
