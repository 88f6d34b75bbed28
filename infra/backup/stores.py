"""The embedded stores alone, for as long as a restore needs them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from infra.backup.manifest import BackupError
from infra.local.addresses import Addresses
from infra.local.child import last_line
from infra.local.logs import log_file
from infra.local.processes import ProcessSpec
from infra.local.stack import process_specs
from infra.settings import Settings

_NEEDED: Final = ("postgres", "kafka")
_STOP_PATIENCE: Final = 30.0


@contextmanager
def running_stores(settings: Settings, addresses: Addresses) -> Iterator[None]:
    """Postgres and Kafka, started where they are embedded and stopped afterwards.

    Raises BackupError when one does not get ready.
    """
    specs = [spec for spec in process_specs(settings, addresses) if spec.name in _NEEDED]
    started: list[tuple[ProcessSpec, subprocess.Popen[bytes]]] = []
    try:
        started.extend((spec, _start(spec, settings)) for spec in specs)
        for spec, process in started:
            _wait(spec, process, settings)
        yield
    finally:
        for spec, process in reversed(started):
            process.send_signal(spec.stop_signal)
        for _, process in started:
            process.wait(_STOP_PATIENCE)


def _start(spec: ProcessSpec, settings: Settings) -> subprocess.Popen[bytes]:
    log = log_file(settings.data_dir.absolute(), spec.name)
    log.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with log.open("ab") as output:
        return subprocess.Popen(
            spec.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **spec.environment},
            start_new_session=True,
            umask=0o077,
        )


def _wait(spec: ProcessSpec, process: subprocess.Popen[bytes], settings: Settings) -> None:
    deadline = time.monotonic() + spec.ready_timeout
    while spec.ready is not None and not asyncio.run(spec.ready()):  # type: ignore[arg-type]
        if process.poll() is not None or time.monotonic() > deadline:
            said = last_line(log_file(settings.data_dir.absolute(), spec.name))
            raise BackupError(f"{spec.name} does not start: {said or 'it said nothing'}")
        time.sleep(0.1)
