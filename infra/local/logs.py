"""Log files of the embedded stack: moved aside when large or old, and gone after their time."""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Final

LOG_SIZE: Final = 10 * 1024 * 1024
FILES_KEPT: Final = 3
_SPAN: Final = timedelta(days=10)
"""No file holds entries of a longer time, so that deleting whole files is precise enough."""


def log_file(data_dir: Path, name: str) -> Path:
    return data_dir / "logs" / f"{name}.log"


def rotate(log: Path, size: int = LOG_SIZE) -> None:
    """Move a log that nobody writes and that has grown beyond `size` bytes aside."""
    if _larger(log, size):
        _shift(log)
        log.replace(log.with_suffix(".log.1"))


def rotate_in_use(log: Path, size: int = LOG_SIZE) -> None:
    """The same for one that a process has open to append: it is copied and emptied.

    A line that is written between the two is lost, which a log may.
    """
    if _larger(log, size):
        _shift(log)
        shutil.copyfile(log, log.with_suffix(".log.1"))
        os.truncate(log, 0)


def expire(folder: Path, kept: timedelta) -> list[Path]:
    """Rotate logs in use that are large, all of them every ten days, and delete what is older
    than `kept`; the files that are gone."""
    if not folder.is_dir():
        return []
    now, marker = time.time(), folder / ".rotated"
    if not marker.exists():
        marker.touch(mode=0o600)
    everything = now - marker.stat().st_mtime >= _SPAN.total_seconds()
    for log in folder.glob("*.log"):
        rotate_in_use(log, 0 if everything else LOG_SIZE)
    if everything:
        os.utime(marker)
    oldest = now - (kept - _SPAN).total_seconds()
    over = [path for path in folder.glob("*.log.[0-9]*") if path.stat().st_mtime < oldest]
    for path in over:
        path.unlink(missing_ok=True)
    return over


def _larger(log: Path, size: int) -> bool:
    return log.exists() and log.stat().st_size > size


def _shift(log: Path) -> None:
    for number in range(FILES_KEPT - 1, 0, -1):
        with suppress(FileNotFoundError):
            log.with_suffix(f".log.{number}").replace(log.with_suffix(f".log.{number + 1}"))
