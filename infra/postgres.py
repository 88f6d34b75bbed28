"""Connections to Postgres: pools, and the rule that ids are read as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[tuple[Any, ...]]

_LIVELINESS = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
"""A network that swallows everything is noticed within half a minute and not, as systems have it,
after two hours: so long a listener would hear of no erasure and keep the erased keys."""


class IdLoader(Loader):
    """Reads a uuid as text: outside aggregates, ids are text everywhere."""

    def load(self, data: bytes | bytearray | memoryview) -> str:
        """The 36 characters Postgres sends."""
        return bytes(data).decode()


def prepare_connection(connection: psycopg.Connection[Any]) -> None:
    """What every connection of ours has: ids as text."""
    connection.adapters.register_loader("uuid", IdLoader)


def connect(url: str, *, autocommit: bool = False, application: str = "nudge") -> Connection:
    """A single connection. Raises psycopg.OperationalError when Postgres is away."""
    connection = psycopg.connect(
        make_conninfo(url, application_name=application, **_LIVELINESS), autocommit=autocommit
    )
    prepare_connection(connection)
    return connection


def make_pool(
    url: str, *, size: int, application: str, longest: timedelta | None = None
) -> ConnectionPool[Connection]:
    """A pool of at most `size` connections, opened; checks a connection before handing it out.

    `longest`: a statement that takes longer is ended (psycopg.errors.QueryCanceled).
    """
    bound = {} if longest is None else {"options": _bounded(url, longest)}
    return ConnectionPool(
        make_conninfo(url, application_name=application, **_LIVELINESS, **bound),
        min_size=1,
        max_size=size,
        timeout=5.0,
        configure=prepare_connection,
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": False},
        open=True,
        name=application,
    )


def _bounded(url: str, longest: timedelta) -> str:
    """The server options of the address, and the longest a statement may take."""
    given = str(conninfo_to_dict(url).get("options") or "")
    return f"{given} -c statement_timeout={longest // timedelta(milliseconds=1)}".strip()


@contextmanager
def away_when_ended() -> Iterator[None]:
    """Whoever goes on after Postgres has ended its session, because it stood still with the log's
    lock, sees what it sees when the store is away: nothing was stored, and it may try again."""
    try:
        yield
    except psycopg.errors.IdleInTransactionSessionTimeout as error:
        raise psycopg.OperationalError(str(error)) from error


@contextmanager
def organization_transaction(
    pool: ConnectionPool[Connection], organization_id: str
) -> Iterator[Connection]:
    """A transaction that sees this organization only, whatever role the pool connects as."""
    with away_when_ended(), pool.connection() as connection, connection.transaction():
        connection.execute("SELECT set_config('nudge.organization', %s, true)", (organization_id,))
        yield connection
