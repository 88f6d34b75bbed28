"""Postgres's own files, byte by byte, once what is dead in them has been given up.

Deleted and changed rows stay in a table's file until it is written anew, and everything ever
written stays in the write-ahead log until its segments are removed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from infra.erasure.needles import Needles
from infra.erasure.stores.files import in_file
from infra.erasure.stores.trace import Trace

CONCERNED: Final = (
    ("log", "subject_keys"), ("log", "mailable"), ("views", "contacts"), ("views", "turns"),
    ("views", "campaigns"), ("state", "idempotency"), ("state", "webhook_waiting"),
)  # fmt: skip
_WRITTEN_ANEW: Final = """
    SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN unnest(%s::text[], %s::text[]) AS u (s, t) ON c.relname = u.t
    WHERE c.relkind = 'r' AND (n.nspname = u.s OR n.nspname = 'shadow') ORDER BY 1, 2
"""
_SEGMENTS: Final = "SELECT count(*) FROM pg_ls_waldir() WHERE name ~ '^[0-9A-F]{24}$'"
_FILES: Final = """
    SELECT pg_relation_filepath(c.oid), n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE pg_relation_filepath(c.oid) IS NOT NULL
"""


class RawFilesUnavailableError(Exception):
    """The files cannot be read from here; the message says why."""


def give_up_the_dead(admin_url: str, database: str, told: Callable[[str], None]) -> None:
    """Write the tables concerned anew and remove the write-ahead log that is behind us.

    Each table is locked while it is written. `admin_url` is a superuser's. Blocks for as long as
    the tables are large.
    """
    with psycopg.connect(admin_url, dbname=database, autocommit=True) as admin:
        columns = [list(column) for column in zip(*CONCERNED, strict=True)]
        for schema, table in admin.execute(_WRITTEN_ANEW, columns).fetchall():
            told(f"VACUUM FULL {schema}.{table}")
            name = sql.Identifier(str(schema), str(table))
            admin.execute(sql.SQL("VACUUM FULL {}").format(name))
        told("write-ahead log")
        admin.execute("ALTER SYSTEM SET wal_recycle = off")
        admin.execute("SELECT pg_reload_conf()")
        try:
            _leave_segments_behind(admin)
        finally:
            admin.execute("ALTER SYSTEM RESET wal_recycle")
            admin.execute("SELECT pg_reload_conf()")


def _leave_segments_behind(admin: psycopg.Connection[tuple[object, ...]]) -> None:
    """Go through every segment that exists, those kept for later use too, and drop them.

    A switch fills the rest of a segment with zeros; two checkpoints let go of what is before.
    """
    row = admin.execute(_SEGMENTS).fetchone()
    for _ in range(int(str(row[0])) + 1 if row else 1):
        admin.execute("SELECT pg_logical_emit_message(false, 'nudge', '')")
        admin.execute("SELECT pg_switch_wal()")
    admin.execute("CHECKPOINT")
    admin.execute("SELECT pg_logical_emit_message(false, 'nudge', '')")
    admin.execute("CHECKPOINT")


def files(admin_url: str, database: str) -> list[tuple[Path, str]]:
    """Every file of the cluster with the store it belongs to. Raises RawFilesUnavailableError."""
    with psycopg.connect(admin_url, dbname=database) as admin:
        (folder,) = admin.execute("SHOW data_directory").fetchone() or ("",)
        names = {str(path): str(name) for path, name in admin.execute(_FILES).fetchall()}
    root = Path(str(folder))
    if not (root / "PG_VERSION").is_file():
        raise RawFilesUnavailableError(f"{root} is not a folder of this machine")
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file():
            relation = str(path.relative_to(root)).split(".")[0].removesuffix("_vm")
            table = names.get(relation.removesuffix("_fsm"))
            found.append((path, f"postgres:{table}" if table else "postgres:files"))
    return found


def search(listed: list[tuple[Path, str]], needles: Needles) -> Iterator[Trace]:
    """Traces in these files."""
    for path, store in listed:
        yield from in_file(path, needles, store)
