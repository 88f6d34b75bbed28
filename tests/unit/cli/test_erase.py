"""What `nudge erase` and `nudge restore` refuse before they touch any store."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner

from infra.cli.main import application
from infra.erasure.certificate import Erasure, certify
from infra.signing import Signer

ERASURE = Erasure(
    str(UUID(int=1)), str(UUID(int=2)), 3, datetime(2026, 3, 5, tzinfo=UTC), "key:test", (), ()
)
APP = application(["infra.cli.erase", "infra.cli.backup"])


@pytest.fixture
def cli(tmp_path: Path) -> CliRunner:
    return CliRunner(env={"NUDGE_DATA_DIR": str(tmp_path / "data"), "COLUMNS": "300"})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("not JSON", "is no certificate of an erasure"),
        ("[]", "is no certificate of an erasure"),
        (json.dumps(certify(ERASURE, Signer(b"t" * 32))), "another installation's certificate"),
        (json.dumps({**certify(ERASURE, Signer(b"t" * 32)), "signature": "00" * 64}), "changed"),
    ],
)
def test_only_our_own_certificate_is_verified(
    cli: CliRunner, tmp_path: Path, content: str, why: str
) -> None:
    file = tmp_path / "certificate.json"
    file.write_text(content)
    done = cli.invoke(APP, ["erase", "verify", str(file)])
    assert done.exit_code == 1
    assert why in done.stderr


def test_what_is_neither_a_file_nor_a_contact_is_refused(cli: CliRunner) -> None:
    done = cli.invoke(APP, ["erase", "verify", "nobody"])
    assert done.exit_code == 1
    assert "no file and no contact's id" in done.stderr


def test_a_person_is_named_without_a_command(cli: CliRunner) -> None:
    done = cli.invoke(APP, ["erase", str(UUID(int=2)), "--yes"])
    assert done.exit_code == 1
    assert "no API key" in done.stderr


def test_a_program_that_erases_says_that_it_is_sure(cli: CliRunner, tmp_path: Path) -> None:
    to = ["--api-key", "nk_x", "--certificate", str(tmp_path / "erased.json")]
    done = cli.invoke(APP, ["erase", str(UUID(int=2)), "--json", *to])
    assert done.exit_code == 2
    assert "say --yes" in done.stderr


def test_an_empty_ledger_holds(cli: CliRunner, tmp_path: Path) -> None:
    done = cli.invoke(APP, ["erase", "ledger"])
    assert (done.exit_code, done.stdout.splitlines()[-1]) == (
        0, "0 entries; every signature and link holds",
    )  # fmt: skip
    ledger = tmp_path / "data" / "erasures" / "ledger.ndjson"
    ledger.parent.mkdir(parents=True)
    ledger.write_text("{}\n")
    done = cli.invoke(APP, ["erase", "ledger"])
    assert done.exit_code == 1
    assert "entry 1 is broken" in done.stderr


def test_a_restore_of_no_backup_is_refused(cli: CliRunner, tmp_path: Path) -> None:
    done = cli.invoke(APP, ["restore", str(tmp_path), str(tmp_path)])
    assert done.exit_code == 1
    assert "holds no whole backup" in done.stderr
    assert not (tmp_path / "data").exists()
