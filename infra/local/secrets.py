"""Passwords and keys of the embedded stack: made once, readable by their owner only."""

from __future__ import annotations

import os
import secrets
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from infra.local.errors import StackError

_PASSWORDS = (
    "postgres_password",
    "owner_password",
    "worker_password",
    "api_password",
    "clickhouse_password",
)
_KEYS = ("secret.key", "master.key")
_SIGNING = "signing.key"
"""Made also beside old data: a new one opens nothing, it only signs from now on."""


@dataclass(frozen=True)
class LocalSecrets:
    """Passwords of the embedded stack's logins and where its keys are.

    A key file holds one line: 32 random bytes as 64 hexadecimal digits.
    """

    postgres_password: str = field(repr=False)
    owner_password: str = field(repr=False)
    worker_password: str = field(repr=False)
    api_password: str = field(repr=False)
    clickhouse_password: str = field(repr=False)
    secret_key_file: Path
    master_key_file: Path
    signing_key_file: Path


def ensure_secrets(data_dir: Path) -> LocalSecrets:
    """The secrets in `data_dir`/keys, made when the folder is new; safe to call at the same time.

    Raises StackError when one is missing although there is data: a new one could not open it.
    """
    folder = data_dir.absolute() / "keys"
    missing = [name for name in (*_PASSWORDS, *_KEYS) if not (folder / name).exists()]
    if missing and (data_dir / "postgres" / "data").exists():
        raise StackError(f"{folder / missing[0]} is missing, but there is data: restore the file")
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    for name in missing:
        _write_once(folder / name, _fresh(name))
    if not (folder / _SIGNING).exists():
        _write_once(folder / _SIGNING, _fresh(_SIGNING))
    passwords = {name: (folder / name).read_text().strip() for name in _PASSWORDS}
    return LocalSecrets(
        **passwords,
        secret_key_file=folder / "secret.key",
        master_key_file=folder / "master.key",
        signing_key_file=folder / _SIGNING,
    )


def _fresh(name: str) -> str:
    return secrets.token_hex(32) if name in (*_KEYS, _SIGNING) else secrets.token_urlsafe(24)


def _write_once(path: Path, text: str) -> None:
    """Write beside and link: a reader sees the whole file, and the first writer wins."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 600
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text + "\n")
            file.flush()
            os.fsync(file.fileno())
        Path(path).hardlink_to(temporary)
    except FileExistsError:
        pass
    finally:
        Path(temporary).unlink()
