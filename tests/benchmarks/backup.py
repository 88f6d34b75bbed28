"""backup: how long a backup takes, and how long until a restored product could be started.

No peer and no target: the figures say what to expect. The log is filled with events of campaigns;
it is restored into an embedded stack of its own, whose Postgres and Kafka are started for it.
"""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from infra.backup.restoring import Restore, place_key_files, read_parts
from infra.backup.saving import Saved, back_up
from infra.backup.stores import running_stores
from infra.bootstrap import Core
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError
from tests.benchmarks.report import Figure, Report
from tests.benchmarks.stores import Database, fill_log, new_database
from tests.benchmarks.workload import delivery_events
from tests.support.services import Services, settings_on_free_ports

ABOUT = """A log of 200,000 events of campaigns backed up while Postgres runs, and restored into an
empty embedded stack: both parts checked, Postgres and Kafka started, tables made, everything
loaded, the whole log carried to Kafka, both stopped again. Once each. Lost in a disaster is what
happened after the backup began."""


def run(bench: Bench) -> Report:
    """Measure."""
    count = 40_000 if bench.quick else 200_000
    services = bench.services()
    database = new_database(services)
    bench.say(f"filling the log with {count:,} events")
    fill_log(database, delivery_events(count))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        bench.say("backing up")
        began = time.perf_counter()
        saved = _back_up(services, database, root)
        backup = time.perf_counter() - began
        bench.say("restoring")
        began = time.perf_counter()
        restored = _restore(root)
        restore = time.perf_counter() - began
    if not restored == saved.manifest.events == count:
        raise CannotMeasureError(f"{restored} of {count} events came back")
    figures = [
        Figure("backup", backup, "s"),
        Figure("backup", count / backup, "events/s"),
        Figure("size of the log's part", saved.log_bytes / 1e6, "MB"),
        Figure("restore, until the product can be started", restore, "s"),
        Figure("restore", count / restore, "events/s"),
    ]
    return Report("backup", "Backup and restore", " ".join(ABOUT.split()), figures)


def _back_up(services: Services, database: Database, root: Path) -> Saved:
    addresses = replace(
        services.addresses,
        postgres_owner_url=database.owner_url,
        postgres_worker_url=database.worker_url,
    )
    core = Core(services.settings, addresses, "cli")
    return back_up(core, root / "log", root / "keys", lambda _: None)


def _restore(root: Path) -> int:
    log, keys, data = root / "log", root / "keys", root / "new"
    manifest = read_parts(log, keys)
    names = ("secret.key", "master.key", "signing.key")
    place_key_files(log, keys, {name: data / "keys" / name for name in names})
    settings = settings_on_free_ports(data)
    core = Core.of(settings, "restore")
    with running_stores(settings, core.addresses):
        done = Restore(core, log, keys, manifest).run(lambda _: None)
        core.pool.close()
    return done.position


BENCHMARK = Benchmark("backup", "200,000 events backed up and restored", run)
