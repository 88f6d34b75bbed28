"""Fixtures for tests of the embedded stack: a private data folder, free ports, a supervisor."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from infra.local.processes import ProcessSpec, RestartPolicy
from infra.local.supervisor import Supervisor

Running = Callable[[list[ProcessSpec]], AbstractAsyncContextManager[Supervisor]]


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder below a parent that only its owner may enter."""
    tmp_path.chmod(0o700)
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def free_port() -> Callable[[], int]:
    def pick() -> int:
        with socket.socket() as attempt:
            attempt.bind(("127.0.0.1", 0))
            return int(attempt.getsockname()[1])

    return pick


@pytest.fixture
def running(data_dir: Path) -> Running:
    """Run processes under a supervisor for the length of a `with` block, ready at its start."""

    @asynccontextmanager
    async def run(specs: list[ProcessSpec]) -> AsyncIterator[Supervisor]:
        policy, stop = RestartPolicy(first=0.05), asyncio.Event()
        supervisor = Supervisor(specs, data_dir, policy, stop_within=4.0)
        task = asyncio.create_task(supervisor.run(stop))
        ready = asyncio.create_task(supervisor.ready.wait())
        try:
            await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED, timeout=90)
            if task.done():
                task.result()
            assert ready.done()
            yield supervisor
        finally:
            ready.cancel()
            stop.set()
            await asyncio.wait_for(task, 20)

    return run
