"""The HTTP server's protocol with bounded request heads: neither endless nor slow ones.

uvicorn's own neither counts the bytes of a head nor watches how long it takes to come.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 64 * 1024
_TOO_LARGE: Final = b"HTTP/1.1 431 Request Header Fields Too Large"
_TOO_SLOW: Final = b"HTTP/1.1 408 Request Timeout"


class BoundedHeads(HttpToolsProtocol):
    """A connection whose requests must begin in time. `wait` in seconds."""

    wait: float = 30.0

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._alarm: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_alarm()

    def connection_lost(self, exc: Exception | None) -> None:
        self._clear_alarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head or self.cycle is None or self.cycle.response_complete:
            self._head_bytes += len(data)
            self._set_alarm()
        super().data_received(data)
        if self._in_head and self._head_bytes > LARGEST_HEAD:
            self._refuse(_TOO_LARGE)

    def on_message_begin(self) -> None:
        self._in_head = True
        self._set_alarm()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._head_bytes = 0
        self._clear_alarm()
        super().on_headers_complete()

    def _set_alarm(self) -> None:
        if self._alarm is None:
            self._alarm = self.loop.call_later(self.wait, self._too_slow)

    def _too_slow(self) -> None:
        """An answer that is under way is not cut off by a next request that stops coming."""
        self._alarm = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._set_alarm()
        else:
            self._refuse(_TOO_SLOW)

    def _clear_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _refuse(self, status: bytes) -> None:
        self._clear_alarm()
        if not self.transport.is_closing():
            self.transport.write(status + b"\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self.transport.close()


def http_protocol(wait: float) -> type[BoundedHeads]:
    """The protocol for a server whose clients have `wait` seconds for a request's head."""
    return type("BoundedHeads", (BoundedHeads,), {"wait": wait})
