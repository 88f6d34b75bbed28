"""The registry's and AsyncAPI's endpoints alone, behind a real HTTP server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api import errors
from api.routers.asyncapi import router as asyncapi
from api.routers.registry import router as registry


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    """Where it listens."""
    app = FastAPI()
    errors.install(app)
    app.include_router(registry)
    app.include_router(asyncapi)
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=10)


@pytest.fixture(scope="module")
def client(base_url: str) -> Iterator[httpx.Client]:
    """A client of the registry; paths are relative to it."""
    accept = "application/vnd.schemaregistry.v1+json, application/json"
    with httpx.Client(base_url=f"{base_url}/registry", headers={"Accept": accept}) as client:
        yield client
