"""The writer on a database of its own, and that database as other logins see it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from infra.postgres import Connection, connect, make_pool
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Codec
from schemas.registry import default_registry
from tests.conftest import Database
from tests.support.histories import TestKeys


@pytest.fixture(scope="session")
def codec() -> Codec:
    return Codec(default_registry(), random.Random(7).randbytes)


@pytest.fixture
def writer(database: Database, codec: Codec) -> Iterator[ProjectionWriter]:
    pool = make_pool(database.worker_url, size=4, application="projections")
    yield ProjectionWriter(pool.connection, codec, TestKeys())
    pool.close()


@pytest.fixture
def worker(database: Database) -> Iterator[Connection]:
    connection = connect(database.worker_url, autocommit=True)
    yield connection
    connection.close()
