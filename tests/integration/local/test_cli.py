"""`nudge up`, `down`, `status`, `logs` and `env`, as a person runs them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra.local.state import running_state

SUPERVISE = """
import asyncio, json, pathlib, signal, sys
from infra.local.processes import ProcessSpec
from infra.local.supervisor import Supervisor
code = "import time; print('hello from the api', flush=True); time.sleep(60)"
spec = ProcessSpec("web", (sys.executable, "-c", code), roles=("api", "relay"), address="here")
async def main(data_dir):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await Supervisor([spec], data_dir).run(stop)
data_dir = pathlib.Path(sys.argv[1])
(data_dir / "run").mkdir()
(data_dir / "run" / "env.json").write_text(json.dumps({"base_url": "http://127.0.0.1:1"}))
asyncio.run(main(data_dir))
"""

Nudge = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from infra.cli.main import app; app()", *arguments]


@pytest.fixture
def variables(data_dir: Path, free_port: Callable[[], int]) -> dict[str, str]:
    """A clean environment of its own: this data folder, free ports."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("NUDGE_")}
    ports = ("API", "POSTGRES", "KAFKA", "KAFKA_CONTROLLER", "CLICKHOUSE", "POSTMARK_SANDBOX")
    given = {f"NUDGE_{name}_PORT": str(free_port()) for name in ports}
    return {**kept, **given, "NUDGE_DATA_DIR": str(data_dir), "COLUMNS": "200"}


@pytest.fixture
def nudge(variables: dict[str, str]) -> Nudge:
    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command(*arguments),
            env={**variables, **more},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    return run


@pytest.fixture
def small_stack(data_dir: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A supervisor with one process that holds two roles."""
    with subprocess.Popen([sys.executable, "-c", SUPERVISE, str(data_dir)]) as supervisor:
        try:
            wait_for(lambda: (state := running_state(data_dir)) is not None and state.ready)
            yield supervisor
        finally:
            supervisor.terminate()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_status_lists_a_process_once_for_each_of_its_roles(
    nudge: Nudge, small_stack: subprocess.Popen[bytes]
) -> None:
    report = json.loads(nudge("status", "--json").stdout)
    assert [(p["name"], p["role"], p["state"]) for p in report["processes"]] == [
        ("web", "api", "ready"),
        ("web", "relay", "ready"),
    ]
    assert report["processes"][0].keys() >= {"pid", "restarts", "address"}
    assert report["ready"] is True
    assert report.keys() >= {"lag", "dead_letters", "oldest_claim_seconds", "ambiguous"}


def test_the_log_of_a_role_is_that_of_its_process(
    nudge: Nudge, small_stack: subprocess.Popen[bytes], data_dir: Path
) -> None:
    wait_for(lambda: (data_dir / "logs" / "web.log").stat().st_size > 0)
    assert nudge("logs", "relay").stdout == "hello from the api\n"
    unknown = nudge("logs", "nobody")
    assert unknown.returncode == 1
    assert unknown.stderr.startswith("no log of nobody; there are: web")


def test_env_shows_the_running_stack(nudge: Nudge, small_stack: subprocess.Popen[bytes]) -> None:
    assert json.loads(nudge("env", "--json").stdout)["base_url"] == "http://127.0.0.1:1"


def test_down_stops_and_can_be_repeated(nudge: Nudge, small_stack: subprocess.Popen[bytes]) -> None:
    assert nudge("down").stdout == "stopped\n"
    assert small_stack.wait(60) == 0
    assert nudge("down").stdout == "it was not running\n"
    assert json.loads(nudge("status", "--json").stdout)["ready"] is False
    assert nudge("env").returncode == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_attaches_to_a_running_stack_and_stops_it_when_asked(
    variables: dict[str, str], small_stack: subprocess.Popen[bytes], number: signal.Signals
) -> None:
    with subprocess.Popen(command("up"), env=variables, stdout=subprocess.PIPE) as attached:
        assert attached.stdout is not None
        for line in attached.stdout:
            if b"Ctrl-C" in line:
                break
        attached.send_signal(number)
        assert attached.wait(20) == 0
    assert small_stack.wait(60) == 0


def test_a_busy_port_is_one_line_with_the_variable(nudge: Nudge) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        failed = nudge("up", "--detach", NUDGE_POSTGRES_PORT=str(port))
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert f"port {port} is in use" in line
    assert "NUDGE_POSTGRES_PORT" in line


def test_missing_java_is_one_line_that_says_how_to_get_it(nudge: Nudge, tmp_path: Path) -> None:
    failed = nudge("up", "--detach", PATH=str(tmp_path), JAVA_HOME="")
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("java is missing: install Java 17")


def test_a_bad_value_is_one_line_that_names_it(nudge: Nudge) -> None:
    failed = nudge("up", "--detach", NUDGE_API_PORT="many")
    assert failed.returncode == 1
    (line,) = failed.stderr.splitlines()
    assert line.startswith("NUDGE_API_PORT: ")
