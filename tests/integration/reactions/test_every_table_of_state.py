"""Somebody has decided about every table of `state`: when its rows go, or why they stay."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import psycopg
import pytest

from infra.settings import Settings
from streams.agents.retention import KEPT, RULES, WAITING_KEPT, Rule
from tests.conftest import fresh_database
from tests.support.services import Services

Connection = psycopg.Connection[tuple[Any, ...]]
TABLES = """
    SELECT 'state.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = 'state' AND c.relkind IN ('r', 'p') ORDER BY 1
"""


def undecided(
    connection: Connection, rules: Iterable[Rule] = RULES, kept: Mapping[str, str] = KEPT
) -> list[str]:
    """What nobody decided about, or decided twice, or that is not there; one line each."""
    there = {name for (name,) in connection.execute(TABLES).fetchall()}
    limited = {name for rule in rules if rule.kept for name in rule.tables}
    found = [f"{name}: no rule, no reason to keep it" for name in there - limited - {*kept}]
    found += [f"{name}: goes and is kept" for name in limited & {*kept}]
    found += [f"{name}: there is no such table" for name in (limited | {*kept}) - there]
    found += [f"{name}: no reason" for name, why in kept.items() if not why.strip()]
    return sorted(found)


@pytest.fixture(scope="module")
def owner_url(stack: Services) -> Iterator[str]:
    with fresh_database(stack) as database:
        yield database.owner_url


@pytest.fixture
def catalogue(owner_url: str) -> Iterator[Connection]:
    """The owner's connection; whatever a test plants is rolled back."""
    with psycopg.connect(owner_url) as connection, connection.transaction(force_rollback=True):
        yield connection


def test_every_table_of_state_goes_in_time_or_is_kept_for_a_reason(catalogue: Connection) -> None:
    assert undecided(catalogue) == []


def test_a_table_nobody_decided_about_is_found(catalogue: Connection) -> None:
    catalogue.execute("CREATE TABLE state.planted (id uuid)")
    assert undecided(catalogue) == ["state.planted: no rule, no reason to keep it"]


@pytest.mark.parametrize(
    ("planted", "said"),
    [
        ({"state.sessions": "for the fun of it"}, "state.sessions: goes and is kept"),
        ({"state.gone": "it was needed once"}, "state.gone: there is no such table"),
        ({"state.clock": ""}, "state.clock: no reason"),
    ],
)
def test_a_reason_that_is_none_is_found(
    catalogue: Connection, planted: dict[str, str], said: str
) -> None:
    assert undecided(catalogue, kept={**KEPT, **planted}) == [said]


def test_a_rule_that_is_taken_away_is_missed(catalogue: Connection) -> None:
    fewer = [rule for rule in RULES if "state.attempts" not in rule.tables]
    assert undecided(catalogue, fewer) == ["state.attempts: no rule, no reason to keep it"]


def test_a_webhook_waits_as_long_as_the_table_says() -> None:
    assert Settings.model_fields["unknown_message_wait"].default == WAITING_KEPT
