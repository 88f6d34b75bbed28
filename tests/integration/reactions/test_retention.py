"""What is kept goes when its time is over, though nobody asks for it again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from domain.shared.retention import LOGS_KEPT
from schemas.topics import all_topics
from streams.agents.retention import RULES, overdue
from tests.integration.reactions.conftest import World

_KEPT = "INSERT INTO state.idempotency (organization_id, key, request_hash, created_at) VALUES"
_READ = "INSERT INTO state.personal_reads (organization_id, caller, day, what) VALUES"
_TESTS = "INSERT INTO state.test_sends (organization_id, day, used) VALUES"
SWEPT = [rule for rule in RULES if rule.swept]


def test_an_answer_is_kept_for_a_day_and_no_longer(world: World) -> None:
    for key, age in (("old", "25 hours"), ("new", "23 hours")):
        world.sql.execute(
            f"{_KEPT} (%s, %s, '', now() - %s::interval)".encode(), (world.organization, key, age)
        )

    world.run()

    assert world.rows("SELECT key FROM state.idempotency") == [("new",)]


@pytest.mark.parametrize("insert", [f"{_READ} (%s, 'key:1', now() - %s::interval, 'events')",
                                    f"{_TESTS} (%s, now() - %s::interval, 3)"])  # fmt: skip
def test_what_is_counted_by_day_goes_too(world: World, insert: str) -> None:
    for age in ("31 days", "0 days"):
        world.sql.execute(insert.encode(), (world.organization, age))
    assert sum(overdue(world.sql, rule) for rule in SWEPT) == 1

    world.run()

    assert sum(overdue(world.sql, rule) for rule in SWEPT) == 0
    table = insert.split()[2]
    assert world.rows(f"SELECT count(*) FROM {table}") == [(1,)]  # noqa: S608


def test_kafka_keeps_raw_webhooks_as_long_as_the_table_says() -> None:
    milliseconds = int(all_topics()["postmark-webhooks"].config["retention.ms"])
    said = {rule.kept for rule in RULES if "postmark-webhooks" in rule.where}
    assert said == {timedelta(milliseconds=milliseconds)}


def test_logs_are_kept_as_long_as_the_table_says() -> None:
    assert [rule.kept for rule in RULES if rule.data == "log entries"] == [LOGS_KEPT]


def test_every_swept_rule_says_how_long_and_by_which_column() -> None:
    assert all(rule.kept and rule.column for rule in SWEPT)
    assert all(rule.data and rule.where and rule.ends for rule in RULES)
