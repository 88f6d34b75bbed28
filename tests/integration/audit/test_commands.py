"""`nudge audit` as a person runs it: heads, proofs, bundles, checks, and what goes wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from typer.testing import CliRunner, Result

from infra.audit.anchors import heads_file
from infra.cli.main import application
from tests.conftest import Database
from tests.support.auditing import ROSA, SIGNER, AuditedLog
from tests.support.tampering import flip, run_verifier

Nudge = Callable[..., Result]


@pytest.fixture
def nudge(database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Nudge:
    """The commands on the test's database, with the key that the test's keeper signs with."""
    monkeypatch.chdir(tmp_path)
    keys = {"SECRET": "5e" * 32, "MASTER": "5e" * 32, "SIGNING": (b"s" * 32).hex()}
    for name, value in keys.items():
        (tmp_path / name).write_text(value)
        monkeypatch.setenv(f"NUDGE_{name}_KEY_FILE", str(tmp_path / name))
    urls = {"": database.owner_url, "WORKER_": database.worker_url, "API_": database.api_url}
    for name, url in urls.items():
        monkeypatch.setenv(f"NUDGE_POSTGRES_{name}URL", url)
    monkeypatch.setenv("NUDGE_DATA_DIR", str(tmp_path))
    app = application(("infra.cli.audit",))
    return lambda *arguments: CliRunner().invoke(app, ["audit", *map(str, arguments)])


@pytest.fixture
def signed(log: AuditedLog) -> AuditedLog:
    """A log with two heads."""
    log.append(30)
    log.sign()
    log.append(20, ROSA)
    log.sign()
    return log


def test_the_newest_head_is_shown_and_all_of_them_on_demand(
    nudge: Nudge, signed: AuditedLog
) -> None:
    lines = signed.heads.read_text().splitlines()

    assert nudge("head", "--json").stdout.splitlines() == lines[-1:]
    assert nudge("head", "--all").stdout.splitlines() == lines
    shown = nudge("head").stdout
    assert "size      50\n" in shown
    assert SIGNER.public_key.hex() in shown


def test_before_the_first_head_there_is_a_line_that_says_so(nudge: Nudge, log: AuditedLog) -> None:
    result = nudge("head")

    assert result.exit_code == 2
    assert "no tree head was signed yet" in result.stderr


def test_proofs_are_explained_and_can_be_checked(
    nudge: Nudge, signed: AuditedLog, tmp_path: Path
) -> None:
    assert "at position 7 is leaf 6" in nudge("prove", 7).stdout
    assert "is the beginning of that of 50 events" in nudge("consistency", 30, 50).stdout
    for arguments in (("prove", 7), ("consistency", 30, 50)):
        proof = tmp_path / "proof.json"
        proof.write_text(nudge(*arguments, "--json").stdout)

        checked = nudge("verify", proof, "--heads", signed.heads)

        assert (checked.exit_code, run_verifier(proof)[0]) == (0, 0)
        assert checked.stdout.endswith("as signed\n")


def test_an_unchanged_log_is_as_signed(nudge: Nudge, signed: AuditedLog) -> None:
    assert signed.heads == heads_file(Path())

    result = nudge("verify", "--json")

    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert (report["ok"], report["events"], report["heads"]) == (True, 50, 2)


def test_a_changed_log_is_a_finding_and_exit_code_one(nudge: Nudge, signed: AuditedLog) -> None:
    flip(signed.worker, 7)

    result = nudge("verify", "--heads", signed.heads)

    assert result.exit_code == 1
    assert result.stdout.startswith("altered: position 7: the event was altered\n")


def test_a_bundle_is_written_checked_and_serves_as_heads(
    nudge: Nudge, signed: AuditedLog, tmp_path: Path
) -> None:
    written = nudge("export", "log.zip", "--json")
    own = nudge("export", "rosa.zip", "--organization", UUID(ROSA), "--heads", "log.zip")

    assert json.loads(written.stdout) == {
        "file": "log.zip",
        "events": 50,
        "key": SIGNER.public_key.hex(),
    }
    assert "rosa.zip: 20 events" in own.stdout
    for bundle in ("log.zip", "rosa.zip"):
        assert nudge("verify", bundle, "--heads", signed.heads).exit_code == 0
    assert nudge("verify", "--heads", "log.zip").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verify", "nowhere.zip"), "nowhere.zip is damaged or no bundle"),
        (("verify", "--heads", "nowhere"), "nowhere: "),
        (("verify", "--heads", "MASTER"), "MASTER, line 1: not a tree head"),
        (("verify", "--public-key", "xyz"), "--public-key: write 64 hexadecimal digits"),
        (("export", "no/such/folder.zip"), "no/such/folder.zip cannot be written"),
        (("export", "."), ". cannot be written"),
        (("export", "x.zip", "--organization", UUID(int=9)), "there is no signed event of"),
        (("prove", 51), "there is no event at position 51"),
        (("consistency", 30, 49), "no head of 49 events was signed; the nearest are of 30, 50"),
        (("consistency", 50, 30), "the older tree is named first: 30 50"),
    ],
)
def test_bad_input_gets_one_line_and_leaves_nothing(
    nudge: Nudge, signed: AuditedLog, tmp_path: Path, arguments: tuple[object, ...], said: str
) -> None:
    result = nudge(*arguments)

    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert list(tmp_path.glob("*.zip*")) == []


def test_without_the_database_there_is_one_line(
    nudge: Nudge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUDGE_POSTGRES_WORKER_URL", "postgresql://x@127.0.0.1:1/x")

    result = nudge("verify")

    assert result.exit_code == 2
    assert result.stderr.startswith("the event log does not answer")
