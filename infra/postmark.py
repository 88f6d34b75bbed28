"""Postmark over HTTP: one batch per call, of which it is known whether a byte was sent.

A call that failed before its first byte may be repeated; after it, only the provider knows. So
each call has a connection of its own (an idle one that broke would look like a lost answer), is
never repeated or redirected, and is cut off at its deadline, also when the answer drips.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import orjson
import requests
from postmarker.core import PostmarkClient
from postmarker.models.emails import EmailBatch
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection

from domain.delivery.decisions import Answered, Call, Lost, NotSent
from domain.shared.faults import FaultPoint, Reach, unarmed
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Sending
from streams.effects.sending.lookback import Sent, SentPage
from streams.steps.webhooks import parsed_time

SEARCH_PAGE = 500
_CLOSED = frozenset({401, 403})


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds that a call may take: to connect and between two reads, and in all."""

    read: float = 15.0
    total: float = 30.0

    @classmethod
    def within(cls, lease: float) -> Timeouts:
        """The usual ones, shortened where a lease would not outlast them."""
        total = min(30.0, lease / 2)
        return cls(min(15.0, total), total)


class Postmark:
    """The calls of the sender. Thread-safe."""

    def __init__(self, url: str, timeouts: Timeouts, reach: Reach = unarmed) -> None:
        self._url = url.rstrip("/") + "/"
        self._reach = reach
        self._timeouts = timeouts
        self._http = httpx.Client(base_url=self._url, timeout=timeouts.read, trust_env=False)

    def send(self, sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:
        """Hand over at most 500 messages. Never raises for what provider or network do."""
        wire = _Wire(self._reach)
        client = _Client(self._url, sending.server_token, self._timeouts.read, wire)
        emails = EmailBatch(*messages, manager=client.emails).as_dict()
        with _Deadline(wire, self._timeouts.total):
            try:
                client.emails._send_batch(*emails)  # noqa: SLF001 - one call, our own chunking
            except Exception as error:  # noqa: BLE001 - whatever it was, what counts is how far
                failure = f"{type(error).__name__}: {error}"[:500]
            else:
                failure = ""
            finally:
                client.session.close()
        return wire.call(failure)

    def find(self, sending: Sending, batch_id: str) -> Mapping[str, str]:
        """Message ids by delivery id of every message with this batch_id, over all pages.

        Postmark searches one stream, the transactional one unless another is named.
        Raises ProviderAwayError also for a 4xx, and for an answer nobody understands: as long as
        nobody can look, nothing is known; but ProviderRefusedError when the server does not know
        our token (any more).
        """
        try:
            return self._found(sending, batch_id)
        except (LookupError, TypeError, AttributeError) as error:
            raise ProviderAwayError(f"a message in an unknown shape: {error!r}") from error

    def _found(self, sending: Sending, batch_id: str) -> Mapping[str, str]:
        found: dict[str, str] = {}
        offset = 0
        while True:
            page = self._page(sending, batch_id, offset)
            for message in page["Messages"]:
                if delivery := message["Metadata"].get("delivery_id"):
                    found[delivery] = _text(message["MessageID"])
            offset += SEARCH_PAGE
            if offset >= page["TotalCount"] or not page["Messages"]:
                return found

    def sent(
        self, sending: Sending, campaign_id: str, by: tuple[str, str], first: date, offset: int
    ) -> SentPage:
        """A page of a campaign's messages since a day, by one metadata field, newest first.

        Raises ProviderAwayError, ProviderRefusedError as `find` does.
        """
        field, value = by
        query = {f"metadata_{field}": value, "fromdate": first.isoformat()}
        page = self._searched(sending, query, offset)
        try:
            return SentPage(
                int(page["TotalCount"]),
                [_text(message["MessageID"]) for message in page["Messages"]],
                [_sent(m) for m in page["Messages"] if m["Metadata"]["campaign_id"] == campaign_id],
            )
        except (ValueError, LookupError, TypeError) as error:
            raise ProviderAwayError(f"a message in an unknown shape: {error!r}") from error

    def _page(self, sending: Sending, batch_id: str, offset: int) -> dict[str, Any]:
        return self._searched(sending, {"metadata_batch_id": batch_id}, offset)

    def _searched(self, sending: Sending, by: Mapping[str, str], offset: int) -> dict[str, Any]:
        query: dict[str, str | int] = {
            "count": SEARCH_PAGE,
            "offset": offset,
            **by,
            # else Postmark would search the transactional stream `outbound` alone
            "messagestream": sending.stream,
        }
        try:
            response = self._http.get(
                "messages/outbound", params=query, headers=headers_of(sending)
            )
            if response.status_code in _CLOSED:
                raise ProviderRefusedError(f"http_{response.status_code}", response.text[:500])
            response.raise_for_status()
            page: dict[str, Any] = response.json()
            return {"TotalCount": page["TotalCount"], "Messages": page["Messages"]}
        except (httpx.HTTPError, ValueError, KeyError, TypeError) as error:
            raise ProviderAwayError(str(error)) from error

    def close(self) -> None:
        """Give up idle connections."""
        self._http.close()


def _sent(message: Mapping[str, Any]) -> Sent:
    """Raises ValueError, LookupError, TypeError for a shape that is not ours."""
    metadata, accepted_at = message["Metadata"], parsed_time(message["ReceivedAt"])
    if accepted_at is None:
        raise ValueError(f"{message['ReceivedAt']!r} is no time")
    return Sent(
        str(UUID(metadata["delivery_id"])),
        str(UUID(metadata["batch_id"])),
        _text(message["MessageID"]),
        accepted_at,
        int(metadata["step"]),
        _text(message["Recipients"][0]) if metadata["kind"] == "campaign" else None,
    )


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError(f"{value!r} is no text")
    return value


def headers_of(sending: Sending) -> dict[str, str]:
    """What every call for one server carries."""
    return {"X-Postmark-Server-Token": sending.server_token, "Accept": "application/json"}


# --- one call ------------------------------------------------------------------------------


class DeadlineError(Exception):
    """The call's time was up before a connection stood."""


class _Wire:
    """How far one call has come, and the means to cut it off from another thread."""

    def __init__(self, reach: Reach) -> None:
        self._reach = reach
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._cut = False
        self._touched = False
        self._answer: Answered | None = None

    def opened(self, connected: socket.socket) -> None:
        """A connection stands, nothing was sent. Raises DeadlineError when it is too late."""
        with self._lock:
            self._socket = connected
            if self._cut:
                raise DeadlineError("no connection in time")

    def touch(self) -> None:
        """From here on the provider may have read something."""
        with self._lock:
            if self._cut:
                raise DeadlineError("no byte sent in time")
            self._touched = True

    def asked(self) -> None:
        """The whole request was sent; the answer is awaited from here on."""
        self._reach(FaultPoint.SENDER_DURING_CALL)

    def answered(self, response: requests.Response) -> None:
        """A whole answer has come."""
        try:
            body = orjson.loads(response.content)
        except ValueError:
            body = None
        self._answer = Answered(response.status_code, body)

    def cut(self) -> None:
        """End the call: whoever reads or writes the socket sees its end."""
        with self._lock:
            self._cut = True
            if self._socket is not None:
                # Of the plain socket: that of TLS would first talk with the other side.
                with contextlib.suppress(OSError):
                    socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def call(self, failure: str) -> Call:
        """What happened. `failure`: what the client said of it, if it failed."""
        if self._answer is not None:
            return self._answer
        if not self._touched:
            return NotSent(failure)
        return Lost("deadline" if self._cut else failure)


class _Deadline:
    """Cuts a wire after so many seconds, unless it is left before."""

    def __init__(self, wire: _Wire, seconds: float) -> None:
        self._timer = threading.Timer(seconds, wire.cut)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()


class _Http(HTTPConnection):
    wire: _Wire

    def connect(self) -> None:
        super().connect()
        self.wire.opened(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()  # sending would do it: a connection that fails has sent nothing
        self.wire.touch()
        super().send(data)

    def getresponse(self) -> Any:
        self.wire.asked()
        return super().getresponse()


class _Https(HTTPSConnection):
    wire: _Wire

    def connect(self) -> None:
        super().connect()
        self.wire.opened(self.sock)

    def send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        self.wire.touch()
        super().send(data)

    def getresponse(self) -> Any:
        self.wire.asked()
        return super().getresponse()


class _Adapter(HTTPAdapter):
    """A requests adapter whose connections report to a wire."""

    def __init__(self, wire: _Wire) -> None:
        self._wire = wire
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        wire = self._wire

        class HttpPool(HTTPConnectionPool):
            ConnectionCls = type("Watched", (_Http,), {"wire": wire})

        class HttpsPool(HTTPSConnectionPool):
            ConnectionCls = type("Watched", (_Https,), {"wire": wire})

        self.poolmanager.pool_classes_by_scheme = {"http": HttpPool, "https": HttpsPool}


class _Session(requests.Session):
    """What postmarker calls, with JSON written several times as fast as requests would."""

    def __init__(self, wire: _Wire) -> None:
        super().__init__()
        self._wire = wire
        self.trust_env = False
        self.mount("http://", _Adapter(wire))
        self.mount("https://", _Adapter(wire))

    def request(self, method: Any, url: Any, *_: Any, **given: Any) -> requests.Response:
        headers = {**given["headers"], "Content-Type": "application/json", "Connection": "close"}
        response = super().request(
            method,
            url,
            data=orjson.dumps(given["json"]),
            headers=headers,
            timeout=given["timeout"],
            allow_redirects=False,
        )
        response.encoding = "utf-8"  # or postmarker's logging would guess it, slowly
        self._wire.answered(response)
        return response


class _Client(PostmarkClient):  # type: ignore[misc]
    """postmarker's client on a session of ours."""

    def __init__(self, url: str, token: str, timeout: float, wire: _Wire) -> None:
        self._own = _Session(wire)
        super().__init__(server_token=token, timeout=(timeout, timeout), root_api_url=url)

    @property
    def session(self) -> requests.Session:
        return self._own
