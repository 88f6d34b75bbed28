"""What the projections stored outlives a Postgres that is killed: they have read on by then."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from infra.database import make_database, migrate
from infra.local.addresses import Addresses, resolve
from infra.postgres import connect, make_pool
from infra.settings import Settings
from projections.postgres.views import ALL_VIEWS
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Codec
from tests.integration.projections.test_writer import deliver, rows_of
from tests.support.histories import TestKeys, history
from tests.support.memory_views import views_after
from tests.support.services import (
    environment_of,
    postgres_answers,
    settings_on_free_ports,
    wait_for,
)


@contextmanager
def a_postgres(settings: Settings, addresses: Addresses) -> Iterator[None]:
    """One of its own; killed when the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "infra.local.postgres"],
        env=environment_of(settings),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = str(addresses.postgres_admin_url)
        wait_for("postgres", lambda: postgres_answers(url))
        yield
    finally:
        process.kill()
        process.wait()


def test_what_a_batch_stored_outlives_a_killed_postgres(codec: Codec, tmp_path: Path) -> None:
    settings = settings_on_free_ports(tmp_path / "data")
    addresses = resolve(settings)
    events = history(random.Random(3), streams=20, longest=6)
    with a_postgres(settings, addresses):
        logins = (addresses.postgres_worker_url, addresses.postgres_api_url)
        make_database(str(addresses.postgres_admin_url), addresses.postgres_owner_url, *logins)
        migrate(addresses.postgres_owner_url)
        pool = make_pool(addresses.postgres_worker_url, size=2, application="projections")
        deliver(
            ProjectionWriter(pool.connection, codec, TestKeys()), codec, events, random.Random(3)
        )
    pool.close()

    with a_postgres(settings, addresses), connect(addresses.postgres_worker_url) as worker:
        expected = views_after(events)
        for view in ALL_VIEWS:
            assert rows_of(worker, view) == expected.rows[view.name], view.name
