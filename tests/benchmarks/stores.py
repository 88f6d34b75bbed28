"""The real stores for a benchmark: databases and topics of its own, with events in them."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from infra.database import make_database, migrate
from infra.event_log import MOST_EVENTS, NewEvent, append
from infra.kafka import create_topics
from infra.postgres import connect
from schemas.topics import all_topics
from tests.support.services import Services


@dataclass(frozen=True)
class Database:
    """A migrated database: one URL per login."""

    admin_url: str
    owner_url: str
    worker_url: str
    api_url: str


def new_database(services: Services) -> Database:
    """A database of its own."""
    name = f"bench_{uuid.uuid4().hex[:10]}"

    def at(url: str) -> str:
        return url.rsplit("/", 1)[0] + "/" + name

    owner = at(services.postgres_owner_url)
    worker, api = at(services.postgres_worker_url), at(services.postgres_api_url)
    make_database(services.postgres_admin_url, owner, worker, api)
    migrate(owner)
    return Database(at(services.postgres_admin_url), owner, worker, api)


def new_topics(services: Services) -> str:
    """All topics under a prefix of their own; the prefix."""
    prefix = f"b{uuid.uuid4().hex[:8]}-"
    create_topics(services.kafka_bootstrap, prefix, all_topics().values())
    return prefix


def fill_log(database: Database, events: Sequence[NewEvent]) -> None:
    """Append the events, and have Postgres know its table."""
    with connect(database.worker_url, autocommit=True) as connection:
        for first in range(0, len(events), MOST_EVENTS):
            append(connection, events[first : first + MOST_EVENTS])
    with psycopg.connect(database.owner_url, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE log.events")
