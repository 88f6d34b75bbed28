"""An archive of the broker's loaded classes (Java's class data sharing): a start in half the time.

Made once for each Java beside the jars, by a broker that starts, writes it and ends. Without it, or
with one that Java refuses, the broker starts all the same, only slower.
"""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from infra.local.errors import StackError
from infra.local.kafka.broker import broker_command, java_program, prepare_home

_PATIENCE = 90.0


def archive_of(jars: Path) -> Path:
    """Where the archive for these jars and the present Java is, or would be."""
    java = Path(shutil.which(java_program()) or java_program()).resolve()
    made = java.stat().st_mtime_ns if java.exists() else 0
    version = hashlib.sha256(f"{java} {made}".encode()).hexdigest()[:12]
    return jars / f"classes-{version}.jsa"


def ensure_archive(jars: Path) -> Path:
    """The archive, made when it is missing; an empty file when this Java makes none."""
    archive = archive_of(jars)
    if not archive.exists():
        print("archiving Kafka's classes for quick starts, about 15 s, once", flush=True)  # noqa: T201
        with suppress(OSError, StackError), tempfile.TemporaryDirectory(dir=jars) as folder:
            made = Path(folder) / "classes.jsa"
            made.touch()
            with suppress(OSError, StackError, subprocess.TimeoutExpired):
                _write(made, jars, Path(folder) / "home")
            made.rename(archive)  # of two at once either will do
    return archive


def options(archive: Path) -> list[str]:
    """Java's options for a start with this archive, from a home whose `libs` are its folder.

    A relative path, because Java splits this option at colons.
    """
    usable = archive.exists() and archive.stat().st_size > 0
    return [f"-XX:SharedArchiveFile=libs/{archive.name}"] if usable else []


def _write(archive: Path, jars: Path, home: Path) -> None:
    """Start a broker of no data, end it once it listens, and wait until it has written."""
    port, controller_port = _free_port(), _free_port()
    prepare_home(home, jars, port, controller_port)
    place = Path("libs") / archive.relative_to(jars)
    command = broker_command(f"-XX:ArchiveClassesAtExit={place}")
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, cwd=home, stdin=quiet, stdout=quiet, stderr=quiet)
    until = time.monotonic() + _PATIENCE
    try:
        while not _listens(port) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.2)
        process.terminate()
        process.wait(_PATIENCE)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
            archive.write_bytes(b"")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.5):
        return True
    return False
