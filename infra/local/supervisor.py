"""Starts the embedded stack in order, keeps it running and stops it within fifteen seconds."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

from domain.shared.retention import LOGS_KEPT
from infra.local.errors import StackError
from infra.local.keeper import Keeper
from infra.local.logs import expire
from infra.local.prerequisites import check_ports
from infra.local.processes import ProcessSpec, RestartPolicy, stop_levels
from infra.local.state import (
    StackState,
    end_leftovers,
    identity_of,
    supervisor_lock,
    write_state,
)

STOP_WITHIN = 14.0
_TIDY_EVERY = 3600.0


class Supervisor:
    """Runs processes given as data. One per data folder; the folder's lock sees to that."""

    def __init__(
        self,
        specs: list[ProcessSpec],
        data_dir: Path,
        policy: RestartPolicy | None = None,
        stop_within: float = STOP_WITHIN,
    ) -> None:
        self._stop_within = stop_within
        self._levels = stop_levels(specs)
        self._data_dir = data_dir
        self._state = StackState(os.getpid(), identity_of(os.getpid()))
        self._keepers = {
            spec.name: Keeper(spec, data_dir, policy or RestartPolicy(), self._save)
            for spec in specs
        }
        self._state.processes = [keeper.status for keeper in self._keepers.values()]
        self._stopping = False
        self.ready = asyncio.Event()
        """Set when everything has been ready once."""

    async def run(self, stop: asyncio.Event) -> None:
        """Run everything until `stop` is set. Raises StackError, after stopping, when it cannot.

        Must be awaited in the main thread: children die with the thread that started them.
        """
        with supervisor_lock(self._data_dir):
            try:
                await self._run_all(stop)
            except StackError as error:
                self._state.error = str(error)
                raise
            finally:
                self._save()

    async def _run_all(self, stop: asyncio.Event) -> None:
        await asyncio.to_thread(end_leftovers, self._data_dir)
        check_ports([port for keeper in self._keepers.values() for port in keeper.spec.ports])
        self._save()
        tasks = {name: asyncio.create_task(self._start(name)) for name in self._keepers}
        announce = asyncio.create_task(self._announce())
        tidy = asyncio.create_task(self._tidy())
        stopped = asyncio.create_task(stop.wait())
        try:
            await self._until_stopped(stopped, set(tasks.values()))
        finally:
            for task in (announce, tidy, stopped):
                task.cancel()
            await self._stop_all(tasks)

    async def _until_stopped(
        self, stopped: asyncio.Task[bool], running: set[asyncio.Task[None]]
    ) -> None:
        """Returns when asked to stop; raises what the first failing process raised."""
        while not stopped.done():
            done, _ = await asyncio.wait({stopped, *running}, return_when=asyncio.FIRST_COMPLETED)
            for task in running & done:
                task.result()
            running -= done

    async def _start(self, name: str) -> None:
        keeper = self._keepers[name]
        await keeper.run(self._keepers[dependency].ready for dependency in keeper.spec.after)

    async def _announce(self) -> None:
        for keeper in self._keepers.values():
            await keeper.ready.wait()
        self.ready.set()
        self._save()

    async def _tidy(self) -> None:
        """Logs that are too large or too old, now and every hour."""
        while True:
            await asyncio.to_thread(expire, self._data_dir / "logs", LOGS_KEPT)
            await asyncio.sleep(_TIDY_EVERY)

    async def _stop_all(self, tasks: dict[str, asyncio.Task[None]]) -> None:
        """Level by level, dependants first; a level takes at most half of the time that is left."""
        self._stopping = True
        deadline = time.monotonic() + self._stop_within
        for index, level in enumerate(self._levels):
            left = deadline - time.monotonic()
            last = index == len(self._levels) - 1
            await self._stop_level(level, tasks, left if last else left / 2)

    async def _stop_level(
        self, level: list[str], tasks: dict[str, asyncio.Task[None]], grace: float
    ) -> None:
        for name in level:
            self._keepers[name].ask_to_stop()
        _, late = await asyncio.wait({tasks[name] for name in level}, timeout=grace)
        for name in level:
            if tasks[name] in late:
                self._keepers[name].kill()
        await asyncio.gather(*(tasks[name] for name in level), return_exceptions=True)

    def _save(self) -> None:
        """Write down what is true now; ready only while every process is."""
        states = [keeper.status.state for keeper in self._keepers.values()]
        all_ready = all(state in ("ready", "done") for state in states)
        self._state.ready = all_ready and self.ready.is_set() and not self._stopping
        write_state(self._data_dir, self._state)
