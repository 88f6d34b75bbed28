"""An organization is taken out whole."""

from __future__ import annotations

import json
from typing import Any

from projections.queries.everything import EXPORTED, NOT_EXPORTED
from tests.integration.leaving.conftest import House
from tests.support.isolation.belongings import Belongings


def exported(house: House, after: int = 0) -> list[dict[str, Any]]:
    key = house.leaving.tenant.api_key
    answer = house.api.get(f"/v1/organization/export?after={after}", key=key)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.text.splitlines()]


def test_everything_is_taken_out_and_nothing_of_the_others(house: House) -> None:
    lines = exported(house)

    events = [line["event"] for line in lines if "event" in line]
    rows = [line["row"] for line in lines if "row" in line]
    count = house.events(house.leaving)
    assert len(events) == count == lines[0]["export"]["events"]
    assert lines[-1] == {"done": {"events": count, "position": events[-1]["position"]}}
    assert {each["organization_id"] for each in (*events, *rows)} == {
        house.leaving.tenant.organization_id
    }
    assert house.leaving.address in {row.get("email") for row in rows}
    said = json.dumps(lines)
    assert "swallow-token" not in said
    assert "secret_hash" not in json.dumps(rows)
    assert "sparrow" not in said


def test_every_row_of_the_exported_read_models_is_there(house: House) -> None:
    whose = Belongings(house.api, house.leaving)
    found = {
        table: whose.query(
            f"SELECT id FROM views.{table} WHERE organization_id = %s",  # noqa: S608
            whose.organization_id,
        )
        for table in EXPORTED
    }

    lines = exported(house)

    for table, rows in found.items():
        got = [line["row"]["id"] for line in lines if line.get("table") == table]
        assert sorted(got) == sorted(row[0] for row in rows), table
        assert got, f"furnish the organization with {table}"


def test_a_cut_export_is_gone_on_with(house: House) -> None:
    events = [line["event"] for line in exported(house) if "event" in line]

    half = events[len(events) // 2]["position"]
    rest = [line["event"] for line in exported(house, half) if "event" in line]

    kept = [event for event in events if event["position"] > half]
    assert rest[: len(kept)] == kept
    assert {event["type"] for event in rest[len(kept) :]} == {"SecurityEventRecorded"}


def test_every_export_is_a_security_event(house: House) -> None:
    exported(house)
    key = house.leaving.tenant.api_key
    seen = house.api.get("/v1/audit", params={"kind": "export"}, key=key).json()["items"]
    assert {(each["subject"], each["what"]) for each in seen} == {
        (house.leaving.tenant.organization_id, "organization")
    }


def test_a_new_read_model_is_exported_or_named_as_left_out(house: House) -> None:
    tables = Belongings(house.api, house.leaving).tables
    views = {name.removeprefix("views.") for name in tables if name.startswith("views.")}
    assert views == {*EXPORTED, *NOT_EXPORTED}
