"""Which topics the consumers' positions belong to, and that no process works on others.

A position is an offset of one version of the topics. On topics with another prefix a consumer
would leave out what it has not read, or read again what it has.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Final, NamedTuple

import psycopg
import structlog

from infra.postgres import Connection, connect
from infra.relay_leader import exit_at_once

LOCK: Final = 7305
"""Held while new topics are filled; who starts meanwhile is refused."""
_AGAIN: Final = 1.0
_VERSIONS: Final = "SELECT prefix, began_at FROM state.topic_versions ORDER BY number"
_ALONE: Final = "LOCK TABLE state.topic_versions IN SHARE ROW EXCLUSIVE MODE"
_RECORD: Final = "INSERT INTO state.topic_versions (prefix) VALUES (%s)"
_REFUSED: Final = ("authentication failed", "does not exist")
"""What Postgres says of a login that waiting does not help."""
_log = structlog.get_logger("topics")


class WrongTopicsError(Exception):
    """The positions belong to other topics than those of the configured prefix, or are about to."""


class Version(NamedTuple):
    """Topics that are or were in use."""

    prefix: str
    began_at: datetime


def versions(connection: Connection) -> list[Version]:
    """All of them; the positions belong to the last. Empty before the first start."""
    return [Version(*row) for row in connection.execute(_VERSIONS).fetchall()]


def record(connection: Connection, prefix: str) -> None:
    """From here on the positions belong to topics with this prefix. Raises UniqueViolation."""
    connection.execute(_RECORD, (prefix,))


def refuse_other_topics(connection: Connection, prefix: str, *, takes_over: bool = True) -> None:
    """Raises WrongTopicsError unless the positions belong to topics with this prefix.

    `takes_over`: where nothing is recorded yet, this prefix is, because it was in use till now.
    """
    with connection.transaction():
        free = connection.execute("SELECT pg_try_advisory_xact_lock_shared(%s)", (LOCK,)).fetchone()
        if free != (True,):
            raise WrongTopicsError("new topics are being filled: start when that has ended")
        known = versions(connection)
        if not known and takes_over:
            known = _first(connection, prefix)
    if known and known[-1].prefix != prefix:
        found = known[-1].prefix
        raise WrongTopicsError(
            f"NUDGE_TOPIC_PREFIX is '{prefix}', but the consumers' positions belong to topics with"
            f" the prefix '{found}': set it to that (nudge topics renew fills other topics)"
        )


def _first(connection: Connection, prefix: str) -> list[Version]:
    """Two that start at once with different prefixes do not both come in."""
    connection.execute(_ALONE)
    if not versions(connection):
        record(connection, prefix)
    return versions(connection)


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """Nobody starts meanwhile. `connection` is in autocommit. Raises WrongTopicsError."""
    if connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
        raise WrongTopicsError("new topics are being filled by another process")
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s)", (LOCK,))


def hold_to_topics(url: str, prefix: str, role: str, stop: threading.Event) -> None:
    """What a process asks before it begins; `url` is of the login it works with.

    While Postgres is away it waits, until `stop` at most. Only the API goes on, because it answers
    without Postgres too: it is ended a second after Postgres is back if it works on other topics.
    Until then it has no webhook credentials and lets no webhook in. Raises WrongTopicsError.
    """
    if not _asked(url, prefix, role):
        if role == "api":
            waits = threading.Thread(target=_ask_until_answered, args=(url, prefix, role, stop))
            waits.daemon = True
            waits.start()
            return
        while not stop.wait(_AGAIN) and not _asked(url, prefix, role):
            pass


def _asked(url: str, prefix: str, role: str) -> bool:
    """False when Postgres is away or has no tables yet. The API's login may not record anything."""
    try:
        with connect(url, autocommit=True, application="nudge-start") as connection:
            refuse_other_topics(connection, prefix, takes_over=role != "api")
    except psycopg.errors.UndefinedTable:
        _log.warning("the tables are not made yet")
        return False
    except psycopg.OperationalError as error:
        if any(said in str(error) for said in _REFUSED):
            raise
        _log.warning("Postgres is away", reason=" ".join(str(error).split()))
        return False
    return True


def _ask_until_answered(url: str, prefix: str, role: str, stop: threading.Event) -> None:
    try:
        while not stop.wait(_AGAIN) and not _asked(url, prefix, role):
            pass
    except WrongTopicsError as error:
        exit_at_once(f"{role}: {error}")
