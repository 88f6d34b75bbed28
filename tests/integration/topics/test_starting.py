"""`nudge topics`, and processes that start with the right prefix, the wrong one, or too early."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading

import psycopg
import pytest
from typer.testing import CliRunner, Result

from infra import topic_versions
from infra.cli.main import application
from infra.postgres import connect
from infra.preparation import prepare
from infra.run import ROLES
from infra.settings import load_settings
from infra.topic_versions import WrongTopicsError, hold_to_topics
from tests.conftest import Database
from tests.integration.topics.conftest import READ, Installation
from tests.support.services import free_port


def nudge(place: Installation, *arguments: str, prefix: str | None = None) -> Result:
    environment = {**place.environment(prefix), "COLUMNS": "200"}
    return CliRunner().invoke(
        application(["infra.cli.topics"]), ["topics", *arguments], env=environment
    )


def test_the_command_says_what_to_do_next(place: Installation) -> None:
    place.fill()
    place.consume(upto=READ)
    first, second = place.prefix, f"{place.prefix}two-"

    renewed = nudge(place, "renew", second)

    assert renewed.exit_code == 0, renewed.output
    assert f"{len(place.logged()):,} events on new topics" in renewed.stdout
    assert f"now set NUDGE_TOPIC_PREFIX={second} for every process" in renewed.stdout
    assert f"{first}delivery-events-dlq" in renewed.stdout
    again = nudge(place, "renew", second)
    assert (again.exit_code, again.stdout) == (1, "")
    assert len(again.stderr.splitlines()) == 1
    assert f"already: start every process with NUDGE_TOPIC_PREFIX={second}" in again.stderr
    listed = json.loads(nudge(place, "list", "--json").stdout)
    assert [each["prefix"] for each in listed["items"]] == [first, second]
    assert listed["in_use"] == second
    assert "not in use any more" in nudge(place, "list").stdout
    third = nudge(place, "renew", f"{first}three-", "--json", prefix=second)
    assert json.loads(third.stdout)["prefix"] == f"{first}three-"


def test_a_prefix_that_no_topic_can_have_is_refused(place: Installation) -> None:
    refused = nudge(place, "renew", "a/b")
    assert refused.exit_code == 2
    assert "letters, digits" in refused.stderr


@pytest.mark.parametrize("role", ["api", "relay"])
def test_a_process_with_another_prefix_ends_with_one_line(place: Installation, role: str) -> None:
    environment = {**os.environ, **place.environment(f"{place.prefix}wrong-")}
    environment |= {"NUDGE_API_PORT": str(free_port()), "NUDGE_METRICS_PORT": str(free_port())}

    ended = subprocess.run(
        [sys.executable, "-m", "infra.run", role],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )

    assert ended.returncode == 1
    last = ended.stderr.splitlines()[-1]
    assert last.startswith(f"{role}: NUDGE_TOPIC_PREFIX is '{place.prefix}wrong-', but")
    assert f"prefix '{place.prefix}': set it to that" in last


def test_stores_are_not_prepared_for_another_prefix(
    place: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in place.environment(f"{place.prefix}wrong-").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(WrongTopicsError, match="set it to that"):
        prepare(load_settings())


# --- the first start -----------------------------------------------------------------------


def in_use(database: Database) -> list[str]:
    with connect(database.owner_url) as connection:
        return [version.prefix for version in topic_versions.versions(connection)]


def test_the_first_prefix_is_taken_over_and_never_by_the_api(database: Database) -> None:
    stop = threading.Event()
    hold_to_topics(database.api_url, "of-the-api-", "api", stop)
    assert in_use(database) == []

    hold_to_topics(database.worker_url, "", "relay", stop)
    assert in_use(database) == [""]

    for role in ROLES:
        url = database.api_url if role == "api" else database.worker_url
        hold_to_topics(url, "", role, stop)
        with pytest.raises(WrongTopicsError):
            hold_to_topics(url, "other-", role, stop)
    assert in_use(database) == [""]


def test_while_postgres_is_away_the_api_starts_and_others_wait() -> None:
    stop, away = threading.Event(), f"postgresql://nobody@127.0.0.1:{free_port()}/none"
    hold_to_topics(away, "", "api", stop)

    waiting = threading.Thread(target=hold_to_topics, args=(away, "", "relay", stop))
    waiting.start()
    assert waiting.is_alive()
    stop.set()
    waiting.join(60)
    assert not waiting.is_alive()


def test_a_login_that_is_refused_is_told_at_once(database: Database) -> None:
    with pytest.raises(psycopg.OperationalError, match="does not exist"):
        hold_to_topics(f"{database.worker_url}_no_such", "", "relay", threading.Event())


def test_where_tables_are_not_made_yet_a_process_waits(database: Database) -> None:
    nothing_there = database.worker_url.rsplit("/", 1)[0] + "/postgres"
    over = threading.Event()
    over.set()
    hold_to_topics(nothing_there, "", "relay", over)
