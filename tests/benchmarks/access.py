"""access: what asking for a token and a permission adds to a request.

Two endpoints of one application, alike but that one asks: the API's own token check, with the key
looked up in Postgres whenever what is remembered of it is older than a second, and its own
permission check. Requests are handed to the application one after the other, without a network.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from functools import partial
from typing import Any

from fastapi import FastAPI

from api.auth import Caller, Callers, allow
from api.limiting import Limiter
from api.ports import RateLimits
from domain.access.permissions import PERMISSIONS
from infra.web import api_services
from tests.benchmarks.bench import Bench, Benchmark, in_turns, median
from tests.benchmarks.report import Figure, Report, at_most
from tests.conftest import fresh_database
from tests.support.api import Api, running_api

ABOUT = """Microseconds a request, median of nine alternating runs (lowest and highest in
brackets). Both endpoints answer the same constant; the key is looked up again every second, as in
the product."""
MOST = 300.0
"""Microseconds that token and permission may cost together."""


def run(bench: Bench) -> Report:
    """Measure."""
    services = bench.services()
    requests, rounds = (200, 1) if bench.quick else (4_000, 9)
    with fresh_database(services) as database, running_api(services, database) as api:
        app, key = application(api), api.key(*PERMISSIONS)
        ways = {way: partial(microseconds, app, way, key, requests) for way in ("/open", "/asks")}
        runs = in_turns(ways, rounds, bench.say)
    added = [asks - open_ for open_, asks in zip(runs["/open"], runs["/asks"], strict=True)]
    figures = [
        Figure("nothing asked", median(runs["/open"]), "µs", runs=tuple(runs["/open"])),
        Figure("token and permission", median(runs["/asks"]), "µs", runs=tuple(runs["/asks"])),
        Figure("added by both", median(added), "µs", at_most(MOST), tuple(added)),
    ]
    return Report("access", "Access", " ".join(ABOUT.split()), figures)


def application(api: Api) -> FastAPI:
    """Two endpoints that differ in what they ask. Limits are off: `limits` measures those."""
    services = replace(api_services(api.core), rates=RateLimits("off", "off", "off", "off"))
    app = FastAPI()
    app.state.callers = Callers(services)
    app.state.limiter = Limiter(services)

    @app.get("/open")
    async def nothing() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/asks", dependencies=[allow("campaigns:read", "contacts:read")])
    async def asks(caller: Caller) -> dict[str, str]:
        return {"status": "ok"}

    return app


def microseconds(app: FastAPI, path: str, key: str, requests: int) -> float:
    """Of one request, over many. Raises RuntimeError for an answer that is no 200."""
    return asyncio.run(_microseconds(app, path, key, requests))


async def _microseconds(app: FastAPI, path: str, key: str, requests: int) -> float:
    statuses: set[int] = set()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.add(message["status"])

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    began = time.perf_counter()
    for _ in range(requests):
        await app(_scope(path, key), receive, send)
    seconds = time.perf_counter() - began
    if statuses != {200}:
        raise RuntimeError(f"{path} answers {statuses}")
    return 1e6 * seconds / requests


def _scope(path: str, key: str) -> dict[str, Any]:
    return {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [(b"authorization", f"Bearer {key}".encode())],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }


BENCHMARK = Benchmark("access", "what the check of token and permission adds to a request", run)
