"""encryption: what it costs the projections that personal fields are sealed.

Ours against ours: the same events of the same people, once as they are and once in schemas whose
personal fields stand in plain text, through the projections' writer into Postgres. Everybody's key
is new to each run, so that looking it up and unwrapping it are counted.
"""

from __future__ import annotations

import json
import os
import random
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool

from infra.event_log import NewEvent
from infra.keys import SubjectKeys
from infra.local.secrets import ensure_secrets
from infra.master_keys import MasterKeys
from infra.postgres import connect, prepare_connection
from projections.batch import Batch, Record
from projections.postgres.view import View
from projections.postgres.views import contacts, deliveries
from projections.postgres.writer import ProjectionWriter
from schemas.codec import Codec
from schemas.registry import ROOT, Registry, Schema, default_registry, lock_new_schemas
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, in_turns, median
from tests.benchmarks.report import Figure, Report, at_most
from tests.benchmarks.stores import Database, new_database
from tests.benchmarks.workload import ORGANIZATION, delivery_events

ABOUT = """Delivery and contact events, decoded, folded and stored with the position by the
projections' writer, 2,000 a transaction: as they are, and the same events with their personal
fields in plain text. Nine pairs, the order in each the other way round than in the one before. The
cost is that of a pair, in time: median (lowest and highest). One delivery event in eight has
personal fields, which its view does not open; of the contact events each has, and each is opened;
the keys of all are read from Postgres and unwrapped in each run."""
_BATCH = 2_000
_EMPTY = "TRUNCATE views.deliveries, views.campaign_counters, views.contacts, state.positions"
_CONTENT = "SELECT md5(string_agg(t::text, '' ORDER BY id)) FROM views.{} AS t"


Keys = Mapping[str, bytes]


