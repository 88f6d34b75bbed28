"""Brings a ClickHouse database to the newest version: numbered SQL files, forward only."""

from __future__ import annotations

import re
from pathlib import Path

from clickhouse_connect.driver.client import Client

FOLDER = Path(__file__).parent / "migrations"
_FILE_NAME = re.compile(r"(\d{4})_[a-z0-9_]+\.sql")
_VERSIONS = """
CREATE TABLE IF NOT EXISTS schema_versions (
    version UInt32,
    file String,
    applied_at DateTime64(3, 'UTC') DEFAULT now64(3, 'UTC')
)
ENGINE = MergeTree ORDER BY version
"""


class MigrationError(Exception):
    """A migration file is misnamed, or its number is taken."""


def migrate(client: Client, folder: Path = FOLDER) -> list[str]:
    """Runs what has not run yet in the client's database; returns the names of those files.

    Repeating it changes nothing, also after a crash in the middle of a file: every statement is
    written so that it may run again. Two processes should not migrate at the same time.
    """
    client.command(_VERSIONS)
    applied = {row[0] for row in client.query("SELECT version FROM schema_versions").result_rows}
    ran = []
    for version, path in sorted(_files(folder).items()):
        if version in applied:
            continue
        for statement in statements(path.read_text()):
            client.command(statement)
        client.insert("schema_versions", [[version, path.name]], column_names=["version", "file"])
        ran.append(path.name)
    return ran


def statements(text: str) -> list[str]:
    """The statements of a file; each ends with a semicolon at the end of a line."""
    return [part.strip() for part in re.split(r";[ \t]*(?:\n|$)", text) if part.strip()]


def _files(folder: Path) -> dict[int, Path]:
    found: dict[int, Path] = {}
    for path in sorted(folder.glob("*.sql")):
        match = _FILE_NAME.fullmatch(path.name)
        if match is None or int(match[1]) in found:
            raise MigrationError(f"{path.name}: name it <next number, four digits>_<what>.sql")
        found[int(match[1])] = path
    return found
