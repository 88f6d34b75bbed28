"""The supervisor, shown with tiny processes: order, restarts, heartbeats, stopping, leftovers."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from infra.local.errors import AlreadyRunningError, PortInUseError, StartError
from infra.local.keeper import Keeper
from infra.local.processes import Heartbeat, Probe, ProcessSpec, RestartPolicy
from infra.local.state import (
    ProcessStatus,
    StackState,
    end_leftovers,
    identity_of,
    is_alive,
    read_state,
    running_state,
    write_state,
)
from infra.local.supervisor import Supervisor
from tests.integration.local.conftest import Running

SLEEP = "import time; time.sleep(60)"
STUBBORN = """
import pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
pathlib.Path(sys.argv[1]).touch()
time.sleep(60)
"""
TOUCH_THEN_SLEEP = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(60)"
NOTE_AND_END = """
import signal, sys, time
def end(*_):
    with open(sys.argv[1], 'a') as notes: notes.write(sys.argv[2] + '\\n')
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open(sys.argv[1] + '.' + sys.argv[2], 'w').close()
time.sleep(60)
"""


def python(code: str, *arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code, *arguments)


def exists(path: Path) -> Probe:
    async def probe() -> bool:
        return path.exists()  # noqa: ASYNC240

    return probe


async def until(condition: Probe, seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  (what is waited for is in files)
            await asyncio.sleep(0.02)


def status(data_dir: Path, name: str) -> ProcessStatus:
    state = read_state(data_dir)
    assert state is not None
    return next(process for process in state.processes if process.name == name)


async def test_a_process_starts_only_after_those_it_needs_are_ready(
    running: Running, data_dir: Path, tmp_path: Path
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    slow = f"import time; time.sleep(0.5); {TOUCH_THEN_SLEEP}"
    specs = [
        ProcessSpec("second", python(TOUCH_THEN_SLEEP, str(second)), after=("first",)),
        ProcessSpec("first", python(slow, str(first)), ready=exists(first)),
    ]
    async with running(specs):
        await until(exists(second))
        assert first.stat().st_mtime_ns <= second.stat().st_mtime_ns
        state = running_state(data_dir)
        assert state is not None
        assert state.ready


async def test_a_step_runs_to_its_end_before_what_follows(
    running: Running, data_dir: Path, tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    step = python("import pathlib, sys; pathlib.Path(sys.argv[1]).touch()", str(mark))
    read = python(f"open({str(mark)!r}); {SLEEP}")
    specs = [
        ProcessSpec("step", step, once=True),
        ProcessSpec("reader", read, after=("step",)),
    ]
    async with running(specs):
        assert status(data_dir, "step").state == "done"
        assert status(data_dir, "reader").restarts == 0


async def test_a_step_that_fails_stops_the_start_with_its_last_line(
    data_dir: Path,
) -> None:
    failing = ProcessSpec("step", python("raise SystemExit('NUDGE_X: no such thing')"), once=True)
    keeps = ProcessSpec("server", python(SLEEP))
    with pytest.raises(StartError, match="step does not start: exit code 1: NUDGE_X: no such"):
        await Supervisor([keeps, failing], data_dir).run(asyncio.Event())
    assert status(data_dir, "server").state == "stopped"


async def test_a_process_that_never_gets_ready_stops_the_start(data_dir: Path) -> None:
    spec = ProcessSpec(
        "broken", python("raise SystemExit('no luck')"), ready=exists(data_dir / "x")
    )
    with pytest.raises(StartError, match="broken does not start: exit code 1: no luck"):
        await Supervisor([spec], data_dir, RestartPolicy(first=0.01)).run(asyncio.Event())
    assert status(data_dir, "broken").restarts == 2


async def test_a_process_that_dies_is_started_again_and_the_reason_kept(
    running: Running, data_dir: Path
) -> None:
    code = f"print('about to sleep', flush=True); {SLEEP}"
    async with running([ProcessSpec("server", python(code))]):
        await asyncio.sleep(0.3)
        first = status(data_dir, "server").pid
        assert first is not None
        os.kill(first, signal.SIGKILL)

        async def again() -> bool:
            return status(data_dir, "server").pid not in (None, first)

        await until(again)
        now = status(data_dir, "server")
        assert (now.state, now.restarts, now.last_exit) == ("ready", 1, -9)
        assert now.reason == "signal 9: about to sleep"


async def test_a_process_without_heartbeat_is_killed_and_started_again(
    running: Running, data_dir: Path, tmp_path: Path
) -> None:
    frozen = ProcessSpec("frozen", python(SLEEP), heartbeat=Heartbeat(tmp_path / "beat", 0.5))
    async with running([frozen]):

        async def killed() -> bool:
            return status(data_dir, "frozen").restarts > 0

        await until(killed)
        assert status(data_dir, "frozen").reason == "no heartbeat for 0.5 s"


async def test_a_process_that_freezes_before_it_is_ready_is_killed_too(
    data_dir: Path, tmp_path: Path
) -> None:
    beat = tmp_path / "beat"
    code = f"import pathlib, sys; pathlib.Path(sys.argv[1]).touch(); {SLEEP}"
    keeper = never_ready(python(code, str(beat)), beat, data_dir)
    task = asyncio.create_task(keeper.run())

    async def killed() -> bool:
        return keeper.status.restarts > 0

    await until(killed)
    assert keeper.status.reason == "no heartbeat for 0.5 s"
    await ended(keeper, task)


async def test_a_slow_start_before_the_first_beat_is_no_frozen_process(
    data_dir: Path, tmp_path: Path
) -> None:
    beat = tmp_path / "beat"
    beat.touch()  # by the run before
    keeper = never_ready(python(SLEEP), beat, data_dir)
    task = asyncio.create_task(keeper.run())
    await asyncio.sleep(2)
    assert (keeper.status.state, keeper.status.restarts) == ("starting", 0)
    await ended(keeper, task)


def never_ready(command: tuple[str, ...], beat: Path, data_dir: Path) -> Keeper:
    never, heartbeat = exists(beat.with_name("never")), Heartbeat(beat, 0.5)
    spec = ProcessSpec("frozen", command, ready=never, heartbeat=heartbeat)
    return Keeper(spec, data_dir, RestartPolicy(first=0.05), lambda: None)


async def ended(keeper: Keeper, task: asyncio.Task[None]) -> None:
    keeper.ask_to_stop()
    keeper.kill()
    await asyncio.wait_for(task, 10)


async def test_a_process_that_keeps_beating_lives_also_when_its_clock_is_an_hour_behind(
    running: Running, data_dir: Path, tmp_path: Path
) -> None:
    code = """
