"""The workers that fill a ClickHouse shadow: a module of few imports, because each reads it."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from infra.postgres import connect
from infra.rebuilding.processes import settled
from projections.clickhouse.connect import DATABASE
from projections.clickhouse.connect import connect as connect_clickhouse
from projections.clickhouse.inserts import Inserter
from projections.rebuild import records
from projections.rebuild.analytics_fill import Filler, fill_part, table_of
from schemas.codec import Codec
from schemas.registry import default_registry


@dataclass(frozen=True)
class AnalyticsAccess:
    """Where the log, the bookkeeping and ClickHouse are."""

    owner_url: str
    clickhouse: tuple[str, str, str]
    """URL, user name, password."""
    database: str = DATABASE

    def client(self) -> Client:
        """A ClickHouse client."""
        return connect_clickhouse(*self.clickhouse, database=self.database, timeout_seconds=120)


@dataclass(frozen=True)
class FillJob:
    """One share of a rebuild."""

    access: AnalyticsAccess
    name: str
    rebuild: records.Rebuild
    part: int


def fill(job: FillJob) -> None:
    """One share in a process of its own."""
    fill_one(job, settled())


def fill_one(job: FillJob, going_on: Callable[[], bool]) -> None:
    codec = Codec(default_registry(), os.urandom)
    with (
        connect(job.access.owner_url, application="nudge-rebuild") as conn,
        job.access.client() as client,
    ):
        inserter = Inserter(client)
        try:
            filler = Filler(conn, inserter, codec, table_of(codec, job.name))
            fill_part(conn, filler, job.rebuild, job.part, going_on)
        finally:
            inserter.close()
