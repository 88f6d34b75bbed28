"""Certificates and their ledger: what is signed, and every change that is noticed."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from infra.erasure.certificate import (
    CertificateError,
    Erasure,
    certify,
    erasure_of,
    read_certificate,
)
from infra.erasure.ledger import ErasureLedger, LedgerError
from infra.signing import Signer

SIGNER = Signer(b"s" * 32)


def erasure(number: int = 1) -> Erasure:
    return Erasure(
        str(UUID(int=100)),
        str(UUID(int=number)),
        40 + number,
        datetime(2026, 3, 5, 8, tzinfo=UTC),
        "key:test",
        (str(UUID(int=7)),),
        (b"a" * 32, b"b" * 32),
    )


def test_a_certificate_tells_what_was_erased_and_what_goes_when() -> None:
    statement = read_certificate(certify(erasure(), SIGNER), SIGNER.public_key)
    assert erasure_of(statement) == erasure()
    assert statement["keys_destroyed"] == [str(UUID(int=1)), str(UUID(int=7))]
    until = {each["where"]: each["until"] for each in statement["expires"]}
    assert until["kafka:postmark-webhooks"] == "2026-03-12T08:00:00Z"
    assert until["postgres:state.idempotency"] == "2026-03-06T08:00:00Z"


def test_the_same_erasure_gives_the_same_certificate() -> None:
    assert certify(erasure(), SIGNER) == certify(erasure(), SIGNER)


def _set(path: str, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        *folders, name = path.split("/")
        place: Any = document
        for folder in folders:
            place = place[folder]
        place[name] = value

    return change


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_set("certificate/contact_id", str(UUID(int=2))), "was changed"),
        (_set("certificate/expires", []), "was changed"),
        (_set("signature", "00" * 64), "was changed"),
        (_set("public_key", Signer(b"t" * 32).public_key.hex()), "was changed"),
        (_set("certificate", {}), "no certificate"),
        (_set("signature", "x"), "no certificate"),
    ],
)
def test_a_changed_certificate_is_refused(change: Any, why: str) -> None:
    document = copy.deepcopy(certify(erasure(), SIGNER))
    change(document)
    with pytest.raises(CertificateError, match=why):
        read_certificate(document)


def test_somebody_elses_certificate_is_refused() -> None:
    other = certify(erasure(), Signer(b"t" * 32))
    assert read_certificate(other)
    with pytest.raises(CertificateError, match="another installation"):
        read_certificate(other, SIGNER.public_key)


@pytest.mark.parametrize("document", [None, [], "x", {"certificate": 1}])
def test_what_is_no_certificate_is_refused(document: Any) -> None:
    with pytest.raises(CertificateError):
        read_certificate(document)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "apart" / "ledger.ndjson"


@pytest.fixture
def ledger(path: Path) -> ErasureLedger:
    made = ErasureLedger(path, SIGNER)
    for number in (1, 2, 3):
        assert made.append(certify(erasure(number), SIGNER))
    return made


def test_the_ledger_gives_back_what_it_was_given_in_order(ledger: ErasureLedger) -> None:
    found = [entry.statement["contact_id"] for entry in ledger.entries()]
    assert found == [str(UUID(int=number)) for number in (1, 2, 3)]
    assert ledger.find(str(UUID(int=2))) == certify(erasure(2), SIGNER)
    assert ledger.find(str(UUID(int=9))) is None


def test_a_contact_is_in_the_ledger_once(ledger: ErasureLedger, path: Path) -> None:
    before = path.read_bytes()
    assert not ledger.append(certify(erasure(2), SIGNER))
    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_line_cut_by_a_crash_is_dropped_and_the_next_one_fits(
    ledger: ErasureLedger, path: Path
) -> None:
    with path.open("ab") as file:
        file.write(b'{"entry":4,"prev')
    assert len(ledger.entries()) == 3
    with pytest.raises(LedgerError, match="copy it again"):
        ledger.entries(whole=True)
    assert ledger.append(certify(erasure(5), SIGNER))
    assert len(ledger.entries(whole=True)) == 4


def _drop(number: int) -> Callable[[list[str]], list[str]]:
    return lambda lines: lines[:number] + lines[number + 1 :]


def _edit(lines: list[str]) -> list[str]:
    entry = json.loads(lines[1])
    entry["document"] = certify(erasure(8), SIGNER)
    return [lines[0], json.dumps(entry), lines[2]]


@pytest.mark.parametrize(
    "change",
    [_drop(0), _drop(1), _edit, lambda lines: [lines[1], lines[0], lines[2]], lambda _: ["{}"]],
    ids=["first line gone", "middle line gone", "edited", "swapped", "no entry"],
)
def test_a_changed_ledger_is_refused(
    ledger: ErasureLedger, path: Path, change: Callable[[list[str]], list[str]]
) -> None:
    path.write_text("".join(line + "\n" for line in change(path.read_text().splitlines())))
    with pytest.raises(LedgerError):
        ledger.entries()
    with pytest.raises(LedgerError):
        ledger.ensure_writable()


def test_another_installations_ledger_is_refused(ledger: ErasureLedger, path: Path) -> None:
    assert ledger.entries()
    with pytest.raises(LedgerError, match="is not ours"):
        ErasureLedger(path, Signer(b"t" * 32)).entries()
