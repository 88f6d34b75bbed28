"""Kafka's jars: resolved once with Maven into a cache folder, all of them or none."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from infra.local.errors import StackError

POM = Path(__file__).with_name("pom.xml")
PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies"


def cache_folders(data_dir: Path) -> list[Path]:
    """Where the jars of this pom may be, best first: beside the code, else with the data.

    The name holds a digest of the pom, so another version never mixes with this one.
    """
    version = hashlib.sha256(POM.read_bytes()).hexdigest()[:12]
    return [POM.parent / "libs" / version, data_dir / "cache" / "kafka" / version]


def find_jars(data_dir: Path) -> Path | None:
    """The folder with all jars, or None when they have not been resolved yet."""
    return next((folder for folder in cache_folders(data_dir) if folder.is_dir()), None)


def ensure_jars(data_dir: Path) -> Path:
    """The folder with all jars; resolves them when needed (minutes on a slow network, once).

    Raises StackError, one line, when Maven cannot get them. Several callers at once are fine.
    """
    found = find_jars(data_dir)
    return found if found is not None else resolve(_writable(cache_folders(data_dir)))


def resolve(target: Path) -> Path:
    """Resolve into a new folder beside `target`, then rename: a half-filled cache never shows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".resolving-") as folder:
        jars = Path(folder) / "jars"
        # A copy of the pom, because Maven wants to write beside it.
        pom = Path(shutil.copy(POM, folder))
        _run_maven(pom, jars)
        try:
            jars.rename(target)
        except OSError:
            if not target.is_dir():  # else: someone else was quicker, theirs is as good
                raise
    return target


def _run_maven(pom: Path, jars: Path) -> None:
    command = ["mvn", "-B", "-q", "-f", str(pom), PLUGIN]
    command += ["-DincludeScope=runtime", f"-DoutputDirectory={jars}"]
    print("resolving Kafka's jars with Maven, about 45 MB, once", flush=True)  # noqa: T201
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 or not any(jars.glob("kafka_*.jar")):
        lines = [line for line in done.stdout.splitlines() if "ERROR" in line] or ["no jars came"]
        raise StackError(f"Maven could not resolve Kafka's jars: {lines[0]}")


def _writable(folders: list[Path]) -> Path:
    beside_code, with_data = folders
    return beside_code if os.access(POM.parent, os.W_OK) else with_data
