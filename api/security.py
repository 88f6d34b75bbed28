"""Security events of requests: what was refused, and what is recorded before it is given."""

from __future__ import annotations

import threading
from typing import Final
from uuid import UUID

import structlog
from prometheus_client import Counter
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection

from api.ports import Answer, CommandTransaction, Services
from domain.security.events import NOBODY, Fact, Kind
from domain.security.recording import record, record_once
from domain.shared.meta import Meta

_log = structlog.get_logger("api")
_EVENTS = Counter("nudge_security_events", "Security events seen, recorded or not.", ["kind"])
_REFUSED: Final[dict[int, Kind]] = {
    401: "token_refused",
    403: "permission_denied",
    429: "limit_reached",
}
MOST_AN_HOUR: Final = 1000
"""Different refusals that one process records an hour; a flood of more is only counted."""


def seen_by(
    connection: HTTPConnection,
    kind: Kind,
    *,
    subject: str = "",
    what: str = "",
    person: UUID | None = None,
) -> Fact:
    """A fact with where its request came from."""
    return Fact(kind, subject, what, person, _address(connection), _agent(connection))


def note(services: Services, fact: Fact, meta: Meta, once: str | None = None) -> None:
    """Record a fact in a transaction of its own, `once` at most. Blocks; raises as commands do.

    Use it where nothing else is written; inside a command use `domain.security.recording`.
    """

    _EVENTS.labels(fact.kind).inc()
    _append(services, fact, meta, once)


def _append(services: Services, fact: Fact, meta: Meta, once: str | None) -> None:
    def decide(tx: CommandTransaction) -> Answer:
        if once is None:
            record(tx, services.new_id(), fact, meta)
        else:
            record_once(tx, fact, meta, once)
        return Answer(204, None)

    services.commands.run_once(meta.organization_id, None, b"", decide)


class Refusals:
    """Records who was refused, as what and from where: once an hour each, so that whoever tries
    keys in a loop fills no log. Never makes an answer fail."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._hour = ""
        self._recorded: set[tuple[str, ...]] = set()
        self._lock = threading.Lock()

    async def note(self, connection: HTTPConnection, status: int, code: str) -> None:
        """The request is about to be answered with this status and problem code."""
        kind = _REFUSED.get(status)
        if kind is None or getattr(connection.state, "refusal_recorded", False):
            return
        _EVENTS.labels(kind).inc()
        try:
            await self._note(connection, kind, code)
        except Exception:  # noqa: BLE001 - the caller is refused whether or not it can be recorded
            _log.exception("a refusal was not recorded", kind=kind, what=code)

    async def _note(self, connection: HTTPConnection, kind: Kind, code: str) -> None:
        fact = seen_by(connection, kind, what=code)
        meta = self._meta(connection)
        whence = self._services.hash_address(fact.address).hex()[:16]
        once = f"{meta.now:%Y-%m-%dT%H}"
        refusal = (str(meta.organization_id), meta.actor, kind, code, whence)
        if not self._is_new(once, refusal):
            return
        try:
            await run_in_threadpool(_append, self._services, fact, meta, f"{once} {whence}")
        except Exception:
            self._recorded.discard(refusal)  # the next one tries again
            raise

    def _meta(self, connection: HTTPConnection) -> Meta:
        principal = getattr(connection.state, "principal", None)
        request_id = getattr(connection.state, "correlation_id", None) or self._services.new_id()
        return Meta(
            principal.organization_id if principal else NOBODY,
            principal.actor if principal else "anonymous",
            request_id,
            request_id,
            self._services.clock(),
        )

    def _is_new(self, hour: str, refusal: tuple[str, ...]) -> bool:
        with self._lock:
            if hour != self._hour:
                self._hour = hour
                self._recorded.clear()
            if refusal in self._recorded or len(self._recorded) >= MOST_AN_HOUR:
                return False
            self._recorded.add(refusal)
            return True


def _address(connection: HTTPConnection) -> str:
    return connection.client.host if connection.client else ""


def _agent(connection: HTTPConnection) -> str:
    return connection.headers.get("user-agent", "")
