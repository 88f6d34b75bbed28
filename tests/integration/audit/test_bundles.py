"""Bundles of one organization, proofs by themselves, and files that cannot be checked."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from infra.audit.checking import read_heads
from infra.audit.export import export_log, export_organization
from infra.audit.proving import NoProofError, prove_event, prove_growth
from infra.audit.tree import heads, newest_head
from tests.conftest import fresh_database
from tests.integration.audit.conftest import kept_log
from tests.support.auditing import ACME, ROSA, SIGNER, AuditedLog
from tests.support.services import Services
from tests.support.tampering import (
    drop,
    export,
    flip,
    forget_the_tree,
    rewrite,
    run_verifier,
)

BAKERY = "00000000-0000-0000-0000-0000000000ba"
"""A stream of Rosa's with fifty events."""


def filled(log: AuditedLog) -> AuditedLog:
    """The log with events of two organizations."""
    for _ in range(5):
        log.append(70)
        log.append(10, ROSA, BAKERY)
        log.sign()
    return log


@pytest.fixture
def kept(log: AuditedLog) -> Path:
    """The heads of a log that the test may change."""
    return filled(log).heads


@pytest.fixture(scope="module")
def still(stack: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuditedLog]:
    """The same log for all tests that change nothing of it."""
    with fresh_database(stack) as database:
        folder = tmp_path_factory.mktemp("still")
        with kept_log(stack, database, "still-", folder) as log:
            yield filled(log)


def of_rosa(log: AuditedLog, target: Path, kept: Path) -> Path:
    known = read_heads(kept)
    export_organization(log.worker, target, SIGNER.public_key, ROSA, known, lambda _count: None)
    return target


def test_a_bundle_of_one_organization_proves_each_of_its_events(
    still: AuditedLog, tmp_path: Path
) -> None:
    bundle = of_rosa(still, tmp_path / "rosa.zip", still.heads)

    code, outcome, _ = run_verifier(bundle, "--heads", still.heads)

    assert (code, outcome["findings"], outcome["events"], outcome["heads"]) == (0, [], 50, 5)


def changed(lines: bytes, number: int, **fields: Any) -> bytes:
    documents = [json.loads(line) for line in lines.splitlines()]
    documents[number] |= fields
    return "".join(json.dumps(each) + "\n" for each in documents).encode()


def test_an_event_altered_in_such_a_bundle_is_named(still: AuditedLog, tmp_path: Path) -> None:
    bundle = of_rosa(still, tmp_path / "rosa.zip", still.heads)
    value = base64.b64encode(b"other").decode()
    rewrite(bundle, "events.ndjson", lambda lines: changed(lines, 20, bytes=value))

    code, outcome, _ = run_verifier(bundle, "--heads", still.heads)

    assert code == 1
    assert [(each["kind"], each["first"]) for each in outcome["findings"]] == [("proof", 231)]


def test_an_event_left_out_of_such_a_bundle_is_a_gap_in_its_stream(
    still: AuditedLog, tmp_path: Path
) -> None:
    bundle = of_rosa(still, tmp_path / "rosa.zip", still.heads)
    rewrite(
        bundle,
        "events.ndjson",
        lambda lines: b"".join(
            line for at, line in enumerate(lines.splitlines(keepends=True)) if at != 20
        ),
    )

    code, outcome, _ = run_verifier(bundle, "--heads", still.heads)

    assert code == 1
    (finding,) = outcome["findings"]
    assert finding["kind"] == "missing"
    assert finding["detail"] == f"stream {BAKERY} goes from version 20 to 22"


