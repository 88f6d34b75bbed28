"""What somebody with the database's rights may do to a log, and to a bundle."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from infra.audit import verify_bundle
from infra.audit.checking import check_log, read_heads
from infra.audit.export import export_log
from infra.audit.verify_bundle import Outcome
from infra.postgres import Connection
from tests.support.auditing import SIGNER, AuditedLog

VERIFIER = Path(verify_bundle.__file__)


def flip(worker: Connection, position: int) -> None:
    """Change one bit of an event."""
    worker.execute(
        "UPDATE log.events SET bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1)"
        " WHERE position = %s",
        (position,),
    )


def drop(worker: Connection, first: int, last: int | None = None) -> None:
    """Take events out."""
    worker.execute(
        "DELETE FROM log.events WHERE position BETWEEN %s AND %s", (first, last or first)
    )


def swap(worker: Connection, one: int, two: int) -> None:
    """Let two events trade places."""
    with worker.transaction():
        worker.execute(
            "CREATE TEMP TABLE aside ON COMMIT DROP AS SELECT * FROM log.events"
            " WHERE position IN (%s, %s)",
            (one, two),
        )
        drop(worker, one)
        drop(worker, two)
        for source, target in ((one, two), (two, one)):
            worker.execute(
                "INSERT INTO log.events OVERRIDING SYSTEM VALUE"
                " SELECT %s, stream_id, version, type, organization_id, bytes, recorded_at"
                " FROM aside WHERE position = %s",
                (target, source),
            )


def insert(worker: Connection, position: int) -> None:
    """Put an event where there is none."""
    worker.execute(
        "INSERT INTO log.events OVERRIDING SYSTEM VALUE SELECT %s, gen_random_uuid(), 1, type,"
        " organization_id, bytes, recorded_at FROM log.events ORDER BY position LIMIT 1",
        (position,),
    )


def forget_the_tree(worker: Connection) -> None:
    """As if no tree had ever been kept; the log's id stays."""
    with worker.transaction():
        worker.execute("DELETE FROM log.tree_tiles")
        worker.execute("DELETE FROM log.tree_heads")
        worker.execute("UPDATE log.tree SET size = 0, position = 0")


def check_live(log: AuditedLog, kept: Path) -> Outcome:
    """What `nudge audit verify` finds."""
    keys = {SIGNER.public_key}
    return check_log(log.worker, read_heads(kept), keys, lambda _count: None)


def export(log: AuditedLog, target: Path) -> Path:
    export_log(log.worker, target, SIGNER.public_key, lambda _count: None)
    return target


def run_verifier(file: Path, *arguments: str | Path) -> tuple[int, dict[str, Any], str]:
    """The single file by itself: no installed package, none of ours; code, answer, stderr."""
    ran = subprocess.run(
        [sys.executable, "-I", "-S", VERIFIER, file, "--json", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd="/",
        timeout=120,
    )
    return ran.returncode, json.loads(ran.stdout or "{}"), ran.stderr


def rewrite(bundle: Path, name: str, change: Callable[[bytes], bytes]) -> None:
    """Change a part of a bundle, with all checksums right again."""
    with zipfile.ZipFile(bundle) as old:
        parts = {part: old.read(part) for part in old.namelist()}
    parts[name] = change(parts[name])
    with zipfile.ZipFile(bundle, "w") as new:
        for part, content in parts.items():
            new.writestr(part, content)