def run(bench: Bench) -> Report:
    """Measure."""
    count, rounds = (20_000, 1) if bench.quick else (100_000, 9)
    database = new_database(bench.services())
    master = MasterKeys.of_file(ensure_secrets(bench.folder / "keys").master_key_file, os.urandom)
    plain = plain_registry(bench.folder / "plain")
    people = [str(uuid.uuid4()) for _ in range(count // 2)]
    keys = _keys_of(database, master, people)
    both = "sealed", "plain"
    made: dict[View[Any], list[list[NewEvent]]] = {
        deliveries.VIEW: [delivery_events(count, registry=each) for each in (None, plain)],
        contacts.VIEW: [
            contact_events(people, registry, keys) for registry in (default_registry(), plain)
        ],
    }
    figures = []
    for view, events in made.items():
        bench.say(f"the {view.name} view, {count:,} events")
        course = _Course(database, master, view)
        runs = {
            name: partial(course.rate, registry, batches_of(each))
            for name, registry, each in zip(both, (default_registry(), plain), events, strict=True)
        }
        rates = in_turns(runs, rounds, bench.say)
        if len(course.contents) != 1:
            raise CannotMeasureError(f"sealed and plain events made different {view.name}")
        figures += _figures(view.name, rates)
    return Report("encryption", "Encryption", " ".join(ABOUT.split()), figures)


def _figures(view: str, rates: Mapping[str, list[float]]) -> list[Figure]:
    sealed, plain = rates["sealed"], rates["plain"]
    costs = tuple(100 * (bare / each - 1) for each, bare in zip(sealed, plain, strict=True))
    target = at_most(15) if view == deliveries.VIEW.name else None
    return [
        Figure(f"{view}, plain", median(plain), "events/s", runs=tuple(plain)),
        Figure(f"{view}, sealed", median(sealed), "events/s", runs=tuple(sealed)),
        Figure(f"time that encryption adds to {view}", median(list(costs)), "%", target, costs),
    ]


@dataclass
class _Course:
    """One view, filled again and again."""

    database: Database
    master: MasterKeys
    view: View[Any]
    contents: set[Any] = field(default_factory=set)

    def rate(self, registry: Registry, batches: Sequence[Batch]) -> float:
        """Events a second of the projections' writer on empty tables, with a new key ring."""
        with psycopg.connect(self.database.admin_url, autocommit=True) as admin:
            admin.execute(_EMPTY)
            admin.execute("CHECKPOINT")
        with ConnectionPool(
            self.database.worker_url, min_size=2, max_size=2, configure=prepare_connection
        ) as pool:
            pool.wait()
            ring = SubjectKeys(self.master, pool.connection, os.urandom)
            codec = Codec(registry, os.urandom)
            writer = ProjectionWriter(pool.connection, codec, ring, views=[self.view])
            began = time.perf_counter()
            for batch in batches:
                writer.handle(batch)
            took = time.perf_counter() - began
        with psycopg.connect(self.database.admin_url) as admin:
            self.contents.add(admin.execute(_CONTENT.format(self.view.name).encode()).fetchone())
        return sum(map(len, batches)) / took


def plain_registry(root: Path) -> Registry:
    """The product's schemas with every personal field as a plain one, written below `root`."""
    for source in ROOT.glob("avro/**/*.avsc"):
        schema = json.loads(source.read_text())
        if "fields" in schema:
            schema["fields"] = _opened(schema["fields"])
        target = root / source.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(schema))
    lock_new_schemas(root)
    return Registry(root)


def _opened(fields: list[Schema]) -> list[Schema]:
    """Fields with those beneath a `pii` field in its place."""
    opened: list[Schema] = []
    for each in fields:
        kind = each["type"]
        if "pii" in each:
            optional = each["pii"].get("optional", False)
            opened += [_nullable(inner) if optional else inner for inner in each["pii"]["fields"]]
        elif isinstance(kind, dict) and isinstance(items := kind.get("items"), dict):
            inner = {**items, "fields": _opened(items.get("fields", []))}
            opened.append({**each, "type": {**kind, "items": inner}})
        else:
            opened.append(each)
    return opened


def _nullable(field: Schema) -> Schema:
    kind = field["type"] if isinstance(field["type"], list) else ["null", field["type"]]
    return {**field, "type": kind}


def contact_events(people: Sequence[str], registry: Registry, keys: Keys) -> list[NewEvent]:
    """Everybody is added, then consents."""
    rng = random.Random(3)
    codec = Codec(registry, os.urandom)
    events = []
    for number, person in enumerate(people):
        address = rng.randbytes(32)
        added = {"address_hmac": address, "origin": "import", **_person(number)}
        consent = {"address_hmac": address, "status": "granted", "source": "import"}
        for version, (kind, data) in enumerate(
            [("ContactAdded", added), ("ConsentRecorded", {**consent, "given_at": None})], 1
        ):
            meta = {
                "event_id": str(uuid.UUID(int=rng.getrandbits(128), version=4)),
                "organization_id": ORGANIZATION,
                "stream_id": person,
                "stream_version": version,
                "occurred_at": 1_767_600_000_000_000 + number,
                "actor": "key:import",
                "correlation_id": ORGANIZATION,
                "causation_id": ORGANIZATION,
            }
            value = codec.encode(kind, meta, data, keys)
            events.append(NewEvent(person, version, kind, ORGANIZATION, value))
    return events


def _person(number: int) -> dict[str, Any]:
    return {
        "email": f"someone.{number}@example.com",
        "first_name": "Rosa",
        "last_name": f"Number {number}",
        "timezone": "Europe/Vienna",
        "attributes": json.dumps({"city": "Vienna", "last_purchase_at": "2026-09-14"}),
        "tags": ["regular"],
    }


def batches_of(events: Sequence[NewEvent]) -> list[Batch]:
    """The events as a partition of their topic would bring them."""
    topic = default_registry().topic_of[events[0].type]
    records = [
        Record(topic, 0, number, None, event.value, {"position": str(number + 1).encode()})
        for number, event in enumerate(events)
    ]
    return [
        Batch(topic, 0, tuple(records[first : first + _BATCH]))
        for first in range(0, len(records), _BATCH)
    ]


def _keys_of(database: Database, master: MasterKeys, people: Sequence[str]) -> Keys:
    """A key for everybody, stored as the product stores it."""
    with connect(database.worker_url) as connection:
        ring = SubjectKeys(master, lambda: connect(database.worker_url), os.urandom)
        return dict(ring.ensure(connection, dict.fromkeys(people, ORGANIZATION)))


BENCHMARK = Benchmark("encryption", "what sealed personal fields cost the projections", run)
