"""A backup that was changed, cut short or mixed up is refused before anything is written."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from itertools import count
from pathlib import Path
from uuid import UUID

import pytest

from infra.backup.manifest import FILE, KIND, BackupError, Manifest, digests, read, write
from infra.backup.pruning import prune
from infra.backup.restoring import place_key_files, read_parts
from infra.signing import Signer

SIGNER = Signer(b"s" * 32)
ADA, BOB, ORGANIZATION = (str(UUID(int=n)) for n in (1, 2, 3))


def made(folder: Path, part: str, identity: str = "one") -> Path:
    """A part of a backup."""
    (folder / "dump").mkdir(parents=True)
    rows = [f"{ADA}\t{ORGANIZATION}\t\\\\x0a0b\n", f"{BOB}\t{ORGANIZATION}\t\\\\x0c0d\n", "\\.\n\n"]
    with gzip.open(folder / "dump" / "1.dat.gz", "wt") as file:
        file.writelines(rows)
    for name in ("secret.key", "master.key", "signing.key"):
        (folder / name).write_text(f"{name}\n")
    files = digests(folder)
    manifest = Manifest(KIND, part, identity, "2026-03-05T08:00:00Z", 9, 9, "0009", files)
    write(folder, manifest, SIGNER)
    return folder


def test_two_parts_of_one_backup_are_read(tmp_path: Path) -> None:
    found = read_parts(made(tmp_path / "log", "log"), made(tmp_path / "keys", "keys"))
    assert (found.part, found.position) == ("log", 9)


def _append(path: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / path).open("ab") as file:
            file.write(b"x")

    return change


def _later(folder: Path) -> None:
    document = json.loads((folder / FILE).read_text())
    document["backup"]["position"] = 99
    (folder / FILE).write_text(json.dumps(document))


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (_append("dump/1.dat.gz"), "missing or was changed"),
        (_append("secret.key"), "missing or was changed"),
        (lambda folder: (folder / "dump/1.dat.gz").unlink(), "missing or was changed"),
        (_later, "signature does not fit"),
        (_append(FILE), "no whole backup"),
        (lambda folder: (folder / FILE).write_text("[]"), "no manifest"),
        (lambda folder: (folder / FILE).write_text("{}"), "no manifest"),
        (lambda folder: (folder / FILE).unlink(), "no whole backup"),
    ],
)
def test_what_is_not_whole_is_refused(
    tmp_path: Path, change: Callable[[Path], None], why: str
) -> None:
    folder = made(tmp_path / "log", "log")
    assert read(folder, "log")
    change(folder)
    with pytest.raises(BackupError, match=why):
        read(folder, "log")


def test_parts_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    log, keys = made(tmp_path / "log", "log"), made(tmp_path / "keys", "keys", "another")
    with pytest.raises(BackupError, match="different backups"):
        read_parts(log, keys)
    with pytest.raises(BackupError, match="not nudge-backup/1 log"):
        read_parts(keys, log)


def test_an_erased_key_is_dropped_from_a_key_backup_once(tmp_path: Path) -> None:
    folder = made(tmp_path / "keys", "keys")
    assert prune(folder, {ADA, str(UUID(int=7))}, SIGNER) == 1
    assert prune(folder, {ADA}, SIGNER) == 0
    assert read(folder, "keys").backup_id == "one"
    with gzip.open(folder / "dump" / "1.dat.gz", "rt") as file:
        lines = file.read().splitlines()
    assert lines[0] == f"{ADA}\t{ORGANIZATION}\t\\N"
    assert lines[1].startswith(f"{BOB}\t{ORGANIZATION}\t\\")
    assert lines[2] == "\\."


@pytest.mark.parametrize("failing", [1, 2, 3])
def test_pruning_that_is_interrupted_goes_on_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    folder, calls = made(tmp_path / "keys", "keys"), count(1)
    replace = Path.replace

    def dies(path: Path, target: Path) -> Path:
        if next(calls) == failing:
            raise KeyboardInterrupt
        return replace(path, target)

    monkeypatch.setattr(Path, "replace", dies)
    with pytest.raises(KeyboardInterrupt):
        prune(folder, {ADA}, SIGNER)
    monkeypatch.undo()
    if failing > 1:  # it was decided
        with pytest.raises(BackupError, match="run nudge backup prune on it again"):
            read(folder, "keys")

    assert prune(folder, {ADA}, SIGNER) == (1 if failing == 1 else 0)

    assert read(folder, "keys").backup_id == "one"
    with gzip.open(folder / "dump" / "1.dat.gz", "rt") as file:
        assert file.readline() == f"{ADA}\t{ORGANIZATION}\t\\N\n"
    assert [path.name for path in (folder / "dump").iterdir()] == ["1.dat.gz"]


def test_key_files_are_put_in_place_and_never_over_others(tmp_path: Path) -> None:
    log, keys = made(tmp_path / "log", "log"), made(tmp_path / "keys", "keys")
    wanted = {n: tmp_path / "new" / n for n in ("secret.key", "master.key", "signing.key")}
    place_key_files(log, keys, wanted)
    assert {path.read_text().strip() for path in wanted.values()} == set(wanted)
    assert {path.stat().st_mode & 0o777 for path in wanted.values()} == {0o600}
    place_key_files(log, keys, wanted)
    wanted["master.key"].write_text("another\n")
    with pytest.raises(BackupError, match="another key"):
        place_key_files(log, keys, wanted)
