"""Key backups made before an erasure or a deletion, without the keys destroyed since."""

from __future__ import annotations

import gzip
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from infra.backup import manifest as manifests
from infra.backup.manifest import FILE, PRUNED
from infra.backup.saving import DUMP
from infra.signing import Signer


def prune(key_folder: Path, destroyed: Collection[str], signer: Signer) -> int:
    """Drop the keys of these subjects, and of everybody in these organizations, from a key backup;
    how many it still held.

    The files are written anew beside the old ones and take their places when all are there; when
    that is interrupted, the next time goes on with it. That old blocks are gone from the disk is
    the disk's affair. Raises BackupError when it is no whole key backup.
    """
    _settle(key_folder)
    manifest = manifests.read(key_folder, "keys")
    files = sorted((key_folder / DUMP).glob("*.dat.gz"))
    dropped = sum(_prune_file(path, destroyed) for path in files)
    if dropped:
        fresh = {
            str(path.relative_to(key_folder)): manifests.digest(_beside(path)) or ""
            for path in files
        }
        pruned = replace(manifest, files=manifest.files | fresh)
        draft = key_folder / (FILE + ".draft")
        manifests.write(key_folder, pruned, signer, draft.name)
        draft.replace(key_folder / (FILE + PRUNED))  # from here on it will be done
    _settle(key_folder)
    return dropped


def _settle(key_folder: Path) -> None:
    """Finish what was decided, or take away what was only begun."""
    decided = key_folder / (FILE + PRUNED)
    for path in sorted((key_folder / DUMP).glob(f"*{PRUNED}")):
        if decided.exists():
            path.replace(path.with_name(path.name.removesuffix(PRUNED)))
        else:
            path.unlink()
    if decided.exists():
        decided.replace(key_folder / FILE)


def _prune_file(path: Path, destroyed: Collection[str]) -> int:
    """Rows are those of COPY, with tabs: subject, organization, wrapped key, what wraps it."""
    dropped = 0
    with gzip.open(path, "rt") as old, gzip.open(_beside(path), "wt", compresslevel=1) as new:
        for line in old:
            subject, _, rest = line.partition("\t")
            organization, *wrapped = rest.rstrip("\n").split("\t")
            gone = subject in destroyed or organization in destroyed
            if gone and wrapped and wrapped[0] != "\\N":
                new.write("\t".join([subject, organization, *("\\N" for _ in wrapped)]) + "\n")
                dropped += 1
            else:
                new.write(line)
    return dropped


def _beside(path: Path) -> Path:
    return path.with_name(path.name + PRUNED)
