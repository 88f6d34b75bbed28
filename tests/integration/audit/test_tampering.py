"""Six tamperings of a log: found and located by `nudge audit verify` and by the single file."""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest

from infra.audit.tree import heads
from tests.support.auditing import AuditedLog
from tests.support.tampering import (
    check_live,
    drop,
    export,
    flip,
    forget_the_tree,
    insert,
    run_verifier,
    swap,
)

HOLE = 401
"""A position that was never used. Heads stand at 100, 200, ... 900 events."""
Tamper = Callable[[AuditedLog], None]


@pytest.fixture
def kept(log: AuditedLog, tmp_path: Path) -> Path:
    """Nine heads that an outsider has copied."""
    for number in range(1, 10):
        log.append(100)
        if number == 4:
            log.lose_positions(2)
        log.sign()
    assert HOLE not in log.positions()
    return Path(shutil.copy(log.heads, tmp_path / "kept.ndjson"))


def found(log: AuditedLog, kept: Path, folder: Path) -> list[tuple[str, int | None, int | None]]:
    """What the live check finds; asserts that the single file finds the same."""
    live = check_live(log, kept)
    bundle = export(log, folder / "bundle.zip")

    code, offline, _ = run_verifier(bundle, "--heads", kept)

    assert offline["findings"] == [each._asdict() for each in live.findings]
    assert code == (1 if live.findings else 0)
    assert offline["events"] == live.events
    return [(each.kind, each.first, each.last) for each in live.findings]


def test_an_untouched_log_is_as_signed(log: AuditedLog, kept: Path, tmp_path: Path) -> None:
    assert found(log, kept, tmp_path) == []


@pytest.mark.parametrize(
    ("tamper", "finding"),
    [
        (lambda log: flip(log.worker, 345), ("altered", 345, 345)),
        (lambda log: drop(log.worker, 345), ("missing", 345, 345)),
        (lambda log: swap(log.worker, 12, 678), ("swapped", 12, 678)),
        (lambda log: insert(log.worker, HOLE), ("inserted", HOLE, HOLE)),
        (lambda log: drop(log.worker, 851, 902), ("cut", 851, 902)),
    ],
    ids=["flip", "drop", "swap", "insert", "cut"],
)
def test_a_tampering_is_located_to_the_event(
    log: AuditedLog,
    kept: Path,
    tmp_path: Path,
    tamper: Tamper,
    finding: tuple[str, int, int],
) -> None:
    tamper(log)

    assert found(log, kept, tmp_path) == [finding]


def test_several_tamperings_are_all_named(log: AuditedLog, kept: Path, tmp_path: Path) -> None:
    insert(log.worker, HOLE)
    for position in (1, 255, 256, 257, 902):
        flip(log.worker, position)
    drop(log.worker, 300, 302)

    assert found(log, kept, tmp_path) == [
        ("altered", 1, 1),
        ("altered", 255, 255),
        ("altered", 256, 256),
        ("altered", 257, 257),
        ("missing", 300, 300),
        ("missing", 301, 301),
        ("missing", 302, 302),
        ("inserted", HOLE, HOLE),
        ("altered", 902, 902),
    ]


def rebuild(log: AuditedLog) -> None:
    """A fresh tree over the log as it is now, with heads signed by the true key."""
    forget_the_tree(log.worker)
    log.sign()


@pytest.mark.parametrize(
    "tamper",
    [
        lambda log: flip(log.worker, 345),
        lambda log: drop(log.worker, 345),
        lambda log: swap(log.worker, 345, 678),
        lambda log: insert(log.worker, HOLE),
    ],
    ids=["flip", "drop", "swap", "insert"],
)
def test_a_rewritten_history_is_located_between_two_kept_heads(
    log: AuditedLog, kept: Path, tmp_path: Path, tamper: Tamper
) -> None:
    tamper(log)
    log.append(20)
    rebuild(log)
    inserted = HOLE in log.positions()

    kinds = found(log, kept, tmp_path)

    assert kinds == [("rewritten", 401, 502) if inserted else ("rewritten", 301, 400)]


def test_a_tail_that_was_cut_with_its_tree_is_located_between_two_kept_heads(
    log: AuditedLog, kept: Path, tmp_path: Path
) -> None:
    drop(log.worker, 851, 902)
    rebuild(log)

    assert found(log, kept, tmp_path) == [("cut", 803, 902)]


def test_without_kept_heads_a_rewritten_history_looks_right_and_the_note_says_so(
    log: AuditedLog, kept: Path, tmp_path: Path
) -> None:
    drop(log.worker, 345)
    rebuild(log)

    code, outcome, _ = run_verifier(export(log, tmp_path / "bundle.zip"))

    assert code == 0
    assert "no heads of your own: a history rewritten as a whole would look the same" in str(
        outcome["notes"]
    )


def test_altered_leaf_hashes_do_not_accuse_the_log(
    log: AuditedLog, kept: Path, tmp_path: Path
) -> None:
    log.worker.execute(
        "UPDATE log.tree_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)"
        " WHERE level = 0 AND number = 1"
    )

    assert found(log, kept, tmp_path) == [("tree", 201, 300)]


def test_an_altered_upper_tile_is_found_in_the_live_log(log: AuditedLog, kept: Path) -> None:
    log.worker.execute(
        "UPDATE log.tree_tiles SET hashes = set_byte(hashes, 0, get_byte(hashes, 0) # 1)"
        " WHERE level = 1"
    )

    (finding,) = check_live(log, kept).findings

    assert finding.kind == "tree"
    assert finding.detail == "tile 0 of level 1 does not follow from those below it"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("size", 301, "has a signature that does not fit"),
        ("position", 299, "has a signature that does not fit"),
        ("root", "00" * 32, "has a signature that does not fit"),
        ("log", str(uuid.UUID(int=7)), "is of another log"),
    ],
)
def test_an_altered_kept_head_is_named(
    log: AuditedLog, kept: Path, tmp_path: Path, field: str, value: object, said: str
) -> None:
    lines = [json.loads(line) for line in kept.read_text().splitlines()]
    lines[2][field] = value
    kept.write_text("".join(json.dumps(line) + "\n" for line in lines))

    code, outcome, _ = run_verifier(export(log, tmp_path / "bundle.zip"), "--heads", kept)

    assert code == 1
    assert [finding["kind"] for finding in outcome["findings"]] == ["head"]
    assert said in outcome["findings"][0]["detail"]


def test_a_head_of_another_key_is_named(log: AuditedLog, kept: Path, tmp_path: Path) -> None:
    bundle = export(log, tmp_path / "bundle.zip")

    code, outcome, _ = run_verifier(bundle, "--public-key", "ab" * 32)

    assert code == 1
    assert len(outcome["findings"]) == len(heads(log.worker)) == 9
    assert "is signed by the key" in outcome["findings"][0]["detail"]
    assert "no usable head: nothing here is proven" in outcome["notes"]
