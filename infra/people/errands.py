"""Errands: asked for in one transaction, done by the effects afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID, uuid4

import structlog

from infra.people.vault import LockedError, Vault
from infra.postgres import Connection
from streams.effects.errands import Errand, Kind

UNREADABLE: Final = timedelta(hours=1)
_log = structlog.get_logger()
CHANNEL: Final = "nudge_errands"
NO_SERVER: Final = "The product cannot mail: NUDGE_POSTMARK_SYSTEM_TOKEN is not set."
_ASKED: Final = """
    INSERT INTO state.errands (errand_id, organization_id, kind, sealed, asked_at)
    VALUES (%s, %s, %s, %s, %s)
"""
_TAKE: Final = """
    UPDATE state.errands SET attempts = attempts + 1, next_try = now() + interval '1 minute'
    WHERE errand_id = (SELECT errand_id FROM state.errands WHERE next_try <= now()
        ORDER BY next_try LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING errand_id, organization_id, kind, sealed, attempts - 1,
        extract(epoch FROM now() - handed_over_at)::double precision
"""
_HAND_OVER: Final = """
    UPDATE state.errands SET handed_over_at = now()
    WHERE errand_id = %s AND attempts = %s AND next_try > now() + %s RETURNING 1
"""
_POSTPONE: Final = """
    UPDATE state.errands SET next_try = now() + %s,
        handed_over_at = CASE WHEN %s THEN NULL ELSE handed_over_at END
    WHERE errand_id = %s AND attempts = %s
"""


def ask(
    connection: Connection,
    vault: Vault,
    organization_id: UUID,
    kind: Kind,
    details: Mapping[str, str],
    now: datetime,
) -> None:
    """Have it done, once the caller's transaction has committed."""
    errand_id = uuid4()
    sealed = vault.seal_fields(details, str(errand_id))
    connection.execute(_ASKED, (errand_id, organization_id, kind, sealed, now))


class PostgresErrandBook:
    """The errands in Postgres. Whoever takes one has it alone for a minute. Thread-safe.

    `call`: how long a call to the provider takes at most; a lease must outlast it.
    """

    def __init__(
        self,
        connections: Callable[[], AbstractContextManager[Connection]],
        vault: Vault,
        call: timedelta,
    ) -> None:
        self._connections = connections
        self._vault = vault
        self._call = call

    def take(self) -> Errand | None:
        """One that is due."""
        with self._connections() as connection:
            row = connection.execute(_TAKE).fetchone()
        if row is None:
            return None
        errand_id, organization_id, kind, sealed, attempts, handed_over_for = row
        try:
            details = self._vault.open_fields(sealed, errand_id)
        except LockedError:
            _log.error("an errand cannot be opened, and waits", errand=errand_id, kind=kind)
            self._put_off(errand_id, attempts + 1, UNREADABLE, not_sent=False)
            return None
        return Errand(errand_id, organization_id, kind, details, attempts, handed_over_for)

    def hand_over(self, errand: Errand) -> bool:
        """Note that the call starts now; False when the lease no longer outlasts it."""
        with self._connections() as connection:
            lease = (errand.errand_id, errand.attempts + 1, self._call)
            return connection.execute(_HAND_OVER, lease).fetchone() is not None

    def postpone(self, errand: Errand, delay: timedelta, *, not_sent: bool = False) -> None:
        """Look at it again later, unless somebody else has taken it meanwhile."""
        self._put_off(errand.errand_id, errand.attempts + 1, delay, not_sent=not_sent)

    def _put_off(self, errand_id: str, attempt: int, delay: timedelta, *, not_sent: bool) -> None:
        with self._connections() as connection:
            connection.execute(_POSTPONE, (delay, not_sent, errand_id, attempt))

    def done(self, errand: Errand) -> None:
        """Forget it."""
        with self._connections() as connection:
            connection.execute(
                "DELETE FROM state.errands WHERE errand_id = %s", (errand.errand_id,)
            )