def test_a_rewritten_history_is_no_continuation_of_a_kept_head(
    log: AuditedLog, kept: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "kept.ndjson"
    copy.write_text(kept.read_text())
    flip(log.worker, 100)
    forget_the_tree(log.worker)
    log.append(5)
    log.sign()
    bundle = of_rosa(log, tmp_path / "rosa.zip", copy)

    code, outcome, _ = run_verifier(bundle, "--heads", copy)

    assert code == 1
    assert [each["detail"] for each in outcome["findings"]] == [
        f"the history was rewritten since the head of {size} events"
        for size in (160, 240, 320, 400)
    ]


def test_a_kept_head_that_nothing_ties_to_the_bundle_is_named(
    still: AuditedLog, tmp_path: Path
) -> None:
    bundle = of_rosa(still, tmp_path / "rosa.zip", still.heads)
    rewrite(bundle, "heads.ndjson", lambda lines: lines[lines.index(b"\n") + 1 :])

    code, outcome, _ = run_verifier(bundle, "--heads", still.heads)

    assert code == 1
    assert [each["kind"] for each in outcome["findings"]] == ["proof"]
    assert "nothing ties the head of 80 events" in outcome["findings"][0]["detail"]


def test_a_wrong_tie_to_an_older_head_is_named(still: AuditedLog, tmp_path: Path) -> None:
    bundle = of_rosa(still, tmp_path / "rosa.zip", still.heads)
    rewrite(bundle, "heads.ndjson", lambda lines: changed(lines, 1, consistency=["00" * 32] * 5))

    code, outcome, _ = run_verifier(bundle, "--heads", still.heads)

    assert code == 1
    assert [each["kind"] for each in outcome["findings"]] == ["rewritten"]


def test_a_bundle_older_than_the_newest_kept_head_lacks_the_tail(
    log: AuditedLog, kept: Path, tmp_path: Path
) -> None:
    bundle = of_rosa(log, tmp_path / "rosa.zip", kept)
    log.append(5)
    log.sign()

    code, outcome, _ = run_verifier(bundle, "--heads", log.heads)

    assert code == 1
    assert [(each["kind"], each["first"]) for each in outcome["findings"]] == [("cut", 401)]


def test_an_organization_without_events_gets_no_bundle(still: AuditedLog, tmp_path: Path) -> None:
    with pytest.raises(NoProofError, match="there is no signed event of an organization"):
        export_organization(
            still.worker, tmp_path / "x.zip", SIGNER.public_key, BAKERY, [], lambda _count: None
        )

    assert list(tmp_path.glob("*x.zip*")) == []


def written(folder: Path, proof: dict[str, Any]) -> Path:
    file = folder / "proof.json"
    file.write_text(json.dumps(proof))
    return file


def test_a_proof_of_an_event_stands_by_itself(still: AuditedLog, tmp_path: Path) -> None:
    for position in (1, 80, 257, 400):
        proof = prove_event(still.worker, position)

        code, outcome, _ = run_verifier(written(tmp_path, proof), "--heads", still.heads)

        assert (code, outcome["findings"], outcome["notes"]) == (0, [], [])


def test_a_proof_of_growth_stands_by_itself(still: AuditedLog, tmp_path: Path) -> None:
    for old, new in ((80, 400), (160, 320), (240, 240)):
        proof = prove_growth(still.worker, old, new)

        code, outcome, _ = run_verifier(written(tmp_path, proof), "--heads", still.heads)

        assert (code, outcome["findings"]) == (0, [])


@pytest.mark.parametrize("change", ["index", "path", "event", "old"])
def test_a_proof_of_something_else_is_refused(
    still: AuditedLog, tmp_path: Path, change: str
) -> None:
    proof, other = prove_event(still.worker, 17), prove_event(still.worker, 18)
    if change == "old":
        proof = prove_growth(still.worker, 80, 400)
        other = prove_growth(still.worker, 160, 400)
    proof[change] = other[change]

    code, outcome, _ = run_verifier(written(tmp_path, proof), "--heads", still.heads)

    assert code == 1
    assert [each["kind"] for each in outcome["findings"]] == ["proof"]


def test_a_proof_for_another_tree_is_refused(log: AuditedLog, kept: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.ndjson"
    mine.write_text(kept.read_text())
    forget_the_tree(log.worker)
    log.worker.execute("UPDATE log.tree SET id = gen_random_uuid()")
    log.sign()
    newest = newest_head(log.worker)
    assert newest is not None
    assert newest.size == 400

    proof = prove_event(log.worker, 17)
    code, outcome, _ = run_verifier(written(tmp_path, proof), "--heads", mine)

    assert code == 1
    assert [each["kind"] for each in outcome["findings"]] == ["head"]
    assert f"is of another log, {newest.log}" in outcome["findings"][0]["detail"]


def test_what_cannot_be_proven_says_why(log: AuditedLog, kept: Path) -> None:
    log.append(1)
    with pytest.raises(NoProofError, match="there is no event at position 9000"):
        prove_event(log.worker, 9000)
    with pytest.raises(NoProofError, match="position 401 is in no signed head yet"):
        prove_event(log.worker, 401)
    with pytest.raises(NoProofError, match="no head of 81 events was signed; the nearest are of"):
        prove_growth(log.worker, 81, 400)
    with pytest.raises(NoProofError, match="the older tree is named first: 80 400"):
        prove_growth(log.worker, 400, 80)
    drop(log.worker, 5)
    with pytest.raises(NoProofError, match="there is no event at position 5"):
        prove_event(log.worker, 5)


def halved(bundle: Path) -> None:
    bundle.write_bytes(bundle.read_bytes()[: bundle.stat().st_size // 2])


def bit_flipped(bundle: Path) -> None:
    content = bytearray(bundle.read_bytes())
    content[2_000] ^= 1
    bundle.write_bytes(content)


@pytest.mark.parametrize(
    ("corrupt", "said"),
    [
        (halved, "is damaged or no bundle"),
        (bit_flipped, "is damaged or no bundle"),
        (lambda file: file.write_bytes(b""), "is damaged or no bundle"),
        (lambda file: file.write_text("hello"), "is damaged or no bundle"),
        (lambda file: file.write_text("{}"), "neither a bundle nor a proof"),
        (lambda file: file.write_text("{"), "not JSON"),
        (lambda file: file.unlink(), "is damaged or no bundle"),
        (
            lambda file: rewrite(file, "events.ndjson", lambda lines: lines + b"{}\n"),
            "events.ndjson, line 401: not an event",
        ),
        (
            lambda file: rewrite(file, "leaves.bin", lambda leaves: leaves[:-1]),
            "leaves.bin ends in the middle of a leaf",
        ),
        (
            lambda file: rewrite(file, "manifest.json", lambda _text: b"[]"),
            "not a JSON object",
        ),
        (
            lambda file: rewrite(file, "manifest.json", lambda _text: b"{}"),
            "a bundle of the unknown format None",
        ),
        (
            lambda file: rewrite(file, "heads.ndjson", lambda _lines: b"{}"),
            "heads.ndjson, line 1: not a tree head",
        ),
    ],
    ids=[
        "halved", "bit", "empty", "text", "no proof", "no JSON", "gone", "event", "leaves",
        "list", "format", "head",
    ],
)  # fmt: skip
def test_a_corrupted_export_gets_a_clear_line(
    still: AuditedLog, tmp_path: Path, corrupt: Any, said: str
) -> None:
    bundle = export(still, tmp_path / "bundle.zip")
    corrupt(bundle)

    code, outcome, error = run_verifier(bundle)

    assert (code, outcome) == (2, {})
    assert said in error
    assert len(error.splitlines()) == 1


def test_an_export_of_an_empty_log_is_whole_and_says_that_it_proves_nothing(
    log: AuditedLog, tmp_path: Path
) -> None:
    export_log(log.worker, tmp_path / "empty.zip", SIGNER.public_key, lambda _count: None)

    code, outcome, _ = run_verifier(tmp_path / "empty.zip")

    assert (code, outcome["events"], heads(log.worker)) == (0, 0, [])
    assert "no usable head: nothing here is proven" in outcome["notes"]


def test_the_organizations_are_told_apart(still: AuditedLog, tmp_path: Path) -> None:
    target = tmp_path / "acme.zip"

    count = export_organization(
        still.worker, target, SIGNER.public_key, ACME, [], lambda _count: None
    )

    assert count == 350
    assert run_verifier(target)[0] == 0
