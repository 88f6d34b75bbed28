"""Old bytes through new schemas: a made-up second version in a copy of the schema folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from schemas.checking import check
from schemas.codec import Codec
from schemas.examples import all_examples, values
from schemas.registry import ROOT, Registry, Schema, default_registry, lock_new_schemas
from schemas.sealing import ERASED
from tests.contract.schemas.folders import add_version, field
from tests.contract.schemas.vault import Vault, encoded, fixed_codec

BY_TYPE = {example.type: example for example in all_examples()}


def upgraded(folder: Path) -> Codec:
    """The codec of the changed folder, in which nothing is refused."""
    lock_new_schemas(folder)
    assert check(folder, ROOT) == []
    return fixed_codec(Registry(folder))


def contact_v2(schema: Schema) -> None:
    schema["fields"].insert(
        2, {"name": "channel", "type": "string", "default": "e-mail", "doc": "How to reach them."}
    )
    field(schema, "sealed_contact")["pii"]["fields"].insert(
        1, {"name": "phone", "type": ["null", "string"], "default": None, "doc": "Or none."}
    )


@pytest.mark.parametrize("rich", [False, True], ids=["raw", "rich"])
def test_old_bytes_read_through_the_new_schema_with_defaults(folder: Path, rich: bool) -> None:
    old = fixed_codec(default_registry())
    meta, data = values(BY_TYPE["ContactAdded"], old.registry, rich=rich)
    value = encoded(old, "ContactAdded", meta, data, rich=rich)
    add_version(folder, "ContactAdded", contact_v2)

    event = upgraded(folder).decode(value, 1, Vault(), rich=rich)

    assert event.schema_version == 1
    assert event.data == {**data, "channel": "e-mail", "phone": None}


def test_new_bytes_are_written_in_the_new_version(folder: Path) -> None:
    add_version(folder, "ContactAdded", contact_v2)
    codec = upgraded(folder)
    meta, data = values(BY_TYPE["ContactAdded"], default_registry(), rich=False)
    data = {**data, "channel": "post", "phone": "+49 30 1234567"}

    event = codec.decode(encoded(codec, "ContactAdded", meta, data), 1, Vault())

    assert (event.schema_version, event.data) == (2, data)


def test_old_bytes_whose_key_is_gone_are_erased_in_the_new_shape(folder: Path) -> None:
    old = fixed_codec(default_registry())
    meta, data = values(BY_TYPE["ContactAdded"], old.registry, rich=False)
    value = encoded(old, "ContactAdded", meta, data)
    add_version(folder, "ContactAdded", contact_v2)

    event = upgraded(folder).decode(value, 1, Vault(meta["stream_id"]))

    assert event.data["phone"] is ERASED
    assert event.data["email"] is ERASED


def test_a_sealed_field_that_is_new_holds_nothing_in_old_events(folder: Path) -> None:
    old = fixed_codec(default_registry())
    meta, data = values(BY_TYPE["CampaignResumed"], old.registry, rich=False)
    value = encoded(old, "CampaignResumed", meta, data)

    def add(schema: Schema) -> None:
        part = {"name": "reason", "type": "string", "doc": "Why."}
        pii = {"subject": "organization_id", "optional": True, "fields": [part]}
        new = {"name": "sealed_organization", "type": "bytes", "default": "", "doc": "Sealed."}
        schema["fields"].append({**new, "pii": pii})

    add_version(folder, "CampaignResumed", add)
    codec = upgraded(folder)

    assert codec.decode(value, 1, Vault()).data == {"reason": None}
    assert codec.decode(value, 1, None).data == {}
    said = codec.decode(encoded(codec, "CampaignResumed", meta, {"reason": "Fixed"}), 1, Vault())
    assert said.data == {"reason": "Fixed"}


def test_old_events_and_new_ones_decode_in_one_batch(folder: Path) -> None:
    old = fixed_codec(default_registry())
    add_version(folder, "ContactAdded", contact_v2)
    codec = upgraded(folder)
    pairs = []
    for position, (kind, example) in enumerate(sorted(BY_TYPE.items()), 1):
        pairs.append((encoded(old, kind, *values(example, old.registry, rich=False)), position))

    events = codec.decode_batch(pairs, Vault())

    assert [event.position for event in events] == [position for _, position in pairs]
    assert [event.type for event in events] == sorted(BY_TYPE)
