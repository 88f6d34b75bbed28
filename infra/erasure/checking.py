"""Whether anything of an erased person is left: every store searched, and every trace judged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from infra.bootstrap import Core
from infra.erasure.certificate import EXPIRING, Erasure
from infra.erasure.needles import Needles, Person
from infra.erasure.stores import clickhouse, files, postgres, raw
from infra.erasure.stores.kafka import Topics
from infra.erasure.stores.trace import Trace
from infra.local.addresses import DATABASE
from infra.postgres import connect
from infra.preparation import clickhouse as clickhouse_client

Told = Callable[[str], None]
_OWN_STORES: Final = (
    "postgres", "kafka", "clickhouse", "sandbox", "keys", "erasures", "cache", "recognizer",
    "bench",
)  # fmt: skip
"""Folders of the data folder that are read otherwise, or hold no content of ours."""
_EXPIRES: Final = {where: after for where, _, after in EXPIRING}


@dataclass
class Report:
    """`found` should not be there; `expiring` goes by itself; `later` came after the erasure."""

    found: list[Trace] = field(default_factory=list)
    expiring: list[Trace] = field(default_factory=list)
    later: list[Trace] = field(default_factory=list)
    searched: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def judge(self, found: Iterable[Trace], erasure: Erasure, now: datetime) -> None:
        """Put each trace where it belongs."""
        for trace in found:
            after = _EXPIRES.get(trace.store)
            if trace.position is not None and trace.position > erasure.position:
                self.later.append(trace)
            elif after is not None and (trace.at is None or now - trace.at < after):
                self.expiring.append(trace)
            else:
                self.found.append(trace)

    def as_dict(self) -> dict[str, Any]:
        """The report as JSON can say it."""
        return {
            "clean": not self.found,
            **{
                name: [
                    {"store": each.store, "place": each.place, "kind": each.kind}
                    for each in getattr(self, name)
                ]
                for name in ("found", "expiring", "later")
            },
            "searched": self.searched,
            "notes": self.notes,
        }


def person_of(erasure: Erasure, known: Mapping[str, Any]) -> Person:
    """Who to look for: the certificate's hashes, and strings that somebody gives."""
    return Person(
        erasure.organization_id,
        erasure.contact_id,
        frozenset(erasure.addresses),
        references=erasure.references,
        **known,
    )


@dataclass(frozen=True)
class Check:
    """One search through everything. `folders`: exports and the like, outside the data folder."""

    core: Core
    erasure: Erasure
    needles: Needles
    folders: tuple[Path, ...] = ()

    def run(self, now: datetime, told: Told, *, with_raw_files: bool = True) -> Report:
        """Search; `told` hears what is being read. Raises what a store raises that is away."""
        report = Report()
        for store, found in self._stores(told, report, with_raw_files=with_raw_files):
            told(store)
            report.judge(found, self.erasure, now)
            report.searched.append(store)
        return report

    def _stores(
        self, told: Told, report: Report, *, with_raw_files: bool
    ) -> Iterator[tuple[str, Iterable[Trace]]]:
        yield from self._postgres()
        yield from self._kafka()
        yield from self._clickhouse()
        yield from self._files()
        if with_raw_files:
            yield from self._raw(told, report)

    def _postgres(self) -> Iterator[tuple[str, Iterable[Trace]]]:
        keys = self.core.keys
        with connect(self.core.addresses.postgres_owner_url) as connection:
            log = postgres.in_log(connection, self.core.codec, keys, self.needles)
            yield "postgres:log.events", log
            for schema, table in postgres.tables(connection):
                found = postgres.in_table(connection, schema, table, keys, self.needles)
                yield f"postgres:{schema}.{table}", found

    def _kafka(self) -> Iterator[tuple[str, Iterable[Trace]]]:
        addresses, prefix = self.core.addresses, self.core.settings.topic_prefix
        with Topics(addresses.kafka_bootstrap, prefix, self.core.codec, self.core.keys) as topics:
            for topic in topics.names():
                yield f"kafka:{topic.removeprefix(prefix)}", topics.search(topic, self.needles)

    def _clickhouse(self) -> Iterator[tuple[str, Iterable[Trace]]]:
        with clickhouse_client(self.core.addresses) as client:
            for database, table in clickhouse.tables(client):
                found = clickhouse.in_table(client, database, table, self.needles)
                yield f"clickhouse:{database}.{table}", found

    def _files(self) -> Iterator[tuple[str, Iterable[Trace]]]:
        data = self.core.addresses.data_dir
        others = tuple(data / name for name in _OWN_STORES)
        yield f"files:{data}", files.in_folder(data, self.needles, but=others)
        for folder in self.folders:
            yield f"files:{folder}", files.in_folder(folder, self.needles)

    def _raw(self, told: Told, report: Report) -> Iterator[tuple[str, Iterable[Trace]]]:
        admin = self.core.addresses.postgres_admin_url
        if admin is None:
            report.notes.append("Postgres is not the embedded one: its files were not read")
            return
        database = self.core.addresses.postgres_owner_url.rsplit("/", 1)[1]
        needles = self.needles
        if others := self._others():
            report.notes.append(
                f"{others} other contacts have the same address or name, in the clear in their "
                "rows: Postgres's files were searched for the key and other strings only"
            )
            needles = Needles(_without_addresses(needles.person), needles.hash_address)
        try:
            raw.give_up_the_dead(admin, database or DATABASE, told)
            yield "postgres:files", raw.search(raw.files(admin, database or DATABASE), needles)
        except raw.RawFilesUnavailableError as error:
            report.notes.append(f"Postgres's files were not read: {error}")

    def _others(self) -> int:
        """Contacts that are there and share an address or a full name with the person."""
        names = [f"{first} {last}".lower() for first, last in self.needles.person.names]
        with connect(self.core.addresses.postgres_owner_url) as connection:
            row = connection.execute(
                "SELECT count(*) FROM views.contacts WHERE id <> %s AND NOT deleted"
                " AND (address_hmac = ANY(%s) OR lower(first_name || ' ' || last_name) = ANY(%s))",
                (self.erasure.contact_id, list(self.erasure.addresses), names),
            ).fetchone()
        return int(row[0]) if row else 0


def _without_addresses(person: Person) -> Person:
    texts = tuple(text for text in person.texts if "@" not in text)
    return replace(person, address_hashes=frozenset(), names=(), texts=texts)
