"""Keeps one process running: start, readiness, heartbeat, restart with back-off, stop."""

from __future__ import annotations

import asyncio
import time
from asyncio.subprocess import Process
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from infra.local.child import kill_group, last_line, spawn
from infra.local.errors import StartError
from infra.local.logs import log_file
from infra.local.processes import ProcessSpec, ProcessState, RestartPolicy
from infra.local.pulse import Pulse
from infra.local.state import ProcessStatus, identity_of

_PROBE_PAUSE = 0.1


class Keeper:
    """One process and its whole life; `status` is always current, `changed` is told of it."""

    def __init__(
        self, spec: ProcessSpec, data_dir: Path, policy: RestartPolicy, changed: Callable[[], None]
    ) -> None:
        self.spec = spec
        self.status = ProcessStatus(
            spec.name, spec.roles, spec.address, stop_signal=int(spec.stop_signal)
        )
        self.ready = asyncio.Event()
        """Set when it has been ready once; not cleared by a restart."""
        self._log = log_file(data_dir, spec.name)
        self._policy = policy
        self._changed = changed
        self._stopping = asyncio.Event()
        self._child: Process | None = None
        self._log_start = 0

    async def run(self, after: Iterable[asyncio.Event] = ()) -> None:
        """Wait for `after`, then keep the process running until asked to stop.

        Raises StartError when it never gets ready.
        """
        for event in after:
            await self._either(event)
        failures = 0
        while not self._stopping.is_set():
            began = time.monotonic()
            await self._live()
            if self._stopping.is_set() or self.status.state == "done":
                break
            failures = self._policy.failures_after(failures, time.monotonic() - began)
            if not self.ready.is_set() and (
                self.spec.once or failures >= self._policy.attempts_at_start
            ):
                raise StartError(f"{self.spec.name} does not start: {self.status.reason}")
            self.status.restarts += 1
            self._become("restarting")
            await self._pause(self._policy.delay(failures))
        if self.status.state != "done":
            self._become("stopped")

    def ask_to_stop(self) -> None:
        """Send the stop signal; `run` ends when the process has."""
        self._stopping.set()
        if self._child is not None and self._child.returncode is None:
            self._become("stopping")
            with suppress(ProcessLookupError):
                self._child.send_signal(self.spec.stop_signal)

    def kill(self) -> None:
        """End it at once, with everything in its session."""
        if self._child is not None and self._child.returncode is None:
            kill_group(self._child.pid)

    async def _either(self, event: asyncio.Event) -> None:
        """Wait for the event or for being asked to stop."""
        waiters = [asyncio.create_task(e.wait()) for e in (event, self._stopping)]
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        for waiter in waiters:
            waiter.cancel()

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _live(self) -> None:
        """One run of the process, from start to exit."""
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        try:
            child = await spawn(
                self.spec.command,
                self.spec.environment,
                self._log,
                self.spec.stop_signal,
                self.spec.niceness,
            )
        except OSError as error:
            self.status.reason = f"cannot be run: {error}"
            return
        self._child = child
        self.status.pid, self.status.identity = child.pid, identity_of(child.pid)
        self.status.started_at = datetime.now(UTC).isoformat()
        self._become("starting")
        if self._stopping.is_set():  # asked while it was being started
            self.ask_to_stop()
        done = asyncio.create_task(child.wait())
        why = await self._accompany(done)
        code = await done
        # What it started and left in its session would hold ports and files of the next run.
        kill_group(child.pid)
        self._record_end(code, why)

    async def _accompany(self, done: asyncio.Task[int]) -> str | None:
        """Watch one run; when we end it ourselves, the reason why."""
        if not self.spec.once:
            why = await self._until_ready(done)
            if why is None and not done.done():
                self._mark_ready()
                why = await self._until_silent(done)
            if why is not None:
                self.kill()
            return why
        if await self._finished(done, self.spec.ready_timeout):
            return None
        self.kill()
        return f"not done after {self.spec.ready_timeout:.0f} s"

    async def _until_ready(self, done: asyncio.Task[int]) -> str | None:
        """None: ready, or it has ended; else why it must end."""
        if self.spec.ready is None:
            return None
        deadline = time.monotonic() + self.spec.ready_timeout
        heartbeat = self.spec.heartbeat
        pulse = heartbeat and Pulse(heartbeat.file)
        while not done.done():
            if await self.spec.ready():
                return None
            # Once it has beaten: it may work before it is ready.
            if heartbeat and pulse and pulse.quiet() > heartbeat.max_age and pulse.felt:
                return f"no heartbeat for {heartbeat.max_age:g} s"
            if time.monotonic() > deadline and not self._stopping.is_set():
                return f"not ready after {self.spec.ready_timeout:.0f} s"
            await self._finished(done, _PROBE_PAUSE)
        return None

    async def _until_silent(self, done: asyncio.Task[int]) -> str | None:
        """Wait for the end; returns earlier, with the reason, when the heartbeat stops."""
        heartbeat = self.spec.heartbeat
        if heartbeat is None:
            await asyncio.wait({done})
            return None
        pulse = Pulse(heartbeat.file)
        while not await self._finished(done, min(1.0, heartbeat.max_age / 4)):
            if pulse.quiet() > heartbeat.max_age:
                return f"no heartbeat for {heartbeat.max_age:g} s"
        return None

    @staticmethod
    async def _finished(done: asyncio.Task[int], timeout: float) -> bool:  # noqa: ASYNC109
        await asyncio.wait({done}, timeout=timeout)
        return done.done()

    def _mark_ready(self) -> None:
        if not self._stopping.is_set():
            self._become("ready")
            self.ready.set()

    def _record_end(self, code: int, why: str | None) -> None:
        self.status.pid = self.status.identity = self._child = None
        self.status.last_exit = code
        ending = f"signal {-code}" if code < 0 else f"exit code {code}"
        said = last_line(self._log, self._log_start)
        if why is None and self._stopping.is_set():
            why = f"asked to stop, {ending}"
        self.status.reason = why or (f"{ending}: {said}" if said else ending)
        if self.spec.once and code == 0 and not self._stopping.is_set():
            self._become("done")
            self.ready.set()

    def _become(self, state: ProcessState) -> None:
        self.status.state = state
        self._changed()
