"""Connects to ClickHouse through its HTTP interface."""

from __future__ import annotations

import re
from typing import Final

import clickhouse_connect
from clickhouse_connect.driver.client import Client

DATABASE: Final = "nudge"
_PLAIN_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


def connect(
    url: str,
    username: str,
    password: str,
    *,
    database: str = DATABASE,
    timeout_seconds: int = 30,
) -> Client:
    """A client for `database`, made when it is not there; safe to use from several threads.

    Raises clickhouse_connect's OperationalError when nobody answers, DatabaseError for a wrong
    login, ValueError for a database name that is not plain lower-case text.
    """
    if not _PLAIN_NAME.fullmatch(database):
        raise ValueError(f"{database!r} is not a plain database name")
    client = clickhouse_connect.get_client(
        dsn=url,
        username=username,
        password=password,
        # Sessions would make the engine run this client's statements one after the other.
        autogenerate_session_id=False,
        connect_timeout=5,
        send_receive_timeout=timeout_seconds,
        compress=False,
    )
    client.command(f"CREATE DATABASE IF NOT EXISTS {database}")
    client.database = database
    return client