import os, pathlib, sys, time
while True:
    pathlib.Path(sys.argv[1]).touch()
    os.utime(sys.argv[1], (time.time() - int(sys.argv[2]),) * 2)
    time.sleep(.05)
"""
    specs = []
    for name, behind in (("alive", "0"), ("behind", "3600")):
        beat = tmp_path / name
        command = python(code, str(beat), behind)
        heartbeat = Heartbeat(beat, 4.0)
        specs.append(ProcessSpec(name, command, ready=exists(beat), heartbeat=heartbeat))
    async with running(specs):
        await asyncio.sleep(5)
        assert [status(data_dir, spec.name).restarts for spec in specs] == [0, 0]


async def test_stopping_goes_from_the_last_to_the_first(running: Running, tmp_path: Path) -> None:
    notes = tmp_path / "notes"

    def noting(name: str, *after: str) -> ProcessSpec:
        started = exists(Path(f"{notes}.{name}"))
        return ProcessSpec(name, python(NOTE_AND_END, str(notes), name), after=after, ready=started)

    async with running([noting("store"), noting("role", "store")]):
        pass
    assert notes.read_text().split() == ["role", "store"]


async def test_a_process_that_ignores_the_signal_is_killed_within_the_time(
    running: Running, data_dir: Path, tmp_path: Path
) -> None:
    stubborn, mark = "stubborn", tmp_path / "mark"
    spec = ProcessSpec(stubborn, python(STUBBORN, str(mark)), ready=exists(mark))
    began = time.monotonic()
    async with running([spec]):
        began = time.monotonic()
    assert time.monotonic() - began < 5
    assert status(data_dir, stubborn).last_exit == -signal.SIGKILL


async def test_two_supervisors_never_share_a_folder(running: Running, data_dir: Path) -> None:
    spec = ProcessSpec("server", python(SLEEP))
    async with running([spec]):
        before = status(data_dir, "server").pid
        with pytest.raises(AlreadyRunningError):
            await Supervisor([spec], data_dir).run(asyncio.Event())
        assert status(data_dir, "server").pid == before


async def test_a_busy_port_is_named_with_its_variable(data_dir: Path) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    spec = ProcessSpec("server", python(SLEEP), ports=((port, "NUDGE_SOME_PORT"),))
    async with server:
        with pytest.raises(PortInUseError, match=rf"port {port} is in use.*NUDGE_SOME_PORT"):
            await Supervisor([spec], data_dir).run(asyncio.Event())


SUPERVISE = """
import asyncio, pathlib, sys
from infra.local.processes import ProcessSpec
from infra.local.supervisor import Supervisor
spec = ProcessSpec("server", (sys.executable, "-c", "import time; time.sleep(60)"))
asyncio.run(Supervisor([spec], pathlib.Path(sys.argv[1])).run(asyncio.Event()))
"""


async def test_children_of_a_killed_supervisor_die_and_the_next_one_starts(
    running: Running, data_dir: Path
) -> None:
    command = [sys.executable, "-c", SUPERVISE, str(data_dir)]
    with subprocess.Popen(command) as supervisor:  # noqa: ASYNC220

        async def up() -> bool:
            state = running_state(data_dir)
            return state is not None and state.ready

        await until(up)
        child = status(data_dir, "server")
        supervisor.kill()

    async def gone() -> bool:
        return not is_alive(child.pid, child.identity)

    await until(gone, 5)
    async with running([ProcessSpec("server", python(SLEEP))]):
        assert status(data_dir, "server").pid != child.pid


def leave_behind(data_dir: Path, process: psutil.Popen, identity: str | None) -> None:
    """Write the state of a supervisor that is gone, with this process as its child."""
    left = ProcessStatus("old", ("old",), "", "ready", process.pid, identity)
    (data_dir / "run").mkdir()
    write_state(data_dir, StackState(0, None, processes=[left]))


def test_what_was_left_behind_is_stopped(data_dir: Path) -> None:
    process = psutil.Popen(python(SLEEP))
    leave_behind(data_dir, process, identity_of(process.pid))
    assert end_leftovers(data_dir) == ["old"]
    assert process.wait(60) == -signal.SIGTERM


def test_a_stranger_with_the_same_number_is_left_alone(data_dir: Path) -> None:
    stranger = psutil.Popen(python(SLEEP))
    try:
        leave_behind(data_dir, stranger, "another-boot:1")
        assert end_leftovers(data_dir) == []
        assert stranger.is_running()
    finally:
        stranger.kill()
        stranger.wait()
