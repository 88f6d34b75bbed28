"""The AsyncAPI document is valid, complete, and says what is on Kafka.

`asyncapi-3.0.0.schema.json` is the AsyncAPI Initiative's own JSON schema (`@asyncapi/specs` 6.11.1,
Apache-2.0, licence beside it).
"""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import fastavro
import pytest
from jsonschema import Draft7Validator
from typer.testing import CliRunner

from infra.cli.main import application
from schemas.asyncapi import document
from schemas.registry import default_registry, fingerprint
from schemas.topics import all_topics

VALIDATOR = Draft7Validator(
    json.loads((Path(__file__).parent / "asyncapi-3.0.0.schema.json").read_text())
)
DOCUMENT = document()


def resolve(reference: dict[str, str]) -> Any:
    """What a local reference points at."""
    found: Any = DOCUMENT
    for part in reference["$ref"].removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_the_document_satisfies_asyncapis_schema() -> None:
    assert [error.message for error in VALIDATOR.iter_errors(DOCUMENT)] == []


def _no_action(broken: dict[str, Any]) -> None:
    del broken["operations"]["relay-sends-campaign-events"]["action"]


def _no_partitions(broken: dict[str, Any]) -> None:
    broken["channels"]["campaign-events"]["bindings"]["kafka"]["partitions"] = 0


def _no_avro(broken: dict[str, Any]) -> None:
    payload = broken["components"]["messages"]["CampaignSent.v1"]["payload"]
    payload["schema"] = {"type": "record", "fields": 7}


@pytest.mark.parametrize("spoil", [_no_action, _no_partitions, _no_avro])
def test_the_schema_would_notice_a_wrong_document(spoil: Any) -> None:
    broken = copy.deepcopy(DOCUMENT)
    spoil(broken)
    assert not VALIDATOR.is_valid(broken)


def test_every_topic_and_dead_letter_topic_is_a_channel() -> None:
    topics = all_topics()
    expected = set(topics) | {t.dead_letters for t in topics.values() if t.dead_letters}
    assert set(DOCUMENT["channels"]) == expected
    for name, topic in topics.items():
        kafka = DOCUMENT["channels"][name]["bindings"]["kafka"]
        assert kafka["partitions"] == topic.partitions
        assert str(kafka["topicConfiguration"]["retention.ms"]) == topic.config["retention.ms"]


def test_every_event_is_a_message_of_its_topic_with_its_schema() -> None:
    for schema in default_registry().by_id.values():
        name = f"{schema.type}.v{schema.version}"
        message = resolve(DOCUMENT["channels"][schema.topic]["messages"][name])
        assert message["payload"]["schemaFormat"] == "application/vnd.apache.avro;version=1.9.0"
        published = message["payload"]["schema"]
        parsed: Any = fastavro.parse_schema(copy.deepcopy(published))
        assert parsed["name"] == schema.subject
        assert fingerprint(published) == fingerprint(schema.definition)
        assert message["x-schema-id"] == schema.schema_id
        assert message["headers"]["required"] == ["organization", "position", "type"]


def test_every_reference_leads_somewhere() -> None:
    for channel in DOCUMENT["channels"].values():
        assert all(resolve(server)["protocol"] == "kafka" for server in channel["servers"])
        assert all(resolve(message)["payload"] for message in channel["messages"].values())
    for operation in DOCUMENT["operations"].values():
        assert resolve(operation["channel"])["address"]


def test_who_sends_and_who_receives_is_in_the_topic_files() -> None:
    found = {(name.split("-")[0], o["action"]) for name, o in DOCUMENT["operations"].items()}
    expected = {("relay", "send"), ("api", "send")}
    expected |= {(role, "receive") for topic in all_topics().values() for role in topic.consumers}
    assert found == expected


def test_the_command_prints_it() -> None:
    result = CliRunner().invoke(application(), ["schemas", "asyncapi"])
    assert json.loads(result.output) == DOCUMENT
