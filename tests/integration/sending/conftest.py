"""A database, a sandbox, and effects processes between them, in threads or of their own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from infra.bootstrap import Core
from infra.effects import Effects
from infra.settings import Settings
from tests.conftest import Database
from tests.integration.sandbox.conftest import SandboxProcess
from tests.support.sending import SHORT, World, settings_for

QUIET = {
    "rates": dict.fromkeys(
        ("hard_bounce", "soft_bounce", "blocked", "silent", "open", "reopen", "click",
         "complaint", "unsubscribe", "scanner", "privacy_proxy"), 0.0,
    ),
    "search_lag_seconds": 0.0,
    "faults": {
        "timeout_after_accept": 0.0, "error_500": 0.0, "rate_limit": 0.0, "maintenance": 0.0,
        "hang_seconds": 60.0,
    },
}  # fmt: skip


@pytest.fixture(scope="session")
def sandbox_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxProcess]:
    process = SandboxProcess(tmp_path_factory.mktemp("sending-sandbox"))
    yield process
    process.stop()


@pytest.fixture
def settings(database: Database, sandbox_process: SandboxProcess, tmp_path: Path) -> Settings:
    return settings_for(database, sandbox_process.url, tmp_path, **SHORT)


@pytest.fixture
def world(settings: Settings) -> Iterator[World]:
    core = Core.of(settings, "effects")
    made = World(core)
    made.behave(**QUIET)
    yield made
    core.pool.close()


Running = Callable[..., AbstractContextManager[Effects]]


@pytest.fixture
def running(settings: Settings) -> Running:
    """`with running(policy="hold")`: an effects process in threads, stopped at the end."""
    return lambda **changes: running_effects(settings.model_copy(update=changes))


@contextmanager
def running_effects(settings: Settings) -> Iterator[Effects]:
    """The same, with these settings."""
    core = Core.of(settings, "effects")
    effects = replace(Effects.of(core), reply_threads=0)
    stop, ready = threading.Event(), threading.Event()
    failures: list[BaseException] = []

    def work() -> None:
        try:
            effects.run(stop, ready.set)
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(60)
    try:
        yield effects
    finally:
        stop.set()
        thread.join(20)
        core.pool.close()
        assert not failures, failures  # also when the test has failed: this is why
