"""Whether everything says what the log says: send ledger, read models, ClickHouse and Kafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from clickhouse_connect.driver.client import Client

from infra.bootstrap import Core
from infra.postgres import Connection
from projections.clickhouse.connect import connect
from projections.clickhouse.record_rows import SPECIAL
from projections.clickhouse.rows import events as event_rows
from projections.clickhouse.rows.fields import MOMENTS
from projections.postgres.counters import METRICS
from projections.postgres.view import View
from projections.postgres.views import ALL_VIEWS
from schemas.codec import Codec, Event
from schemas.ports import KeyRing
from tests.support.comparing import Difference, Entry, Rows, compared, grouped, one_each
from tests.support.kafka_truth import kafka_differences, read_kafka
from tests.support.ledger_truth import ledger_differences
from tests.support.memory_views import MemoryViews, views_after

# --- the log -------------------------------------------------------------------------------


def read_log(connection: Connection) -> list[Entry]:
    """Everything that was ever decided, in order of position."""
    rows = connection.execute(
        "SELECT position, stream_id, type, organization_id, bytes FROM log.events ORDER BY position"
    )
    return [
        Entry(position, stream_id, event_type, organization_id, bytes(value))
        for position, stream_id, event_type, organization_id, value in rows
    ]


def decoded(codec: Codec, log: Iterable[Entry], keys: KeyRing | None) -> list[Event]:
    """The events; with `keys` None as ClickHouse gets them, without personal data."""
    return codec.decode_batch([(entry.value, entry.position) for entry in log], keys)


# --- read models ---------------------------------------------------------------------------


def view_differences(connection: Connection, events: Sequence[Event]) -> list[Difference]:
    """Every row of every view, and every counter, against the folds over the whole log."""
    expected = views_after(events)
    found: list[Difference] = []
    for view in ALL_VIEWS:
        wanted = one_each(expected.rows[view.name])
        found += compared(f"views.{view.name}", wanted, _view_rows(connection, view))
    return found + _counter_differences(connection, expected)


def _view_rows(connection: Connection, view: View[Any]) -> Rows:
    rows = connection.execute(f"SELECT {', '.join(view.row._fields)} FROM views.{view.name}")  # noqa: S608
    key = view.row._fields.index(view.key)
    return grouped((row[key], view.row._make(row)) for row in rows)


def _counter_differences(connection: Connection, expected: MemoryViews) -> list[Difference]:
    """A step that counts nothing needs no row."""
    stored = connection.execute(
        f"SELECT campaign_id, step, organization_id, {', '.join(METRICS)} "  # noqa: S608
        "FROM views.campaign_counters"
    )
    found = grouped((row[:3], row[3:]) for row in stored if any(row[3:]))
    return compared("views.campaign_counters", one_each(expected.recounted()), found, METRICS)


# --- ClickHouse ----------------------------------------------------------------------------


def clickhouse_differences(client: Client, events: Sequence[Event]) -> list[Difference]:
    """Exactly one row per event (decoded without keys) in `events`, and what follows from it
    in the tables of single topics."""
    wanted = {e.position: event_rows.row(e) for e in events}
    found = _table_differences(client, event_rows.TABLE, event_rows.COLUMNS, wanted)
    for topic, special in SPECIAL.items():
        rows = {e.position: special.row(e) for e in events if e.topic == topic}
        wanted = {position: row for position, row in rows.items() if row is not None}
        found += _table_differences(client, special.table, special.columns, wanted)
    return found


def _table_differences(
    client: Client, table: str, columns: Sequence[str], wanted: Mapping[int, Sequence[Any]]
) -> list[Difference]:
    selected = ", ".join(map(_as_plain, columns))
    rows = client.query(f"SELECT {selected} FROM {table}").result_rows  # noqa: S608
    found = grouped((row[0], tuple(row)) for row in rows)
    expected = {
        position: [
            tuple(
                round(value * 1_000_000) if column in MOMENTS else value
                for column, value in zip(columns, row, strict=True)
            )
        ]
        for position, row in wanted.items()
    }
    return compared(f"clickhouse.{table}", expected, found, columns)


def _as_plain(column: str) -> str:
    """Ids as text and times as microseconds, as the row mappers have them."""
    if column.endswith("_id"):
        return f"toString({column})"
    return f"toUnixTimestamp64Micro({column})" if column in MOMENTS else column


# --- all of it -----------------------------------------------------------------------------


class Differences(NamedTuple):
    """What differs, store by store, and how many events were compared."""

    ledger: list[Difference]
    views: list[Difference]
    clickhouse: list[Difference]
    kafka: list[Difference]
    events: int

    @property
    def all(self) -> list[Difference]:
        return [*self.ledger, *self.views, *self.clickhouse, *self.kafka]

    @property
    def none(self) -> bool:
        return not self.all


def all_differences(core: Core) -> Differences:
    """Compare everything of one installation as it is now. `core` sees every organization."""
    at = core.addresses
    with core.pool.connection() as connection:
        log = read_log(connection)
        events = decoded(core.codec, log, core.keys)
        ledger = ledger_differences(connection, events)
        views = view_differences(connection, events)
    client = connect(at.clickhouse_url, at.clickhouse_username, at.clickhouse_password)
    try:
        clickhouse = clickhouse_differences(client, decoded(core.codec, log, None))
    finally:
        client.close()
    records = read_kafka(at.kafka_bootstrap, core.settings.topic_prefix)
    kafka = kafka_differences(log, records)
    return Differences(ledger, views, clickhouse, kafka, len(log))


def differences_at_rest(compare: Callable[[], Differences], seconds: float) -> Differences:
    """What still differs once everything had `seconds` to catch up."""
    deadline = time.monotonic() + seconds
    while not (found := compare()).none and time.monotonic() < deadline:
        time.sleep(1)
    return found


# --- a rule over the whole log -------------------------------------------------------------


def claims_of_the_silent(events: Iterable[Event]) -> list[Difference]:
    """Claims of campaign deliveries above the unsubscribe (or the like) of their contact."""
    silent: dict[tuple[str, str], Event] = {}
    found: list[Difference] = []
    for event in events:
        contact = event.data.get("contact_id") or event.stream_id
        match event.type, event.data:
            case (("AddressSuppressed" | "ContactDeleted"), _):
                silent[contact, "suppression"] = event
            case "AddressReactivated", _:
                silent.pop((contact, "suppression"), None)
            case "ConsentRecorded", {"status": "granted"}:
                silent.pop((contact, "consent"), None)
            case "ConsentRecorded", _:
                silent[contact, "consent"] = event
            case "DeliveryClaimed", {"kind": "campaign"}:
                for why in ("suppression", "consent"):
                    if (before := silent.get((contact, why))) is not None:
                        problem = f"claimed at {event.position}, {before.type} {before.position}"
                        found.append(Difference("log", contact, problem))
    return found
