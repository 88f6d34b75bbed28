"""Every stored event of every version still decodes, and what we write today is what we wrote."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import schema_id_of
from schemas.examples import Example, open_fields, values
from schemas.registry import default_registry
from tests.contract.schemas import golden_events
from tests.contract.schemas.test_examples import meta_of
from tests.contract.schemas.vault import Vault, encoded, fixed_codec

REGISTRY = default_registry()
CODEC = fixed_codec(REGISTRY)
GOLDEN = golden_events.load()


def stored(name: str) -> tuple[bytes, Example]:
    """The stored bytes, and what they hold as the newest version reads them."""
    entry, kind = GOLDEN[name], name.split(".")[0]
    newer = {
        field["name"]: field["default"]
        for field in open_fields(REGISTRY.latest(kind))
        if "default" in field and field["name"] not in entry["data"]
    }
    data = {**newer, **entry["data"]}
    held = Example(Path(name), REGISTRY.topic_of[kind], kind, entry["meta"], data, None)
    return base64.b64decode(entry["value"]), held


def test_every_published_version_has_a_golden_event_and_none_has_gone() -> None:
    assert set(GOLDEN) == {f"{kind}.v{version}" for kind, version in REGISTRY.locked}


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_a_golden_event_decodes_sealed_fields_included(name: str) -> None:
    value, held = stored(name)

    event = CODEC.decode(value, 1, Vault())

    meta, data = values(held, REGISTRY, rich=False)
    assert f"{event.type}.v{event.schema_version}" == name
    assert (schema_id_of(value), meta_of(event)) == (_id(name), meta)
    assert {field: event.data[field] for field in data} == data


def _id(name: str) -> int:
    kind, version = name.split(".v")
    return REGISTRY.locked[kind, int(version)][0]


@pytest.mark.parametrize("name", sorted(GOLDEN))
def test_todays_codec_writes_the_stored_bytes(name: str) -> None:
    value, held = stored(name)
    if _id(name) != REGISTRY.latest(held.type).schema_id:
        return  # only the newest version is written
    assert encoded(CODEC, held.type, *values(held, REGISTRY, rich=False)) == value


def test_adding_golden_events_changes_none_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "golden" / "events.json"
    copy.parent.mkdir()
    shutil.copy(golden_events.FILE, copy)
    monkeypatch.setattr(golden_events, "FILE", copy)
    altered: dict[str, Any] = {**GOLDEN["CampaignResumed.v1"], "value": "AAAA"}
    kept = {**GOLDEN, "CampaignResumed.v1": altered}
    del kept["CampaignSent.v1"]
    copy.write_text(json.dumps(kept))

    assert golden_events.add_missing() == ["CampaignSent.v1"]
    assert golden_events.load() == {**GOLDEN, "CampaignResumed.v1": altered}
