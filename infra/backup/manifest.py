"""What a backup holds, signed, so that one that was changed or cut short is refused."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from domain.shared.canonical import canonical_json
from infra.signing import Signer, is_signed

FILE: Final = "manifest.json"
PRUNED: Final = ".pruned"
"""Behind the names of files that take the places of others, all together."""
PURPOSE: Final = "nudge-backup"
KIND: Final = "nudge-backup/1"
_CHUNK: Final = 4 * 1024 * 1024


class BackupError(Exception):
    """A backup cannot be made, or is not one that can be restored; the message says why."""


@dataclass(frozen=True)
class Manifest:
    """`part`: log or keys; two parts of one backup have the same `backup_id`.

    `made_at` is when it began: what happened later is not in it. `position` is the last event in
    it, `revision` that of the tables, `files` SHA-256 by name.
    """

    kind: str
    part: str
    backup_id: str
    made_at: str
    position: int
    events: int
    revision: str
    files: dict[str, str]


def write(folder: Path, manifest: Manifest, signer: Signer, name: str = FILE) -> None:
    """Sign and write it, the last file of a part: without it there is no backup."""
    content = asdict(manifest)
    signature = signer.sign(PURPOSE, canonical_json(content).encode())
    document = {
        "backup": content,
        "public_key": signer.public_key.hex(),
        "signature": signature.hex(),
    }
    (folder / name).write_text(json.dumps(document, indent=2) + "\n")


def read(folder: Path, part: str) -> Manifest:
    """The manifest of a part, its signature and every file checked. Raises BackupError."""
    if (folder / (FILE + PRUNED)).exists():
        raise BackupError(f"pruning {folder} was interrupted: run nudge backup prune on it again")
    document = _document(folder)
    try:
        content = document["backup"]
        signed = is_signed(
            bytes.fromhex(document["public_key"]), PURPOSE, canonical_json(content).encode(),
            bytes.fromhex(document["signature"]),
        )  # fmt: skip
        manifest = Manifest(**content)
    except (TypeError, KeyError, ValueError):
        raise BackupError(f"{folder / FILE} is no manifest of a backup") from None
    if not signed:
        raise BackupError(f"{folder / FILE} was changed: its signature does not fit")
    if (manifest.kind, manifest.part) != (KIND, part):
        raise BackupError(f"{folder} holds {manifest.kind} {manifest.part}, not {KIND} {part}")
    for name, wanted in manifest.files.items():
        if digest(folder / name) != wanted:
            raise BackupError(f"{folder / name} is missing or was changed")
    return manifest


def _document(folder: Path) -> dict[str, Any]:
    try:
        document = json.loads((folder / FILE).read_text())
    except (OSError, ValueError) as error:
        raise BackupError(f"{folder} holds no whole backup: {error}") from None
    if not isinstance(document, dict):
        raise BackupError(f"{folder / FILE} is no manifest of a backup")
    return document


def digests(folder: Path) -> dict[str, str]:
    """SHA-256 of every file below a folder, by relative name."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): digest(path) or "" for path in files}


def digest(path: Path) -> str | None:
    """SHA-256 of a file; None when there is none."""
    hashed = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                hashed.update(chunk)
    except OSError:
        return None
    return hashed.hexdigest()
