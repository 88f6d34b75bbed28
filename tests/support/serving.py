"""The application behind a real server, in a thread of this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import uvicorn

from api.app import build_app
from api.ports import SocketLimits
from infra.bootstrap import Core
from infra.web import api_services
from tests.support.services import free_port


@contextmanager
def served(core: Core, limits: SocketLimits | None = None) -> Iterator[str]:
    """Host and port; `limits` of WebSockets, where the usual ones do not suit."""
    services = api_services(core)
    if limits is not None:
        services = replace(services, sockets=limits)
    port = free_port()
    server = uvicorn.Server(
        uvicorn.Config(build_app(services), port=port, log_config=None, lifespan="on")
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.02)
    try:
        yield f"127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)
