"""Clients that hold a place and send next to nothing, or send heads without end: a real server."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI, Request

from api.bodies import paced
from api.errors import install
from api.ports import BodyLimits
from infra.http_heads import LARGEST_HEAD, http_protocol
from tests.support.services import free_port

WAIT = 0.5
HEAD = b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """A server with the product's protocol and pace, and little patience."""
    app = FastAPI()
    install(app)

    @app.post("/")
    async def length(request: Request) -> int:
        body = Request(request.scope, paced(request.receive, BodyLimits(WAIT, 8192)))
        return len(await body.body())

    found = free_port()
    server = uvicorn.Server(
        uvicorn.Config(app, port=found, http=http_protocol(WAIT), log_config=None)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield found
    server.should_exit = True
    thread.join(10)


def answer_to(port: int, *parts: bytes) -> bytes:
    """What the server says until it closes, if only this is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        for part in parts:
            client.sendall(part)
        return said_by(client)


def said_by(client: socket.socket) -> bytes:
    said = b""
    try:
        while got := client.recv(65536):
            said += got
    except ConnectionResetError:
        pass  # it closed while something of ours was on the way
    return said


def test_a_request_that_comes_is_answered_and_the_next_one_too(port: int) -> None:
    whole = HEAD + b"0123456789"
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        for _ in range(2):
            client.sendall(whole)
            assert client.recv(65536).startswith(b"HTTP/1.1 200")


@pytest.mark.parametrize(
    "parts", [(), (b"POST / HTTP/1.1\r\nhost: x\r\n",), (b"P",)], ids=["nothing", "half", "letter"]
)
def test_a_head_that_stops_coming_ends_the_connection(port: int, parts: tuple[bytes, ...]) -> None:
    assert answer_to(port, *parts).startswith(b"HTTP/1.1 408")


def test_a_body_that_stops_coming_is_answered_with_408_and_ends_the_connection(port: int) -> None:
    said = answer_to(port, HEAD, b"01234")
    assert said.startswith(b"HTTP/1.1 408")
    assert b"body_too_slow" in said


def test_a_second_request_must_begin_in_time_too(port: int) -> None:
    said = answer_to(port, HEAD + b"0123456789", b"POST / HT")
    assert said.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 408" in said


def test_a_head_without_end_is_refused(port: int) -> None:
    line = b"GET / HTTP/1.1\r\nx-more: "
    said = answer_to(port, line, b"a" * (LARGEST_HEAD + 1 - len(line)))
    assert said.startswith(b"HTTP/1.1 431")
