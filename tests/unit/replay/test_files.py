"""Files of a replay: any reader opens them, and a killed replay goes on behind what is whole."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastavro import reader

from infra.replay.records import Replayed, ReplayError
from infra.replay.to_file import AvroFile, NdjsonFile, mend
from infra.replay.to_topic import ensure_not_ours
from schemas.codec import Codec
from schemas.container import container_schema
from schemas.registry import default_registry
from tests.support.histories import STREAMS, encode, identity, make_event

CODEC = Codec(default_registry(), random.Random(1).randbytes)
REGISTRY = default_registry()
AT = datetime(2026, 1, 5, 9, tzinfo=UTC)


def every_type() -> list[Replayed]:
    """One record of every event type that histories make."""
    records: list[Replayed] = []
    for kind, types in STREAMS.items():
        stream = identity(kind)
        for version, name in enumerate(types, 1):
            position = len(records) + 1
            event = make_event(name, stream, version, position)
            value = encode(CODEC, event)
            records.append(Replayed(position, event.topic, 0, None, stream.encode(), {}, value, AT))
    return records


def types_of(records: list[Replayed]) -> list[str]:
    return [CODEC.decode(record.value, 0, None).type for record in records]


def read(path: Path) -> list[dict[str, Any]]:
    with path.open("rb") as file:
        return [dict(each) for each in reader(file, return_record_name=True)]  # type: ignore[arg-type]


def test_an_avro_file_holds_every_event_with_its_fields(tmp_path: Path) -> None:
    records, path = every_type(), tmp_path / "all.avro"
    out = AvroFile(path, REGISTRY, sorted(REGISTRY.versions))
    out.write(records)
    out.close()

    found = read(path)

    assert [each["position"] for each in found] == [record.position for record in records]
    assert [each["event"][0] for each in found] == [f"nudge.{name}" for name in types_of(records)]
    for each, record in zip(found, records, strict=True):
        event = CODEC.decode(record.value, 0, None)
        assert str(each["event"][1]["meta"]["stream_id"]) == event.stream_id


def test_the_container_schema_names_only_the_types_that_were_asked_for() -> None:
    schema = container_schema(REGISTRY, ["CampaignApproved", "CampaignPaused"])
    union = schema["fields"][3]["type"]
    assert [each["name"] for each in union] == ["CampaignApproved", "CampaignPaused"]
    assert union[1]["fields"][0]["type"] == "nudge.Meta"  # defined with the first


@pytest.mark.parametrize("cut", [1, 5, 60])
def test_an_avro_file_that_was_cut_short_goes_on_behind_its_last_whole_block(
    tmp_path: Path, cut: int
) -> None:
    records, path = every_type(), tmp_path / "cut.avro"
    types = sorted(REGISTRY.versions)
    out = AvroFile(path, REGISTRY, types)
    out.write(records[:10])
    out.write(records[10:20])
    out.close()
    path.write_bytes(path.read_bytes()[:-cut])

    last = mend(path)
    assert last == 10
    out = AvroFile(path, REGISTRY, types)
    out.write([record for record in records if record.position > last])
    out.close()

    assert [each["position"] for each in read(path)] == [record.position for record in records]


def test_an_ndjson_file_that_was_cut_short_goes_on_behind_its_last_whole_line(
    tmp_path: Path,
) -> None:
    records, path = every_type(), tmp_path / "cut.ndjson"
    out = NdjsonFile(path, CODEC)
    out.write(records[:20])
    out.close()
    path.write_bytes(path.read_bytes()[:-7])

    last = mend(path)
    assert last == 19
    out = NdjsonFile(path, CODEC)
    out.write([record for record in records if record.position > last])
    out.close()

    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["position"] for line in lines] == [record.position for record in records]
    assert [line["type"] for line in lines] == types_of(records)


def test_an_avro_file_made_for_other_types_is_not_gone_on_with(tmp_path: Path) -> None:
    path = tmp_path / "few.avro"
    out = AvroFile(path, REGISTRY, ["ContactAdded"])
    out.write([each for each in every_type() if types_of([each]) == ["ContactAdded"]])
    out.close()
    with pytest.raises(ReplayError, match="other event types"):
        AvroFile(path, REGISTRY, sorted(REGISTRY.versions))


@pytest.mark.parametrize(("name", "content"), [("a.ndjson", b"hello\n"), ("a.avro", b"hello")])
def test_a_file_that_no_replay_wrote_is_left_as_it_is(
    tmp_path: Path, name: str, content: bytes
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ReplayError):
        mend(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "name",
    ["delivery-events", "p-delivery-events", "delivery-events-dlq", "relay-position",
     "p-postmark-webhooks", "__consumer_offsets", "a b", "", ".."],
)  # fmt: skip
def test_a_topic_of_the_product_is_never_written_to(name: str) -> None:
    with pytest.raises(ReplayError):
        ensure_not_ours(name, "p-")


def test_any_other_topic_may_be_made() -> None:
    ensure_not_ours("my-replay.2026", "p-")
