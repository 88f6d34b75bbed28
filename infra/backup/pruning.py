"""Key backups made before an erasure, without the keys that were destroyed since."""

from __future__ import annotations

import gzip
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from infra.backup import manifest as manifests
from infra.backup.saving import DUMP
from infra.signing import Signer


def prune(key_folder: Path, destroyed: Collection[str], signer: Signer) -> int:
    """Drop these subjects' keys from a key backup; how many it still held.

    The files are written anew; that their old blocks are gone from the disk is the disk's affair.
    Raises BackupError when it is no whole key backup.
    """
    manifest = manifests.read(key_folder, "keys")
    dropped = sum(_prune_file(path, destroyed) for path in (key_folder / DUMP).glob("*.dat.gz"))
    if dropped:
        (key_folder / manifests.FILE).unlink()
        files = manifests.digests(key_folder)
        manifests.write(key_folder, replace(manifest, files=files), signer)
    return dropped


def _prune_file(path: Path, destroyed: Collection[str]) -> int:
    """Rows are those of COPY, with tabs: subject, organization, wrapped key, what wraps it."""
    dropped, kept = 0, path.with_suffix(".new")
    with gzip.open(path, "rt") as old, gzip.open(kept, "wt", compresslevel=1) as new:
        for line in old:
            subject, _, rest = line.partition("\t")
            organization, *wrapped = rest.rstrip("\n").split("\t")
            if subject in destroyed and wrapped and wrapped[0] != "\\N":
                new.write("\t".join([subject, organization, *("\\N" for _ in wrapped)]) + "\n")
                dropped += 1
            else:
                new.write(line)
    kept.replace(path)
    return dropped
