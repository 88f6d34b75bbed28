"""News of a conversation's campaigns while somebody types: the WebSocket, in a thread."""

from __future__ import annotations

import json
import threading
from types import TracebackType

import structlog
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from infra.cli.chat_card import figures
from infra.cli.client import Connection

_log = structlog.get_logger("chat")


class LiveFigures:
    """The last figures of the campaigns shown in a conversation, as one line. A context manager."""

    def __init__(self, to: Connection, conversation_id: str) -> None:
        base = to.base_url.replace("http", "ws", 1)
        self._url = f"{base}/v1/ws?conversation_id={conversation_id}"
        self._headers = to.headers
        self._names: dict[str, str] = {}
        self._line = ""
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def __enter__(self) -> LiveFigures:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()

    def named(self, campaign_id: str, name: str) -> None:
        """How to call a campaign."""
        self._names[campaign_id] = name

    @property
    def line(self) -> str:
        """What is known now; empty as long as nothing was sent."""
        return self._line

    def _run(self) -> None:
        """Connects again when the line breaks: the server ends idle connections, too."""
        while not self._stop.is_set():
            try:
                self._listen()
            except (OSError, WebSocketException) as error:
                _log.debug("live figures are interrupted", reason=str(error))
            self._stop.wait(2)

    def _listen(self) -> None:
        with connect(self._url, additional_headers=self._headers, max_size=2**24) as socket:
            while not self._stop.is_set():
                try:
                    frame = json.loads(socket.recv(timeout=1))
                except TimeoutError:
                    continue
                if frame["type"] == "delivery_update":
                    name = self._names.get(frame["campaign_id"], "campaign")
                    self._line = figures(name, frame["metrics"])
