"""Reads as of a moment give what the read models said at that moment."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from projections.history.rows import (
    campaign_as_of,
    contact_as_of,
    conversation_as_of,
    delivery_as_of,
    metrics_as_of,
    workflow_as_of,
)
from projections.history.streams import LogHistories
from projections.postgres.counters import METRICS, counts_of
from tests.integration.history.conftest import Told
from tests.support.cold_replay import ColdReplay


def past(told: Told, connection: Any, position: int) -> LogHistories:
    core = told.story.api.worker

    def decode(conn: Any, values: Any, unsealed: bool) -> Any:
        return core.codec.decode_batch(values, core.keys.on(conn) if unsealed else None)

    return LogHistories(connection, decode, told.story.api.tenant.organization_id, position)


def without_marks(row: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if row is None else {k: v for k, v in row.items() if k not in ("erased", "items")}


def test_rows_as_of_random_positions_are_those_of_a_cold_replay(told: Told) -> None:
    story, rng = told.story, random.Random(5)
    core, rows = story.api.worker, story.rows()
    organization = story.api.tenant.organization_id
    for position in [*rng.sample(range(5, story.marks["told"]), 6), story.marks["told"]]:
        cold = ColdReplay.of(core.codec, core.keys, rows, organization, position)
        views = cold.views().rows

        def expected(
            view: str, key: str, views: dict[str, dict[str, Any]] = views
        ) -> dict[str, Any] | None:
            row = views[view].get(key)
            return row._asdict() if row else None

        with core.pool.connection() as connection:
            then = past(told, connection, position)
            for contact in [c for ids in story.people.values() for c in ids[:3]]:
                assert without_marks(contact_as_of(then, contact)) == expected("contacts", contact)
                delivery = story.delivery(told.main, contact)
                shown, _ = delivery_as_of(then, delivery)
                row = expected("deliveries", delivery)
                if row is not None:  # sealed fields are not read here, and none is in the row
                    assert without_marks(shown) == row
            for campaign in (told.main, *told.others.values()):
                row = expected("campaigns", campaign)
                assert without_marks(campaign_as_of(then, campaign)) == row
                if row is not None:
                    workflow = workflow_as_of(then, row["workflow_id"])
                    assert without_marks(workflow) == expected("workflows", row["workflow_id"])
                sums = dict.fromkeys(METRICS, 0)
                for delivery_row in views["deliveries"].values():
                    if delivery_row.campaign_id == campaign:
                        for name, count in counts_of(delivery_row).items():
                            sums[name] += count
                assert metrics_as_of(then, campaign) == sums
            talk = conversation_as_of(then, told.conversation)
            assert without_marks(talk) == expected("conversations", told.conversation)
            turns = list(views["turns"].values())
            if talk is not None:
                assert [turn["id"] for turn in talk["items"]] == [
                    turn.id for turn in sorted(turns, key=lambda turn: turn.number)
                ]


def get(told: Told, path: str, as_of: Any, **more: Any) -> Any:
    return told.story.api.get(path, params={"as_of": as_of}, **more)


def test_the_latest_moment_reads_as_the_read_models_do(told: Told) -> None:
    story = told.story
    contact = story.people["good"][0]
    delivery = story.delivery(told.main, contact)
    for path in (
        f"/v1/campaigns/{told.main}",
        f"/v1/contacts/{contact}",
        f"/v1/deliveries/{delivery}",
        f"/v1/conversations/{told.conversation}",
    ):
        now = story.api.get(path).json()
        then = get(told, path, story.position)
        assert then.status_code == 200, then.text
        assert then.headers["Nudge-As-Of"] == str(story.position)
        shown = then.json()
        shown.pop("erased", None)
        for other in (shown, now):  # who would get it is known only now
            other.get("audience", {}).pop("count", None)
            other.pop("forecast", None)
            other.pop("warnings", None)
        assert shown == now


def test_a_time_means_the_last_position_recorded_by_then(told: Told) -> None:
    story = told.story
    position = story.marks["expanded"]
    recorded = story.sql.execute(
        "SELECT recorded_at FROM log.events WHERE position = %s", (position,)
    ).fetchone()
    assert recorded is not None
    at: datetime = recorded[0]
    for moment in (at, at + timedelta(microseconds=1)):
        answer = get(told, f"/v1/campaigns/{told.main}", moment.isoformat())
        row = story.sql.execute(
            "SELECT max(position) FROM log.events WHERE recorded_at <= %s", (moment,)
        ).fetchone()
        assert row is not None
        assert answer.headers["Nudge-As-Of"] == str(row[0])
    assert answer.json()["metrics"]["intended"] > 200
    assert answer.json()["metrics"]["accepted"] == 0


def test_the_position_of_any_time_is_the_one_a_scan_finds(told: Told) -> None:
    story, rng = told.story, random.Random(3)
    rows = story.sql.execute(
        "SELECT position, recorded_at FROM log.events ORDER BY position"
    ).fetchall()
    for _ in range(200):
        _, at = rng.choice(rows)
        moment = at + timedelta(microseconds=rng.choice([-1, 0, 1, 500]))
        found = story.sql.execute("SELECT log.position_at(%s)", (moment,)).fetchone()
        assert found is not None
        assert found[0] == max((p for p, recorded in rows if recorded <= moment), default=0)


@pytest.mark.parametrize(
    ("as_of", "code"),
    [
        ("99999999", "as_of_in_future"),
        ("9" * 40, "as_of_in_future"),
        ((datetime.now(UTC) + timedelta(days=2)).isoformat(), "as_of_in_future"),
        ("0", "as_of_before_first_event"),
        ("2001-01-01T00:00:00Z", "as_of_before_first_event"),
        ("yesterday", "invalid_as_of"),
        ("2026-01-01T00:00:00", "invalid_as_of"),
        ("-3", "invalid_as_of"),
        ("1e3", "invalid_as_of"),
    ],
)
def test_a_moment_that_cannot_be_read_is_a_clear_error(told: Told, as_of: str, code: str) -> None:
    contact = told.story.people["good"][0]
    for path in (
        f"/v1/campaigns/{told.main}",
        f"/v1/contacts/{contact}",
        f"/v1/deliveries/{told.story.delivery(told.main, contact)}",
        f"/v1/conversations/{told.conversation}",
        f"/v1/deliveries/{told.story.delivery(told.main, contact)}/why",
    ):
        answer = get(told, path, as_of)
        assert answer.status_code == 422, answer.text
        assert answer.json()["code"] == code
        assert answer.json()["errors"][0]["field"] == "as_of"


def test_what_began_later_says_when_it_begins(told: Told) -> None:
    answer = get(told, f"/v1/campaigns/{told.main}", 3)
    assert answer.status_code == 404
    assert answer.json()["code"] == "not_there_yet"


def test_another_organization_finds_nothing_of_ours(told: Told) -> None:
    story = told.story
    other = story.api.new_tenant().api_key
    contact = story.people["good"][0]
    delivery = story.delivery(told.main, contact)
    for path in (
        f"/v1/campaigns/{told.main}",
        f"/v1/contacts/{contact}",
        f"/v1/deliveries/{delivery}",
        f"/v1/conversations/{told.conversation}",
        f"/v1/deliveries/{delivery}/why",
    ):
        answer = get(told, path, story.marks["told"], key=other)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
    asked = story.api.get(
        f"/v1/campaigns/{told.main}/why-not", params={"contact_id": contact}, key=other
    )
    assert (asked.status_code, asked.json()["code"]) == (404, "not_found")
