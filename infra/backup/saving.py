"""Making a backup of a running product: one snapshot, the log and its state apart from the keys."""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, NamedTuple

from infra.backup.manifest import FILE, KIND, BackupError, Manifest, digests, write
from infra.backup.tools import run
from infra.bootstrap import Core
from infra.local.addresses import Addresses
from infra.master_keys import key_id, read_keys
from infra.postgres import connect

DUMP: Final = "dump"
KEY_TABLE: Final = "log.subject_keys"
NOT_SAVED: Final = (
    "state.analytics_batches", "state.rebuilds", "state.rebuild_parts", "state.topic_versions",
    "state.webhook_waiting",
)  # fmt: skip
"""Work under way that a restored product begins anew; which topics it had, because a restore fills
those of the configured prefix; and raw webhooks, which are personal data in the clear: what they
told is fetched from the provider again."""
_STANDS: Final = """
    SELECT (SELECT coalesce(max(position), 0) FROM log.events), (SELECT count(*) FROM log.events),
           (SELECT version_num FROM alembic_version), pg_export_snapshot(), now()
"""
_WRAPPED_BY: Final = """
    SELECT DISTINCT wrapped_by FROM log.subject_keys
    WHERE wrapped IS NOT NULL AND wrapped_by IS NOT NULL
"""
Told = Callable[[str], None]


class Login(NamedTuple):
    """With whom to dump or restore: the superuser where there is one."""

    url: str
    database: str
    bound_by_row_level_security: bool

    @property
    def admin(self) -> str | None:
        """The address, when it is a superuser's."""
        return None if self.bound_by_row_level_security else self.url


class Saved(NamedTuple):
    """What was saved, and how large it is, in bytes."""

    manifest: Manifest
    log_bytes: int
    key_bytes: int


def login_of(addresses: Addresses, admin_url: str | None = None) -> Login:
    """The login for dumps. `admin_url`: of a role that row-level security does not bind."""
    database = addresses.postgres_owner_url.rsplit("/", 1)[1].partition("?")[0]
    url = admin_url or addresses.postgres_admin_url
    return Login(url or addresses.postgres_owner_url, database, url is None)


def back_up(core: Core, log_folder: Path, key_folder: Path, told: Told) -> Saved:
    """A backup in two new folders. Raises BackupError, and leaves neither then.

    The product goes on meanwhile; the backup is as of one moment, its beginning.
    """
    with _new(log_folder), _new(key_folder):
        with connect(core.addresses.postgres_owner_url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            row = connection.execute(_STANDS).fetchone()
            position, events, revision, snapshot, began = row or (0, 0, "", "", datetime.now(UTC))
            master_keys = _ids_of(core.addresses.master_key_file)
            told("log and state")
            _dump(core, log_folder, snapshot, ["-n", "log", "-n", "state", *_but(KEY_TABLE)])
            told("keys")
            _dump(core, key_folder, snapshot, ["-t", KEY_TABLE])
            needed = {bytes(by) for (by,) in connection.execute(_WRAPPED_BY).fetchall()}
        shutil.copy(core.addresses.secret_key_file, log_folder / "secret.key")
        # under the names by which a restore knows them, whatever an operator calls the files
        shutil.copy(core.addresses.master_key_file, key_folder / "master.key")
        shutil.copy(core.addresses.signing_key_file, key_folder / "signing.key")
        if needed & (master_keys - _ids_of(key_folder / "master.key")):
            raise BackupError("a master key was retired meanwhile: back up again")
        told("checksums")
        identity = str(uuid.uuid4())
        now = began.astimezone(UTC).isoformat().replace("+00:00", "Z")  # Postgres's, as the log has
        for folder, part in ((log_folder, "log"), (key_folder, "keys")):
            files = digests(folder)
            manifest = Manifest(KIND, part, identity, now, position, events, revision, files)
            write(folder, manifest, core.signer)
            if part == "log":
                saved = manifest
    return Saved(saved, _size(log_folder), _size(key_folder))


def _ids_of(master_keys: Path) -> set[bytes]:
    return {key_id(key) for key in read_keys(master_keys)}


def _dump(core: Core, folder: Path, snapshot: str, what: list[str]) -> None:
    login = login_of(core.addresses)
    run(
        "pg_dump",
        login.url,
        [
            "--format=directory", f"--file={folder / DUMP}", "--data-only", "--compress=gzip:1",
            f"--snapshot={snapshot}", *what,
            *(["--enable-row-security"] if login.bound_by_row_level_security else []),
        ],
        login.database,
    )  # fmt: skip


def _but(*tables: str) -> list[str]:
    return [f"--exclude-table={table}" for table in (*tables, *NOT_SAVED)]


@contextmanager
def _new(folder: Path) -> Iterator[None]:
    """A folder that was not there, mode 700; gone again when what follows fails."""
    try:
        folder.mkdir(parents=True, mode=0o700)
    except FileExistsError:
        raise BackupError(f"{folder} is there already: give a new folder") from None
    except OSError as error:
        raise BackupError(f"{folder}: {error}") from None
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.name != FILE)
