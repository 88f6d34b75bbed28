"""Connections to Postgres: pools, and the rule that ids are read as text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.adapt import Loader
from psycopg.conninfo import make_conninfo
from psycopg_pool import ConnectionPool

Connection = psycopg.Connection[tuple[Any, ...]]


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
        make_conninfo(url, application_name=application, connect_timeout=5), autocommit=autocommit
    )
    prepare_connection(connection)
    return connection


def make_pool(url: str, *, size: int, application: str) -> ConnectionPool[Connection]:
    """A pool of at most `size` connections, opened; checks a connection before handing it out."""
    return ConnectionPool(
        make_conninfo(url, application_name=application, connect_timeout=5),
        min_size=1,
        max_size=size,
        timeout=5.0,
        configure=prepare_connection,
        check=ConnectionPool.check_connection,
        kwargs={"autocommit": False},
        open=True,
        name=application,
    )


@contextmanager
def organization_transaction(
    pool: ConnectionPool[Connection], organization_id: str
) -> Iterator[Connection]:
    """A transaction that sees this organization only, whatever role the pool connects as."""
    with pool.connection() as connection, connection.transaction():
        connection.execute("SELECT set_config('nudge.organization', %s, true)", (organization_id,))
        yield connection
