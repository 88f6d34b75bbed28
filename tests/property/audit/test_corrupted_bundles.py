"""Whatever is done to a bundle or a proof: a line that says so, a finding, or no difference."""

from __future__ import annotations

import base64
import io
import json
import random
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domain.audit.heads import PURPOSE, TreeHead, signed_text
from infra.audit.verify_bundle import (
    Growing,
    Outcome,
    UnusableError,
    check_file,
    head_of,
    leaf_body,
    leaf_hash,
)
from infra.signing import Signer

SIGNER = Signer(b"k" * 32)
LOG = "01234567-89ab-cdef-0123-456789abcdef"
STREAM = "00000000-0000-0000-0000-0000000000aa"
KEPT_EVENTS = 40


def parts(count: int = KEPT_EVENTS) -> dict[str, bytes]:
    """A bundle of forty events or more, and a head over the first forty."""
    made = random.Random(1)
    tree = Growing([KEPT_EVENTS])
    events, leaves = b"", b""
    for position in range(1, count + 1):
        value = made.randbytes(60)
        leaf = leaf_hash(position, leaf_body(STREAM, position, "A", value))
        tree.add(leaf)
        leaves += position.to_bytes(8, "big") + leaf
        document = {"position": position, "stream": STREAM, "version": position, "type": "A"}
        document["bytes"] = base64.b64encode(value).decode()
        events += json.dumps(document).encode() + b"\n"
    at, root = "2026-01-05T09:00:00.000000Z", tree.roots[KEPT_EVENTS].hex()
    text = signed_text(LOG, KEPT_EVENTS, root, KEPT_EVENTS, at)
    key = SIGNER.public_key.hex()
    signature = SIGNER.sign(PURPOSE, text).hex()
    head = TreeHead(LOG, KEPT_EVENTS, root, KEPT_EVENTS, at, key, signature)
    about = {"format": "nudgecampaign-audit-1", "kind": "log", "log": LOG, "key": key}
    manifest = json.dumps({**about, "events": count}).encode()
    return {
        "manifest.json": manifest,
        "heads.ndjson": head.line.encode(),
        "events.ndjson": events,
        "leaves.bin": leaves,
    }


PARTS = parts()
KEPT = [head_of(json.loads(PARTS["heads.ndjson"]))]


def zipped(content: dict[str, bytes], method: int) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as bundle:
        for name, part in content.items():
            bundle.writestr(name, part)
    return file.getvalue()


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as made:
        yield Path(made)


def checked(folder: Path, content: bytes) -> Outcome | None:
    """What the check says against the outsider's head; None when it cannot be checked."""
    file = folder / "file"
    file.write_bytes(content)
    said = "one line"
    try:
        return check_file(file, KEPT, [])
    except UnusableError as error:
        said = str(error)
    assert len(said.splitlines()) == 1
    return None


def test_a_bundle_whose_heads_were_taken_out_is_not_called_signed(folder: Path) -> None:
    file = folder / "file"
    file.write_bytes(zipped({**PARTS, "heads.ndjson": b""}, zipfile.ZIP_STORED))

    with pytest.raises(UnusableError, match="40 events and no signed head"):
        check_file(file, None, [SIGNER.public_key.hex()])


@pytest.mark.parametrize(("behind", "kinds"), [(1, []), (999, []), (1_000, ["head"])])
def test_heads_left_out_from_some_place_on_are_missed(
    folder: Path, behind: int, kinds: list[str]
) -> None:
    bundle = zipped(parts(KEPT_EVENTS + behind), zipfile.ZIP_STORED)

    outcome = checked(folder, bundle)

    assert outcome is not None
    assert [each.kind for each in outcome.findings] == kinds
    assert f"{behind:,} events in the tree are covered by no head yet" in outcome.notes


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_bits_flipped_anywhere_never_pass_for_another_history(folder: Path, method: int) -> None:
    whole = zipped(PARTS, method)
    untouched = checked(folder, whole)
    assert untouched is not None
    assert (untouched.events, untouched.findings) == (KEPT_EVENTS, [])
    made = random.Random(2)
    refused = 0
    for _ in range(400):
        content = bytearray(whole)
        for _ in range(made.randrange(1, 4)):
            content[made.randrange(len(content))] ^= 1 << made.randrange(8)
        outcome = checked(folder, bytes(content))
        refused += outcome is None or bool(outcome.findings)
        assert outcome is None or outcome.findings or outcome.events == KEPT_EVENTS
    assert refused > 200


def test_parts_altered_with_right_checksums_are_found(folder: Path) -> None:
    made = random.Random(3)
    for _ in range(400):
        name = made.choice(["events.ndjson", "leaves.bin"])
        content = bytearray(PARTS[name])
        at = made.randrange(len(content))
        content[at] ^= 1 << made.randrange(8)

        outcome = checked(folder, zipped({**PARTS, name: bytes(content)}, zipfile.ZIP_STORED))

        # a blank turned into another blank is no other event
        same = name == "events.ndjson" and _same_documents(bytes(content))
        assert outcome is None or outcome.findings or same


def _same_documents(lines: bytes) -> bool:
    try:
        found = [json.loads(line) for line in lines.splitlines()]
    except ValueError:
        return False
    wanted = ("position", "stream", "version", "type", "bytes")
    original = [json.loads(line) for line in PARTS["events.ndjson"].splitlines()]
    return [[each.get(name) for name in wanted] for each in found] == [
        [each[name] for name in wanted] for each in original
    ]


_ODD: list[Any] = [None, "", "x", -1, 2**70, 1.5, [], {}, True, "ab" * 32, [["a"]]]


def test_odd_values_in_documents_never_raise_anything_else(folder: Path) -> None:
    head = json.loads(PARTS["heads.ndjson"])
    event = json.loads(PARTS["events.ndjson"].splitlines()[0])
    manifest = json.loads(PARTS["manifest.json"])
    proof = {"kind": "inclusion", "event": event, "index": 0, "head": head, "path": ["00" * 32]}
    growth = {"kind": "consistency", "old": head, "head": head, "path": []}
    for odd in _ODD:
        for name, document in (("heads.ndjson", head), ("manifest.json", manifest)):
            for field in document:
                part = json.dumps({**document, field: odd}).encode()
                checked(folder, zipped({**PARTS, name: part}, zipfile.ZIP_STORED))
        for field in event:
            line = json.dumps({**event, field: odd}).encode() + b"\n"
            rest = PARTS["events.ndjson"].partition(b"\n")[2]
            outcome = checked(
                folder, zipped({**PARTS, "events.ndjson": line + rest}, zipfile.ZIP_STORED)
            )
            assert outcome is None or outcome.findings or event[field] == odd
        for document in (proof, growth):
            for field in document:
                checked(folder, json.dumps({**document, field: odd}).encode())
        checked(folder, json.dumps({**proof, "event": {**event, "position": odd}}).encode())
