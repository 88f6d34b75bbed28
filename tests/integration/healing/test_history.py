"""Questions about the past to a provider over real sockets: their answers, and its moods."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from infra.healing.history import PostmarkHistory
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Sending

SENDING = Sending("o", "token", "broadcast", "outbound", "Postmark", "u", "p", 1)
DAY = date(2026, 1, 5)


@contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """A provider that always says this."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


Question = Callable[[PostmarkHistory], object]
QUESTIONS: dict[str, Question] = {
    "daily": lambda history: history.daily(SENDING, "Open", DAY),
    "reads": lambda history: history.reads(SENDING, "Click", 0),
    "bounces": lambda history: history.bounces(SENDING, DAY, 0),
    "suppressions": lambda history: history.suppressions(SENDING, "broadcast", DAY),
    "batch": lambda history: history.batch(SENDING, "broadcast", "b", 0),
    "details": lambda history: history.details(SENDING, "m"),
}


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, b'{"ErrorCode": 429}'),
        (500, b'{"ErrorCode": 500}'),
        (503, b'{"ErrorCode": 100}'),
        (502, b"<html>"),
        (200, b"[]"),
        (200, b"no json"),
    ],
)
def test_a_provider_that_cannot_answer_is_asked_again_later(
    question: str, status: int, body: bytes
) -> None:
    with answering(status, body) as url, pytest.raises(ProviderAwayError):
        QUESTIONS[question](PostmarkHistory(url, 0))


@pytest.mark.parametrize("question", [name for name in QUESTIONS if name != "details"])
def test_an_answer_in_an_unknown_shape_is_no_answer(question: str) -> None:
    body = b'{"TotalCount": "many", "Days": [{}]}'
    with answering(200, body) as url, pytest.raises(ProviderAwayError):
        QUESTIONS[question](PostmarkHistory(url, 0))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_refusal_is_told_with_postmark_s_number(question: str) -> None:
    body = json.dumps({"ErrorCode": 10, "Message": "bad token"}).encode()
    with answering(401, body) as url, pytest.raises(ProviderRefusedError, match="bad token") as no:
        QUESTIONS[question](PostmarkHistory(url, 0))
    assert no.value.code == "postmark_10"


def test_a_provider_nobody_reaches_is_away() -> None:
    with pytest.raises(ProviderAwayError):
        PostmarkHistory("http://127.0.0.1:1", 0).reads(SENDING, "Open", 0)


def test_a_message_that_is_not_known_any_more_is_no_error() -> None:
    with answering(422, b'{"ErrorCode": 701}') as url:
        assert PostmarkHistory(url, 0).details(SENDING, "m") is None


def test_there_are_never_more_questions_a_second_than_allowed() -> None:
    with answering(200, b'{"Days": []}') as url:
        history = PostmarkHistory(url, rate=20)
        begin = time.monotonic()
        for _ in range(5):
            history.daily(SENDING, "Open", DAY)
        assert time.monotonic() - begin >= 4 / 20
