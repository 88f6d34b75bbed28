"""Log files: moved aside when they are large or old, and gone after their time."""

from __future__ import annotations

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest

from infra.local import logs
from infra.local.logs import expire, rotate

KEPT = timedelta(days=30)
DAY = 24 * 3600


def age(path: Path, days: float) -> None:
    then = time.time() - days * DAY
    os.utime(path, (then, then))


def written(folder: Path, name: str, text: str = "line\n", days: float = 0) -> Path:
    path = folder / name
    path.write_text(text)
    age(path, days)
    return path


def test_a_file_whose_youngest_entry_is_old_is_gone(tmp_path: Path) -> None:
    old = written(tmp_path, "api.log.2", days=21)
    young = written(tmp_path, "api.log.1", days=19)
    live = written(tmp_path, "api.log", days=100)
    assert expire(tmp_path, KEPT) == [old]
    assert young.exists()
    assert live.exists()


def test_every_ten_days_a_log_begins_anew_so_that_no_entry_is_kept_longer(tmp_path: Path) -> None:
    live = written(tmp_path, "api.log", "a month old\n")
    expire(tmp_path, KEPT)
    assert live.read_text() == "a month old\n"
    age(tmp_path / ".rotated", 10.1)
    expire(tmp_path, KEPT)
    assert live.read_text() == ""
    assert (tmp_path / "api.log.1").read_text() == "a month old\n"
    age(tmp_path / "api.log.1", 20.1)
    expire(tmp_path, KEPT)
    assert not (tmp_path / "api.log.1").exists()


def test_whoever_has_a_log_open_goes_on_writing_into_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "LOG_SIZE", 3)
    live = tmp_path / "api.log"
    with live.open("ab", buffering=0) as process:
        process.write(b"before\n")
        expire(tmp_path, KEPT)
        process.write(b"after\n")
    assert live.read_text() == "after\n"
    assert (tmp_path / "api.log.1").read_text() == "before\n"


def test_a_log_that_nobody_writes_is_moved_and_the_last_few_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "api.log"
    for number in range(5):
        log.write_text(f"{number}\n")
        rotate(log, size=0)
    assert [path.read_text() for path in sorted(tmp_path.glob("api.log.*"))] == [
        "4\n",
        "3\n",
        "2\n",
    ]


def test_without_logs_there_is_nothing_to_do(tmp_path: Path) -> None:
    assert expire(tmp_path / "nowhere", KEPT) == []
