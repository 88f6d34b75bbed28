"""Shared fixtures: real stores once per session, a database and a topic prefix per test."""

from __future__ import annotations

import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import psycopg
import pytest
import structlog
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from pytest_socket import disable_socket, enable_socket

from infra.database import make_database, migrate
from tests.support.services import Services, start_services

if TYPE_CHECKING:
    from streams.recognition.offline import OfflineRecognizer

# How long an example takes says something about the machine, and nothing about the code.
hypothesis.settings.register_profile(
    "untimed", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("untimed")

# What a process logs is no part of what a command prints in the same process.
structlog.configure(logger_factory=lambda *_: structlog.PrintLogger(sys.stderr))

_WITH_SERVICES = ("integration", "e2e", "chaos", "benchmarks")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in these folders need services; all others run with sockets blocked."""
    for item in items:
        folder = Path(item.path).relative_to(Path(__file__).parent).parts[0]
        if folder in _WITH_SERVICES:
            item.add_marker("services")
        if folder == "chaos":
            item.add_marker("chaos")
        if folder == "benchmarks":
            item.add_marker("benchmark")


@pytest.fixture(autouse=True)
def _sockets_only_for_services(request: pytest.FixtureRequest) -> Iterator[None]:
    if "services" in request.keywords:
        yield
        return
    disable_socket(allow_unix_socket=True)
    try:
        yield
    finally:
        enable_socket()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Services]:
    """Postgres, Kafka and the ClickHouse engine, started once."""
    services = start_services(tmp_path_factory.mktemp("services"), synced=False)
    yield services
    services.stop()


@pytest.fixture(scope="session")
def offline() -> OfflineRecognizer:
    """The real recogniser, trained once."""
    from streams.recognition.cache import MODELS  # a second that few tests need
    from streams.recognition.offline import OfflineRecognizer

    return OfflineRecognizer.load(MODELS)


@dataclass(frozen=True)
class Database:
    """A fresh, migrated database: one URL per login."""

    owner_url: str
    worker_url: str
    api_url: str


@pytest.fixture
def topic_prefix() -> str:
    """A prefix that no other test uses."""
    return f"t{uuid.uuid4().hex[:10]}-"


@pytest.fixture
def database(stack: Services) -> Iterator[Database]:
    """A database of its own, dropped afterwards."""
    with fresh_database(stack) as made:
        yield made


@contextmanager
def fresh_database(stack: Services) -> Iterator[Database]:
    """The same for a fixture of another scope."""
    name = f"t_{uuid.uuid4().hex[:12]}"

    def at(url: str) -> str:
        return _with_database(url, name)

    urls = Database(
        at(stack.postgres_owner_url), at(stack.postgres_worker_url), at(stack.postgres_api_url)
    )
    template = _migrated(stack)
    with psycopg.connect(stack.postgres_admin_url, autocommit=True) as admin:
        owner = str(conninfo_to_dict(urls.owner_url)["user"])
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {} OWNER {}").format(
                *map(sql.Identifier, (name, template, owner))
            )
        )
        yield urls
        admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


_TEMPLATE = "t_migrated"
_TEMPLATES: set[str] = set()


def _migrated(stack: Services) -> str:
    """A database with everything migrated that others are copied from: a copy takes a tenth."""
    if stack.postgres_admin_url not in _TEMPLATES:
        logins = (stack.postgres_owner_url, stack.postgres_worker_url, stack.postgres_api_url)
        owner, *others = (_with_database(url, _TEMPLATE) for url in logins)
        make_database(stack.postgres_admin_url, owner, *others)
        migrate(owner)
        _TEMPLATES.add(stack.postgres_admin_url)
    return _TEMPLATE


def _with_database(url: str, name: str) -> str:
    assert conninfo_to_dict(url)["dbname"]
    return url.rsplit("/", 1)[0] + "/" + name


def api_connection(database: Database, organization_id: str) -> psycopg.Connection[object]:
    """A connection as the API's login, bound to one organization for its first transaction."""
    connection = psycopg.connect(make_conninfo(database.api_url))
    connection.execute("SELECT set_config('nudge.organization', %s, false)", (organization_id,))
    return connection
