"""Opens and clicks in the deliveries view: judged whatever order they came in, and in SQL alike."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any

from domain.delivery.reading import AT_ONCE, MACHINES, MOST_JUDGED, TOGETHER, VERSION
from projections.clickhouse.migrate import FOLDER
from projections.postgres.counters import counts_of
from projections.postgres.views.deliveries import DeliveryRow, fold
from schemas.codec import to_datetime
from schemas.sealing import ERASED
from tests.support.histories import identity, make_event

STREAM = identity("delivery", 0)
DELIVERED = 1_767_603_600_000_000
MINUTE = 60_000_000
VIEWS = (FOLDER / "0003_readings.sql").read_text()


def folded(happenings: Iterable[tuple[str, dict[str, Any]]]) -> DeliveryRow:
    row: DeliveryRow | None = None
    events = [("DeliveryIntended", {}), ("DeliveryAccepted", {}), *happenings]
    for number, (event_type, fields) in enumerate(events, 1):
        row = fold(row, make_event(event_type, STREAM, number, number, kind="campaign", **fields))
    assert row is not None
    return row


def told(row: DeliveryRow) -> tuple[Any, ...]:
    return (row.opened, row.opened_by_machine, row.clicked, row.clicked_by_machine, row.readings,
            row.delivered_at, row.judged_by)  # fmt: skip


HAPPENINGS: list[tuple[str, dict[str, Any]]] = [
    ("Delivered", {"at": DELIVERED}),
    ("Opened", {"at": DELIVERED + 1, "agent": "ordinary"}),
    ("Opened", {"at": DELIVERED + MINUTE, "agent": "gmail_proxy"}),
    ("Clicked", {"at": DELIVERED + MINUTE, "agent": "ordinary"}),
    ("Clicked", {"at": DELIVERED + MINUTE + TOGETHER, "agent": "ordinary"}),
]


def test_any_order_gives_the_same_row() -> None:
    rows = {repr(told(folded(order))) for order in itertools.permutations(HAPPENINGS)}

    assert len(rows) == 1
    row = folded(HAPPENINGS)
    assert told(row)[:4] == (2, 1, 2, 2)
    assert (row.delivered_at, row.judged_by) == (to_datetime(DELIVERED), VERSION)


def test_both_counts_are_kept() -> None:
    counts = counts_of(folded(HAPPENINGS))

    assert (counts["opened"], counts["opened_unique"]) == (2, 1)
    assert (counts["opened_by_machine"], counts["opened_unique_by_people"]) == (1, 1)
    assert (counts["clicked"], counts["clicked_unique"]) == (2, 1)
    assert (counts["clicked_by_machine"], counts["clicked_unique_by_people"]) == (2, 0)


def test_what_is_judged_is_not_personal_so_an_erased_person_s_verdict_stays() -> None:
    sealed = {"user_agent": ERASED, "geo": ERASED}
    erased = [(t, {**f, **(sealed if t == "Opened" else {})}) for t, f in HAPPENINGS]

    assert told(folded(erased)) == told(folded(HAPPENINGS))


def test_a_delivery_that_was_never_read_was_never_judged() -> None:
    row = folded([("Delivered", {"at": DELIVERED})])

    assert (row.readings, row.judged_by) == (None, 0)


def test_only_the_earliest_readings_are_kept_in_whatever_order_they_come() -> None:
    opens = [("Opened", {"at": DELIVERED + n * MINUTE, "agent": "library"}) for n in range(130)]

    forward, backward = folded(opens), folded(reversed(opens))

    assert told(forward) == told(backward)
    assert (forward.opened, forward.opened_by_machine) == (130, MOST_JUDGED)
    assert forward.readings is not None
    assert len(forward.readings) == MOST_JUDGED


def test_the_rule_in_sql_has_the_same_list_and_the_same_times() -> None:
    (listed,) = re.findall(r"r\.3 IN \(([^)]*)\)", VIEWS)

    assert set(re.findall(r"'(\w+)'", listed)) == MACHINES
    assert f"delivered_us + {AT_ONCE})" in VIEWS
    assert f"<= {TOGETHER}," in VIEWS
    assert f"1, {MOST_JUDGED})" in VIEWS
    assert f"version {VERSION} of the rule" in VIEWS


def test_an_event_from_before_the_list_of_programs_is_judged_by_its_time() -> None:
    def opened(after: int) -> DeliveryRow:
        unknown = {"at": DELIVERED + after, "agent": "unknown"}
        return folded([("Delivered", {"at": DELIVERED}), ("Opened", unknown)])

    assert opened(1).opened_by_machine == 1
    assert opened(MINUTE).opened_by_machine == 0
