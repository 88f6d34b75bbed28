"""One call over real sockets: what of it may be repeated, and that it ends in time."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pytest

from domain.delivery.decisions import Answered, Lost, NotSent
from infra.postmark import Postmark, Timeouts
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Sending

SENDING = Sending("o", "token", "broadcast", "outbound", "Postmark", "u", "p", 1)
MESSAGE = {"From": "a@example.com", "To": "b@example.com", "HtmlBody": "<p>Hi</p>", "Headers": {}}
QUICK = Timeouts(read=0.6, total=1.2)


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[tuple[str, list[int]]]:
    """Answers every connection with `answer`; the address, and the connections so far."""
    connections: list[int] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            connections.append(1)
            with connection:
                answer(connection)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.getsockname()[1]}", connections
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join(5)


def request_read(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while len(body) < length:
        body += connection.recv(65536)
    return body


def hang_up(connection: socket.socket) -> None:
    request_read(connection)


def answering(status: str, body: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        request_read(connection)
        connection.sendall(
            b"HTTP/1.1 %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s"
            % (status.encode(), len(body), body)
        )

    return answer


def test_an_answer_is_passed_on_with_its_status_and_body() -> None:
    items = [{"ErrorCode": 0, "MessageID": "m1", "Message": "OK"}]
    with server(answering("200 OK", json.dumps(items).encode())) as (url, _):
        assert Postmark(url, QUICK).send(SENDING, [MESSAGE]) == Answered(200, items)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        ("422 Unprocessable", b'{"ErrorCode":300,"Message":"no"}',
         {"ErrorCode": 300, "Message": "no"}),
        ("401 Unauthorized", b"[]", []),
        ("500 Internal Server Error", b"<html>", None),
        ("307 Temporary Redirect", b"", None),
    ],
)  # fmt: skip
def test_whatever_else_is_answered_is_an_answer_too(
    status: str, body: bytes, expected: object
) -> None:
    with server(answering(status, body)) as (url, connections):
        call = Postmark(url, QUICK).send(SENDING, [MESSAGE])

    assert call == Answered(int(status[:3]), expected)
    assert len(connections) == 1  # never repeated, never redirected


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("401 Unauthorized", ProviderRefusedError),
        ("403 Forbidden", ProviderRefusedError),
        ("422 Unprocessable", ProviderAwayError),
        ("500 Internal Server Error", ProviderAwayError),
    ],
)
def test_a_search_tells_a_server_that_is_closed_to_us_from_one_that_is_away(
    status: str, error: type[Exception]
) -> None:
    with server(answering(status, b'{"ErrorCode": 10}')) as (url, _), pytest.raises(error):
        Postmark(url, QUICK).find(SENDING, "b")


@pytest.mark.parametrize(
    "page",
    [
        {"TotalCount": 1, "Messages": [{"MessageID": "m"}]},
        {"TotalCount": 1, "Messages": [{"MessageID": "m", "Metadata": None}]},
        {"TotalCount": 1, "Messages": [{"MessageID": 7, "Metadata": {"delivery_id": "d"}}]},
        {"TotalCount": None, "Messages": [{"MessageID": "m", "Metadata": {"delivery_id": "d"}}]},
        {"TotalCount": 1, "Messages": None},
    ],
)
def test_an_answer_that_nobody_understands_is_as_good_as_none(page: dict[str, Any]) -> None:
    with server(answering("200 OK", json.dumps(page).encode())) as (url, _):
        postmark = Postmark(url, QUICK)
        with pytest.raises(ProviderAwayError, match="unknown shape"):
            postmark.find(SENDING, "b")


FOUND: dict[str, Any] = {
    "MessageID": "m", "ReceivedAt": "2026-03-02T12:00:00.0000000-05:00",
    "Recipients": ["ada@example.com"],
    "Metadata": {
        "campaign_id": "c", "delivery_id": str(UUID(int=1)), "batch_id": str(UUID(int=2)),
        "step": "2", "kind": "campaign",
    },
}  # fmt: skip
FOREIGN = {**FOUND, "MessageID": "n", "Metadata": {"campaign_id": "another"}}


def test_a_search_for_a_campaign_tells_of_each_message_whose_it_is() -> None:
    answer = json.dumps({"TotalCount": 2, "Messages": [FOUND, FOREIGN]}).encode()
    with server(answering("200 OK", answer)) as (url, _):
        by = ("campaign_id", "c")
        page = Postmark(url, QUICK).sent(SENDING, "c", by, date(2026, 3, 2), 0)

    (sent,) = page.sent
    assert (page.total, page.message_ids) == (2, ["m", "n"])
    assert (sent.delivery_id, sent.step, sent.address) == (str(UUID(int=1)), 2, "ada@example.com")
    assert sent.accepted_at == datetime(2026, 3, 2, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    "broken",
    [
        {"MessageID": None},
        {"Recipients": []},
        {"ReceivedAt": "yesterday"},
        {"Metadata": None},
        {"Metadata": {**FOUND["Metadata"], "delivery_id": "no id"}},
    ],
)
def test_a_search_with_a_message_nobody_understands_is_not_believed(
    broken: dict[str, object],
) -> None:
    answer = json.dumps({"TotalCount": 1, "Messages": [{**FOUND, **broken}]}).encode()
    with server(answering("200 OK", answer)) as (url, _), pytest.raises(ProviderAwayError):
        Postmark(url, QUICK).sent(SENDING, "c", ("campaign_id", "c"), date(2026, 3, 2), 0)


def test_what_never_connected_sent_nothing() -> None:
    with server(hang_up) as (url, _):
        pass

    assert isinstance(Postmark(url, QUICK).send(SENDING, [MESSAGE]), NotSent)
    assert isinstance(
        Postmark("http://no.such.host.invalid", QUICK).send(SENDING, [MESSAGE]), NotSent
    )


def test_a_connection_closed_after_the_request_leaves_it_open_what_happened() -> None:
    with server(hang_up) as (url, connections):
        assert isinstance(Postmark(url, QUICK).send(SENDING, [MESSAGE]), Lost)
    assert len(connections) == 1


def test_a_server_that_says_nothing_is_left_after_one_read() -> None:
    def say_nothing(connection: socket.socket) -> None:
        request_read(connection)
        time.sleep(1)

    with server(say_nothing) as (url, _):
        began = time.monotonic()
        call = Postmark(url, QUICK).send(SENDING, [MESSAGE])

    assert isinstance(call, Lost)
    assert QUICK.read <= time.monotonic() - began < QUICK.total + 10


def test_an_answer_that_drips_is_cut_off_at_the_deadline() -> None:
    def drip(connection: socket.socket) -> None:
        request_read(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            while True:
                connection.sendall(b" ")
                time.sleep(0.1)
        except OSError:
            return

    with server(drip) as (url, _):
        began = time.monotonic()
        call = Postmark(url, QUICK).send(SENDING, [MESSAGE])

    assert call == Lost("deadline")
    assert QUICK.total - 0.1 <= time.monotonic() - began < QUICK.total + 10


def test_a_server_that_reads_too_slowly_is_cut_off_too() -> None:
    huge = {**MESSAGE, "HtmlBody": "x" * 40_000_000}

    def sip(connection: socket.socket) -> None:
        try:
            while connection.recv(65536):
                time.sleep(0.01)
        except OSError:
            return

    with server(sip) as (url, _):
        began = time.monotonic()
        call = Postmark(url, Timeouts(read=5, total=1)).send(SENDING, [huge])
        took = time.monotonic() - began

    assert call == Lost("deadline")
    assert took < 4  # all of it takes six


def test_a_lease_always_outlasts_the_longest_call() -> None:
    assert Timeouts.within(60) == Timeouts(15, 30)
    assert Timeouts.within(4) == Timeouts(2, 2)
