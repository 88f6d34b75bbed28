"""Starts the embedded ClickHouse: `python -m infra.local.clickhouse`."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from functools import partial
from pathlib import Path

# The engine takes its zone from the process, before it is loaded.
os.environ["TZ"] = "UTC"
time.tzset()

import psutil  # noqa: E402
import structlog  # noqa: E402
import uvicorn  # noqa: E402

from infra.local.addresses import postgres_api_url  # noqa: E402
from infra.local.clickhouse.analysts.logins import AnalystLogins  # noqa: E402
from infra.local.clickhouse.door import create_app  # noqa: E402
from infra.local.clickhouse.engine import Engine, EngineStartError  # noqa: E402
from infra.local.clickhouse.intake import Login  # noqa: E402
from infra.logging import configure_logging  # noqa: E402
from infra.postgres import Connection, connect  # noqa: E402
from infra.settings import Settings, SettingsError, load_settings  # noqa: E402

_STOP_SECONDS = 2
_CLOSE_SECONDS = 0.5
_log = structlog.get_logger("clickhouse")


class StartError(Exception):
    """The process cannot start; the message is one line that says what to do."""


def read_login(settings: Settings) -> Login:
    """The operator login from the settings or the key folder. Raises StartError."""
    if settings.clickhouse_password is not None:
        password = settings.clickhouse_password.get_secret_value()
    else:
        file = settings.data_dir / "keys" / "clickhouse_password"
        try:
            password = file.read_text().strip()
        except OSError as error:
            raise StartError(f"cannot read {file}: {error.strerror}; `make up` makes it") from error
    if not password:
        raise StartError("the ClickHouse password is empty: set NUDGE_CLICKHOUSE_PASSWORD")
    return Login(settings.clickhouse_username, password)


def bind(port: int) -> socket.socket:
    """A socket on loopback. Raises StartError when the port is taken."""
    # Named as TCP, or asyncio leaves Nagle on and every answer takes 40 ms
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise StartError(
            f"port {port} is not free ({error.strerror}): set NUDGE_CLICKHOUSE_PORT to another"
        ) from error
    return listener


def _postgres(settings: Settings) -> Connection:
    """A connection as the API, to look analysts up; its address is known once that role is."""
    return connect(postgres_api_url(settings), autocommit=True, application="nudge-clickhouse")


def serve(settings: Settings) -> None:
    """Runs until SIGTERM or SIGINT, and closes the engine. Raises StartError, EngineStartError."""
    login = read_login(settings)
    folder = Path(settings.data_dir).resolve() / "clickhouse"
    with bind(settings.clickhouse_port) as listener:
        engine = Engine(folder)
        config = uvicorn.Config(
            create_app(engine, login, AnalystLogins(partial(_postgres, settings))),
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=_STOP_SECONDS,
            timeout_keep_alive=60,
            lifespan="off",
        )
        seconds = round(time.time() - psutil.Process().create_time(), 2)
        address = f"http://127.0.0.1:{settings.clickhouse_port}"
        _log.info("ready", address=address, engine=engine.version(), seconds=seconds)
        for number in (signal.SIGTERM, signal.SIGINT):
            # uvicorn stops on the signal and raises it once more after that
            signal.signal(number, lambda _number, _frame: None)
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
    stopped = engine.close(_CLOSE_SECONDS)
    _log.info("stopped", unfinished=not stopped)
    if not stopped:
        # A query that will not end must not hold up the stop; nothing of it was acknowledged.
        sys.stdout.flush()
        os._exit(0)


def main() -> int:
    """The process; its exit code."""
    configure_logging("clickhouse")
    logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
    logging.getLogger("sqlglot").setLevel(logging.CRITICAL)  # it would log statements
    try:
        serve(load_settings())
    except (SettingsError, StartError, EngineStartError) as error:
        _log.error("cannot_start", reason=str(error))
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
