"""PostgreSQL's own dump and restore: from the wheel that carries the server, else from PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from infra.backup.manifest import BackupError
from infra.local.errors import StackError
from infra.local.postgres import wheel_binaries


def program(name: str) -> str:
    """The path of a PostgreSQL program. Raises BackupError when there is none."""
    try:
        bundled = wheel_binaries() / "bin" / name
    except StackError:
        bundled = Path()
    found = str(bundled) if bundled.is_file() else shutil.which(name)
    if found is None:
        raise BackupError(f"{name} is missing: install PostgreSQL's client programs (version 18)")
    return found


def run(name: str, url: str, arguments: Sequence[str], database: str | None = None) -> None:
    """Run it against this address; the password is not among what others can list.

    Raises BackupError with the last line it said.
    """
    parts = conninfo_to_dict(url)
    password = str(parts.pop("password", "") or "")
    given = {name: str(value) for name, value in parts.items()}
    if database is not None:
        given["dbname"] = database
    done = subprocess.run(
        [program(name), f"--dbname={make_conninfo('', **given)}", "--no-password", *arguments],
        env={**os.environ, "PGPASSWORD": password},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no output"])[-1]
        raise BackupError(f"{name}: {said}")
