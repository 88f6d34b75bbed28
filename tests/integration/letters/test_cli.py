"""`nudge dlq` over letters that are really on Kafka."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from infra.dead_letters import KafkaDeadLetters
from infra.postgres import connect
from infra.settings import load_settings
from infra.telemetry import pipeline_status
from projections.batch import Batch, Record
from tests.conftest import Database
from tests.support.installation import Installation, installed
from tests.support.services import Services


@pytest.fixture
def place(stack: Services, database: Database, topic_prefix: str) -> Iterator[Installation]:
    with installed(stack, database, topic_prefix) as made:
        yield made


def put_aside(place: Installation, event_type: str = "ConsentRecorded") -> Record:
    """The projections pass over one event, and its letter is on Kafka, twice: a crash between."""
    api = place.story.api
    found: Record | None = None
    for batch in place.story.batches.news():
        for record in batch.records:
            one = Batch(batch.topic, batch.partition, (record,))
            if record.headers["type"].decode() == event_type and found is None:
                api.writer.skip(one)
                found = record
            else:
                api.writer.handle(one)
    assert found is not None
    letters = KafkaDeadLetters(place.stack.kafka_bootstrap, place.prefix)
    for _ in range(2):
        letters.put(found, consumer="projections", reason="KeyError: 'x'", trace="a trace")
    return found


def contact_added(place: Installation) -> str:
    """A contact nobody has seen yet."""
    project, place.story.api.project = place.story.api.project, lambda: None  # type: ignore[method-assign]
    rest, place.story.rest = place.story.rest, lambda: None  # type: ignore[method-assign]
    place.story.batches.news()
    (contact,) = place.story.contacts("ada", 1)
    place.story.rest, place.story.api.project = rest, project  # type: ignore[method-assign]
    return contact


def listed(place: Installation) -> list[dict[str, Any]]:
    shown = place.run("dlq", "list", "--json")
    assert shown.exit_code == 0, shown.output
    items: list[dict[str, Any]] = json.loads(shown.stdout)["items"]
    return items


def open_letters(place: Installation) -> int:
    """What `nudge status` counts."""
    settings = load_settings(
        **{name.removeprefix("NUDGE_").lower(): value for name, value in place.environment.items()}
    )
    counts: dict[str, int] = pipeline_status(settings)["dead_letters"]
    return counts["contact-events-dlq"]


def consent_of(place: Installation, contact: str) -> str:
    with connect(place.environment["NUDGE_POSTGRES_WORKER_URL"]) as connection:
        row = connection.execute(
            "SELECT consent_status FROM views.contacts WHERE id = %s", (contact,)
        ).fetchone()
    assert row is not None
    return str(row[0])


def test_a_letter_is_listed_shown_retried_and_gone(place: Installation) -> None:
    contact = contact_added(place)
    record = put_aside(place)
    assert consent_of(place, contact) == "unknown"

    (item,) = listed(place)
    assert open_letters(place) == 1
    assert item["origin"] == f"contact-events:{record.partition}:{record.offset}"
    assert (item["consumer"], item["reason"]) == ("projections", "KeyError: 'x'")
    assert item["organization"] == place.story.api.tenant.organization_id
    assert item["letter"] == "contact-events:1"  # the newer one of two about the same
    assert "KeyError" in place.run("dlq", "list").output

    shown = json.loads(place.run("dlq", "show", item["letter"], "--json").stdout)
    assert (shown["trace"], shown["record"]["type"]) == ("a trace", "ConsentRecorded")
    assert shown["decisions"] == []

    retried = place.run("dlq", "retry", item["letter"])
    assert (retried.exit_code, retried.output.strip()) == (0, "contact-events:1 handled")

    assert consent_of(place, contact) == "granted"
    assert listed(place) == []
    assert open_letters(place) == 0
    again = place.run("dlq", "retry", "contact-events:0")
    assert (again.exit_code, "already_decided" in again.output) == (1, True)
    decided = json.loads(place.run("dlq", "show", "contact-events:0", "--json").stdout)
    assert [each["event"] for each in decided["decisions"]] == [
        "DeadLetterTakenUp", "DeadLetterRetried",
    ]  # fmt: skip
    assert decided["decisions"][0]["actor"].startswith("operator:")


def test_a_letter_is_dropped_with_a_reason(place: Installation) -> None:
    contact_added(place)
    put_aside(place)

    assert place.run("dlq", "drop", "--all").exit_code == 2  # --because is missing
    empty = place.run("dlq", "drop", "--all", "--because", "")
    assert (empty.exit_code, "reason_missing" in empty.output) == (1, True)
    dropped = place.run("dlq", "drop", "--all", "--because", "a test", "--json")

    assert json.loads(dropped.stdout)["items"][0]["outcome"] == "dropped"
    assert listed(place) == []


def test_what_was_decided_before_a_command_had_to_end_is_told(place: Installation) -> None:
    contact_added(place)
    put_aside(place)
    (item,) = listed(place)

    twice = place.run("dlq", "drop", item["letter"], item["letter"], "--because", "a test")

    assert twice.exit_code == 1
    assert f"{item['letter']} dropped" in twice.output
    assert "already_decided" in twice.output


def test_a_retry_that_fails_again_leaves_a_letter_with_the_new_reason(place: Installation) -> None:
    bad = Record("postmark-webhooks", 0, 0, None, b"no json", {"organization": b"x"})
    place.story.reactions.skip(Batch(bad.topic, 0, (bad,)))
    letters = KafkaDeadLetters(place.stack.kafka_bootstrap, place.prefix)
    letters.put(bad, consumer="reactions", reason="the first reason", trace="")

    retried = place.run("dlq", "retry", "--all", "--topic", "postmark-webhooks")

    assert retried.exit_code == 1
    assert "failed: UnreadableWebhookError" in retried.output
    (item,) = listed(place)
    assert item["letter"] == "postmark-webhooks:1"
    assert item["reason"].startswith("UnreadableWebhookError")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("retry",), "name letters, or say --all"),
        (("retry", "contact-events:0", "--all"), "name letters, or say --all"),
        (("retry", "contact-events:7"), "there is no letter contact-events:7"),
        (("show", "nonsense"), "no topic with dead letters"),
        (("show", "relay-position:1"), "no topic with dead letters"),
    ],
)
def test_what_cannot_be_decided_about_is_one_clear_line(
    place: Installation, arguments: tuple[str, ...], says: str
) -> None:
    refused = place.run("dlq", *arguments)
    assert refused.exit_code == 1
    assert says in refused.output


def test_a_letter_of_a_consumer_that_nobody_knows_can_only_be_dropped(place: Installation) -> None:
    contact_added(place)
    record = place.story.batches.news()[0].records[0]
    letters = KafkaDeadLetters(place.stack.kafka_bootstrap, place.prefix)
    letters.put(record, consumer="somebody", reason="x", trace="")

    refused = place.run("dlq", "retry", "--all")

    assert (refused.exit_code, "cannot be asked again" in refused.output) == (1, True)
    assert len(listed(place)) == 1
    assert place.run("dlq", "drop", "--all", "--because", "unknown").exit_code == 0
    assert listed(place) == []
