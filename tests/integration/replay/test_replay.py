"""A replay gives what the log holds, wherever it is read and wherever it goes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fastavro import reader

from infra.webhook_door import KafkaWebhookIntake
from tests.support.installation import Installation
from tests.support.relaying import records_on


def log_of(told: Installation) -> list[tuple[int, str, str, str]]:
    """Position, type, stream and organization of everything, in order."""
    return told.story.sql.execute(
        "SELECT position, type, stream_id, organization_id FROM log.events ORDER BY position"
    ).fetchall()


def replayed(told: Installation, *arguments: str) -> list[dict[str, Any]]:
    shown = told.run("replay", "--json", *arguments)
    assert shown.exit_code == 0, shown.output
    return [json.loads(line) for line in shown.stdout.splitlines()]


def in_short(lines: list[dict[str, Any]]) -> list[tuple[int, str, str, str]]:
    return [
        (line["position"], line["type"], line["stream"], line["organization_id"]) for line in lines
    ]


@pytest.mark.parametrize("source", ["log", "kafka"])
def test_everything_comes_once_and_in_order(told: Installation, source: str) -> None:
    assert in_short(replayed(told, "--source", source)) == log_of(told)


@pytest.mark.parametrize("source", ["log", "kafka"])
def test_a_part_by_positions_is_that_part(told: Installation, source: str) -> None:
    wanted = [row for row in log_of(told) if 30 <= row[0] <= 90]
    bounds = ("--from", "30", "--to", "90")
    assert in_short(replayed(told, "--source", source, *bounds)) == wanted


@pytest.mark.parametrize("source", ["log", "kafka"])
def test_a_part_by_time_begins_with_what_was_recorded_then(told: Installation, source: str) -> None:
    position = told.story.marks["drafted"]
    row = told.story.sql.execute(
        "SELECT recorded_at FROM log.events WHERE position = %s", (position,)
    ).fetchone()
    assert row is not None
    wanted = [each for each in log_of(told) if each[0] >= position]
    found = in_short(replayed(told, "--source", source, "--from", row[0].isoformat()))
    assert found == wanted


@pytest.mark.parametrize("source", ["log", "kafka"])
def test_filters_leave_what_they_name(told: Installation, source: str) -> None:
    everything, story = log_of(told), told.story
    contact = story.people["good"][0]
    registry = story.api.worker.codec.registry
    for arguments, wanted in (
        (("--type", "Delivered"), [r for r in everything if r[1] == "Delivered"]),
        (("--stream", contact), [r for r in everything if r[2] == contact]),
        (
            ("--topic", "campaign-events"),
            [r for r in everything if registry.topic_of[r[1]] == "campaign-events"],
        ),
        (
            ("--organization", story.api.tenant.organization_id),
            [r for r in everything if r[3] == story.api.tenant.organization_id],
        ),
    ):
        assert wanted
        assert in_short(replayed(told, "--source", source, *arguments)) == wanted


def test_personal_fields_stay_sealed(told: Installation) -> None:
    shown = told.run("replay", "--json")
    assert "@example.com" not in shown.stdout
    assert "Win back Vienna" not in shown.stdout


def test_a_file_that_was_begun_is_gone_on_with(told: Installation, tmp_path: Path) -> None:
    for name in ("all.ndjson", "all.avro"):
        path = tmp_path / name
        first = told.run("replay", "--to", "50", "--file", str(path))
        assert first.exit_code == 0, first.output
        assert "what follows begins at 51" in first.output
        refused = told.run("replay", "--file", str(path))
        assert refused.exit_code == 1
        assert "--append" in refused.output
        rest = told.run("replay", "--append", "--file", str(path), "--json")
        assert rest.exit_code == 0, rest.output
        assert json.loads(rest.stdout)["records"] == len(log_of(told)) - 50
    lines = [json.loads(line) for line in (tmp_path / "all.ndjson").read_text().splitlines()]
    assert in_short(lines) == log_of(told)
    with (tmp_path / "all.avro").open("rb") as file:
        found: list[Any] = list(reader(file, return_record_name=True))
    assert [each["position"] for each in found] == [row[0] for row in log_of(told)]
    assert [each["event"][0] for each in found] == [f"nudge.{row[1]}" for row in log_of(told)]


def test_a_new_topic_holds_the_same_records_also_when_it_was_made_in_two_parts(
    told: Installation,
) -> None:
    name = f"{told.prefix}replayed"
    assert told.run("replay", "--to", "77", "--to-topic", name).exit_code == 0
    refused = told.run("replay", "--to-topic", name)
    assert (refused.exit_code, "--append" in refused.output) == (1, True)
    assert told.run("replay", "--append", "--to-topic", name, "--source", "kafka").exit_code == 0

    found = sorted(records_on(told.stack.kafka_bootstrap, "", name), key=lambda each: each[1])

    rows = told.story.sql.execute(
        "SELECT position, stream_id, bytes FROM log.events ORDER BY position"
    ).fetchall()
    assert [each[1:] for each in found] == [(p, s, bytes(v)) for p, s, v in rows]
    places: dict[str, set[int]] = {}
    for partition, _, key, _ in found:
        places.setdefault(key, set()).add(partition)
    assert all(len(partitions) == 1 for partitions in places.values())


def test_a_topic_of_the_product_or_of_others_is_never_written_to(told: Installation) -> None:
    for name in (f"{told.prefix}delivery-events", "delivery-events", "relay-position"):
        refused = told.run("replay", "--append", "--to-topic", name)
        assert refused.exit_code == 1
        assert "a replay makes one of its own" in refused.output


async def test_raw_webhooks_come_as_they_were_posted(told: Installation) -> None:
    organization = told.story.api.tenant.organization_id
    with KafkaWebhookIntake(told.stack.kafka_bootstrap, told.prefix) as intake:
        await intake.put(organization, b'{"a":1}')
    (line,) = replayed(told, "--source", "kafka", "--topic", "postmark-webhooks")
    assert line["headers"]["organization"] == told.story.api.tenant.organization_id
    assert line["value"] == "eyJhIjoxfQ=="
    late = ("--from", "2100-01-01T00:00:00Z")
    assert replayed(told, "--source", "kafka", "--topic", "postmark-webhooks", *late) == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--type", "Nonsense"), "no event type Nonsense"),
        (("--topic", "nonsense"), "nonsense is no topic"),
        (("--source", "kafka", "--topic", "nonsense"), "no topic nonsense"),
        (("--from", "yesterday"), "neither a position nor a time"),
        (("--append",), "--append goes on with a file or topic"),
        (("--file", "x.txt"), ".ndjson or .avro"),
        (("--file", "x.avro", "--to-topic", "y"), "not both"),
        (
            ("--source", "kafka", "--topic", "postmark-webhooks", "--topic", "contact-events"),
            "no common order",
        ),
        (("--source", "kafka", "--topic", "postmark-webhooks", "--from", "5"), "give times"),
    ],
)
def test_what_cannot_be_replayed_is_one_clear_line(
    told: Installation, arguments: tuple[str, ...], says: str
) -> None:
    refused = told.run("replay", *arguments)
    assert refused.exit_code == 1, refused.output
    assert says in refused.output
