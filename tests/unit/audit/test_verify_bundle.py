"""The single file: its signatures beside RFC 8032's vectors, its imports, what it says."""

from __future__ import annotations

import ast
import random
import sys

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from domain.audit.heads import PURPOSE, signed_text
from infra.audit import verify_bundle
from infra.audit.verify_bundle import (
    Comparison,
    Finding,
    Head,
    Outcome,
    UnusableError,
    described,
    heads_of,
    leaf_body,
    leaf_hash,
    signed_by,
    trusted_keys,
)
from infra.signing import signed_bytes
from tests.support.tampering import VERIFIER

# RFC 8032, 7.1: tests 1, 2, 3 and SHA(abc): public key, message, signature
VECTORS = [
    (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "",
        (
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
            "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
        ),
    ),
    (
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "72",
        (
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
            "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
        ),
    ),
    (
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "af82",
        (
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
            "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"
        ),
    ),
    (
        "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        (
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
            "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
        ),
        (
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b589"
            "09351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704"
        ),
    ),
]


@pytest.mark.parametrize(("key", "message", "signature"), VECTORS, ids=["1", "2", "3", "abc"])
def test_signatures_of_the_standard_are_accepted(key: str, message: str, signature: str) -> None:
    parts = [bytes.fromhex(text) for text in (key, message, signature)]

    assert signed_by(*parts)
    for number in range(3):
        for at in (0, len(parts[number]) // 2, len(parts[number]) - 1):
            if parts[number]:
                broken = [bytearray(part) for part in parts]
                broken[number][at] ^= 4
                assert not signed_by(*map(bytes, broken))


def test_it_agrees_with_the_library() -> None:
    made = random.Random(3)
    for _ in range(20):
        key = Ed25519PrivateKey.from_private_bytes(made.randbytes(32))
        message = made.randbytes(made.randrange(200))
        public = key.public_key().public_bytes_raw()
        assert signed_by(public, message, key.sign(message))
        assert not signed_by(public, message + b"x", key.sign(message))


@pytest.mark.parametrize(
    ("key", "signature"),
    [
        (b"\xff" * 32, b"\x00" * 64),
        (b"", b"\x00" * 64),
        (b"\x02" + b"\x00" * 31, b"\x00" * 64),
        (bytes.fromhex(VECTORS[0][0]), b"\x01" + b"\x00" * 31 + b"\xff" * 32),
    ],
    ids=["no point", "empty", "not on the curve", "scalar above the order"],
)
def test_what_is_no_key_or_signature_is_refused(key: bytes, signature: bytes) -> None:
    assert not signed_by(key, b"", signature)


def test_it_imports_nothing_but_the_standard_library() -> None:
    imported = {
        name.partition(".")[0]
        for node in ast.walk(ast.parse(VERIFIER.read_text()))
        for name in (
            [each.name for each in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else []
        )
    }

    assert imported - set(sys.stdlib_module_names) == {"cryptography"}


def test_it_signs_over_the_same_text_as_the_keeper() -> None:
    root = b"r" * 32
    log = "01234567-89ab-cdef-0123-456789abcdef"

    head = Head(log, 5, root, 9, "2026-01-05T09:00:00.000000Z", b"", b"")

    text = signed_text(log, 5, root.hex(), 9, head.at)
    assert head.signed() == signed_bytes(PURPOSE, text)


Events = dict[int, bytes]


def compared(kept: Events, events: Events, every: int = 10) -> list[Finding]:
    """Findings with heads of the kept tree at every tenth event."""
    leaves = [(at, leaf_hash(at, body)) for at, body in sorted(kept.items())]
    tree = verify_bundle.Growing(range(every, len(leaves) + 1, every))
    for _, leaf in leaves:
        tree.add(leaf)
    heads = [
        Head("", size, root, leaves[size - 1][0], "", b"", b"") for size, root in tree.roots.items()
    ]
    return Comparison(heads).run(iter(leaves), iter(sorted(events.items()))).findings()


def test_any_set_of_tamperings_is_told_event_by_event() -> None:
    made = random.Random(11)
    for _ in range(300):
        kept = {at: made.randbytes(8) for at in range(1, 101) if made.random() < 0.9}
        events = dict(kept)
        wanted: set[tuple[str, int]] = set()
        for at in made.sample(range(1, 100), made.randrange(6)):
            if at not in kept:
                events[at] = b"new"
                wanted.add(("inserted", at))
            elif made.random() < 0.5:
                events[at] = b"other"
                wanted.add(("altered", at))
            elif at != max(kept):
                del events[at]
                wanted.add(("missing", at))
        last = max(events)
        gone = [at for at in kept if at > last]
        wanted = {each for each in wanted if each[1] not in gone}
        wanted |= {("cut", min(gone))} if gone else set()

        found = compared(kept, events)

        assert {(each.kind, each.first) for each in found} == wanted


def test_events_behind_the_tree_are_no_finding() -> None:
    kept = dict.fromkeys(range(1, 31), b"x")

    assert compared(kept, {**kept, 31: b"y", 40: b"z"}) == []


def test_a_body_tells_stream_version_type_and_value_apart() -> None:
    one, two = "00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"
    bodies = {
        leaf_body(one, 1, "A", b"Bc"),
        leaf_body(one, 1, "AB", b"c"),
        leaf_body(one, 2, "A", b"Bc"),
        leaf_body(two, 1, "A", b"Bc"),
    }

    assert len(bodies) == 4


def test_a_line_that_is_no_head_is_named() -> None:
    with pytest.raises(UnusableError, match="kept, line 2: not a tree head"):
        heads_of(["", '{"size": 3}'], "kept")
    with pytest.raises(UnusableError, match="--public-key: write 64"):
        trusted_keys(["xyz"], (), b"")


def test_what_was_found_is_said_in_lines() -> None:
    findings = [
        Finding("altered", 5, 5, "the event was altered"),
        Finding("rewritten", 3, 9, "why"),
        Finding("head", None, 4, "of another log"),
    ]

    assert described(Outcome("L", 1_000, 2, findings, ["mind"])) == [
        "altered: position 5: the event was altered",
        "rewritten: positions 3 to 9: why",
        "head: of another log",
        "note: mind",
        "log L: 1,000 events, 2 heads: NOT as signed",
    ]
    many = described(Outcome("L", 1, 1, findings * 50, []))
    assert many[100] == "... and 50 more"
