"""Certificates of deletions: what they say, whose they are, and that the ledger keeps them too."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from infra.erasure.certificate import CertificateError, Erasure
from infra.erasure.certificate import certify as certify_erasure
from infra.erasure.certificate import read_certificate as read_erasure
from infra.erasure.ledger import ErasureLedger, LedgerError
from infra.leaving.certificate import SETTLES, Departure, Kept, certify, read_certificate
from infra.signing import Signer

SIGNER = Signer(b"s" * 32)
AT = datetime(2026, 3, 5, 10, tzinfo=UTC)
GONE = str(UUID(int=7))
DEPARTURE = Departure(GONE, 12, AT, "key:test", 3, [Kept("ContactAdded", 2, 2, AT, AT)])
ERASURE = Erasure(GONE, str(UUID(int=2)), 3, AT, "key:test", (), ())


def test_it_says_what_stays_and_until_when_the_rest_goes() -> None:
    said = read_certificate(certify(DEPARTURE, SIGNER), SIGNER.public_key)
    assert said["events"] == [
        {
            "type": "ContactAdded", "events": 2, "streams": 2,
            "first": "2026-03-05T10:00:00Z", "last": "2026-03-05T10:00:00Z",
        }
    ]  # fmt: skip
    until = {each["where"]: datetime.fromisoformat(each["until"]) for each in said["expires"]}
    assert until["clickhouse:*"] == AT + SETTLES
    assert until["kafka:postmark-webhooks"] == AT + timedelta(days=7)
    assert all(each["where"] and each["what"] for each in said["remains"])


def changed(document: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**document, "certificate": {**document["certificate"], **fields}}


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (changed(certify(DEPARTURE, SIGNER), keys_destroyed=4), "was changed"),
        (changed(certify(DEPARTURE, SIGNER), kind="nudge-erasure/1"), "was changed"),
        (certify(DEPARTURE, Signer(b"t" * 32)), "another installation's"),
        (certify_erasure(ERASURE, SIGNER), "unknown kind"),
        ({"certificate": {}}, "no certificate of a deletion"),
        ([], "no certificate of a deletion"),
        (None, "no certificate of a deletion"),
    ],
)
def test_what_is_no_deletions_certificate_of_ours_is_refused(document: Any, why: str) -> None:
    with pytest.raises(CertificateError, match=why):
        read_certificate(document, SIGNER.public_key)


def test_a_deletion_is_no_erasure() -> None:
    with pytest.raises(CertificateError):
        read_erasure(certify(DEPARTURE, SIGNER))


def test_the_ledger_keeps_both_kinds_each_once(tmp_path: Path) -> None:
    ledger = ErasureLedger(tmp_path / "ledger.ndjson", SIGNER)
    assert ledger.append(certify_erasure(ERASURE, SIGNER))
    assert ledger.append(certify(DEPARTURE, SIGNER))
    assert not ledger.append(certify(DEPARTURE, SIGNER))
    entries = ledger.entries(whole=True)
    assert [(entry.subject, entry.whole_organization) for entry in entries] == [
        (ERASURE.contact_id, False), (GONE, True),
    ]  # fmt: skip
    assert ledger.find(GONE) == certify(DEPARTURE, SIGNER)


def test_a_deletion_that_was_changed_breaks_the_ledger(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ndjson"
    ErasureLedger(path, SIGNER).append(certify(DEPARTURE, SIGNER))
    path.write_text(path.read_text().replace('"keys_destroyed":3', '"keys_destroyed":4'))
    with pytest.raises(LedgerError, match="entry 1"):
        ErasureLedger(path, SIGNER).entries()
