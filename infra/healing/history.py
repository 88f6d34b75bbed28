"""What Postmark tells about mails after they were sent, asked at a bounded rate."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

import httpx

from infra.postmark import SEARCH_PAGE, headers_of
from streams.effects.healing.ports import Page, Record
from streams.effects.metrics import HEAL_CALLS
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Sending

_PART: Final = 50
"""Messages of a batch at a time: each may need calls of its own."""
_PATHS: Final = {"Open": "opens", "Click": "clicks"}
_COUNTED: Final = {"Open": "Opens", "Click": "Clicks"}
_UNKNOWN_MESSAGE: Final = 701


class PostmarkHistory:
    """The MailHistory. Thread-safe; all threads together make `rate` calls a second, 0: any."""

    def __init__(self, url: str, rate: float, timeout: float = 15.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)
        self._interval = 1 / rate if rate else 0.0
        self._lock = threading.Lock()
        self._free_at = 0.0

    # --- everything of a server ------------------------------------------------------------

    def daily(self, sending: Sending, kind: str, first: date) -> Mapping[date, int]:
        """Counts by day. Postmark tells every click there, and posts the first of each link."""
        found = self._get(sending, f"/stats/outbound/{_PATHS[kind]}", fromdate=first.isoformat())
        name = _COUNTED[kind] if kind == "Open" else "Unique"
        try:
            return {date.fromisoformat(d["Date"][:10]): int(d[name]) for d in found["Days"]}
        except (KeyError, TypeError, ValueError) as error:
            raise ProviderAwayError(f"statistics in an unknown shape: {error!r}") from error

    def reads(self, sending: Sending, kind: str, offset: int) -> Page:
        """A page of opens or clicks."""
        return self._page(sending, f"/messages/outbound/{_PATHS[kind]}", _named(kind), offset)

    def reads_of(self, sending: Sending, kind: str, message_id: str) -> Sequence[Record]:
        """Those of one message."""
        path = f"/messages/outbound/{_PATHS[kind]}/{message_id}"
        return self._page(sending, path, _named(kind), 0).items

    def bounces(self, sending: Sending, first: date, offset: int) -> Page:
        """A page of bounces and complaints."""
        return self._page(sending, "/bounces", "Bounces", offset, fromdate=first.isoformat())

    def bounces_of(self, sending: Sending, message_id: str) -> Sequence[Record]:
        """Those of one message."""
        return self._page(sending, "/bounces", "Bounces", 0, messageID=message_id).items

    def suppressions(
        self, sending: Sending, stream: str, first: date, recipient: str | None = None
    ) -> Sequence[Record]:
        """A stream's suppressions."""
        path = f"/message-streams/{stream}/suppressions/dump"
        who = {"EmailAddress": recipient} if recipient else {}
        return _items(self._get(sending, path, fromdate=first.isoformat(), **who), "Suppressions")

    # --- messages --------------------------------------------------------------------------

    def batch(self, sending: Sending, stream: str, batch_id: str, offset: int) -> Page:
        """A page of one batch's messages."""
        return self._page(
            sending, "/messages/outbound", "Messages", offset, _PART,
            messagestream=stream, metadata_batch_id=batch_id,
        )  # fmt: skip

    def messages_to(self, sending: Sending, stream: str, recipient: str) -> Sequence[Record]:
        """The newest messages to somebody."""
        return self._page(
            sending, "/messages/outbound", "Messages", 0, _PART,
            messagestream=stream, recipient=recipient,
        ).items  # fmt: skip

    def details(self, sending: Sending, message_id: str) -> Record | None:
        """One message with its events."""
        try:
            return self._get(sending, f"/messages/outbound/{message_id}/details")
        except ProviderRefusedError as error:
            if error.code == f"postmark_{_UNKNOWN_MESSAGE}":
                return None
            raise

    # --- calls -----------------------------------------------------------------------------

    def _page(
        self, sending: Sending, path: str, name: str, offset: int, count: int = SEARCH_PAGE,
        **query: str,
    ) -> Page:  # fmt: skip
        found = self._get(sending, path, count=str(count), offset=str(offset), **query)
        items = _items(found, name)
        total = found.get("TotalCount")
        if not isinstance(total, int):
            raise ProviderAwayError(f"{path}: no TotalCount")
        return Page(total, items)

    def _get(self, sending: Sending, path: str, **query: str) -> dict[str, Any]:
        """One call. A 429, a 5xx or no answer is ProviderAwayError, any other no a refusal."""
        self._wait()
        try:
            response = self._http.get(path, params=query, headers=headers_of(sending))
            found = response.json()
        except (httpx.HTTPError, ValueError) as error:
            HEAL_CALLS.labels("away").inc()
            raise ProviderAwayError(f"{path}: {error}") from error
        if response.is_success and isinstance(found, dict):
            HEAL_CALLS.labels("answered").inc()
            return found
        if 400 <= response.status_code < 500 and response.status_code != 429:
            HEAL_CALLS.labels("refused").inc()
            code = found.get("ErrorCode") if isinstance(found, dict) else None
            raise ProviderRefusedError(f"postmark_{code}", f"{path}: {response.text[:300]}")
        HEAL_CALLS.labels("away").inc()
        raise ProviderAwayError(f"{path}: HTTP {response.status_code}")

    def _wait(self) -> None:
        with self._lock:
            now = time.monotonic()
            start = max(now, self._free_at)
            self._free_at = start + self._interval
        time.sleep(start - now)

    def close(self) -> None:
        """Give up idle connections."""
        self._http.close()


def _named(kind: str) -> str:
    return _COUNTED[kind]


def _items(found: Mapping[str, Any], name: str) -> list[Record]:
    items = found.get(name)
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise ProviderAwayError(f"no list of {name} in the answer")
    return items
