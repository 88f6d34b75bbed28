"""Slow-down after failures, counted in Postgres, so that every API process knows it."""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

from domain.people.decisions import Allowance, Attempts, counted, wait
from domain.people.errors import TooSoonError
from infra.postgres import Connection

_TAKEN = """
    INSERT INTO state.attempts (key, count, at) SELECT k, 0, %s FROM unnest(%s::bytea[]) AS u (k)
    ORDER BY k ON CONFLICT (key) DO UPDATE SET count = attempts.count
    RETURNING key, count, at
"""
_COUNTED = "UPDATE state.attempts SET count = %s, at = %s WHERE key = %s"


def network_of(host: str) -> str:
    """What counts as one place: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if address.version == 4:
        return str(address)
    return str(ipaddress.ip_network((address, 64), strict=False))


class AttemptCounter:
    """Counts attempts by keyed hash of what they are about. Thread-safe; blocks on Postgres."""

    def __init__(
        self, secret: bytes, connections: Callable[[], AbstractContextManager[Connection]]
    ) -> None:
        self._secret = secret
        self._connections = connections

    def key(self, kind: str, of: str) -> bytes:
        """Under what an attempt is counted."""
        return hmac.digest(self._secret, f"{kind}\0{of}".encode(), "sha256")

    def take(self, wanted: Mapping[bytes, Allowance], now: datetime) -> None:
        """Count one attempt under each key before it is made, so that a volley counts too.

        Raises TooSoonError, and counts nothing, when one of them has to wait.
        """
        with self._connections() as connection, connection.transaction():
            rows = connection.execute(_TAKEN, (now, sorted(wanted))).fetchall()
            found = {bytes(key): Attempts(count, at) for key, count, at in rows}
            longest = max(
                (wait(found[key], allowance, now) for key, allowance in wanted.items()),
                default=timedelta(),
            )
            if longest:
                raise TooSoonError(longest)
            for key, before in sorted(found.items()):
                after = counted(before, now)
                connection.execute(_COUNTED, (after.tries, after.last, key))

    def forgive(self, forgotten: Sequence[bytes], taken_back: Sequence[bytes] = ()) -> None:
        """It succeeded: forget some keys, and take one attempt back of others.

        Two transactions, neither of which waits for one key while it holds another.
        """
        with self._connections() as connection:
            connection.execute(
                "DELETE FROM state.attempts WHERE key = ANY(%s::bytea[])", (sorted(forgotten),)
            )
        with self._connections() as connection:
            connection.execute(
                "UPDATE state.attempts SET count = greatest(count - 1, 0)"
                " WHERE key = ANY(%s::bytea[])",
                (sorted(taken_back),),
            )
