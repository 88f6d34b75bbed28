"""Each rule refuses what breaks it, and says which file, which field and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from schemas.checking import check
from schemas.registry import ROOT, Schema, lock_new_schemas
from tests.contract.schemas.folders import add_version, edit, field, path_of, without

Change = Callable[[Schema], None]


def setting(name: str, **values: Any) -> Change:
    """Set properties of a field."""
    return lambda schema: field(schema, name).update(values)


def setting_pii(name: str, **values: Any) -> Change:
    return lambda schema: field(schema, name)["pii"].update(values)


def removing(name: str) -> Change:
    return lambda schema: without(schema, name)


def unmarking(name: str) -> Change:
    def change(schema: Schema) -> None:
        del field(schema, name)["pii"]

    return change


def adding(parent: str = "", **new: Any) -> Change:
    def change(schema: Schema) -> None:
        record = field(schema, parent)["pii"] if parent else schema
        record["fields"].append({"doc": "New.", **new})

    return change


def of(folder: Path, base: Path | None = None) -> list[tuple[str, str, str]]:
    """Findings as tuples, without the prefix of the folder."""
    return [(Path(f.file).name, f.field, f.why) for f in check(folder, base)]


def test_the_committed_schemas_break_no_rule() -> None:
    assert check(ROOT, ROOT) == []


GOOD: dict[str, tuple[str, Change]] = {
    "a new field with a default": (
        "SendingStarted",
        adding(name="note", type=["null", "string"], default=None),
    ),
    "a new sealed part with a default": (
        "ContactAdded",
        adding("sealed_contact", name="phone", type="string", default=""),
    ),
    "int to long": ("SendingStarted", setting("step", type="long")),
    "a plain field may become nullable": (
        "SendingStarted",
        setting("step", type=["int", "null"]),
    ),
    "a better doc": ("SendingStarted", setting("step", doc="Number of the step, from 1.")),
    "a new sealed field, optional": (
        "CampaignResumed",
        adding(
            name="sealed_organization",
            type="bytes",
            default="",
            pii={
                "subject": "organization_id",
                "optional": True,
                "fields": [{"name": "reason", "type": "string", "doc": "Why."}],
            },
        ),
    ),
}


@pytest.mark.parametrize("what", GOOD)
def test_a_compatible_version_is_accepted(folder: Path, what: str) -> None:
    kind, change = GOOD[what]
    add_version(folder, kind, change)
    lock_new_schemas(folder)
    assert of(folder, ROOT) == []


BAD: dict[str, tuple[str, Change, str, str]] = {
    "removed": ("CampaignSent", removing("intended"), "intended", "was removed"),
    "removed from the sealed record": (
        "ContactAdded", removing("sealed_contact.email"), "sealed_contact.email", "was removed",
    ),
    "removed from records in an array": (
        "TurnReceived", removing("mentions.is_contact"), "mentions[].is_contact", "was removed",
    ),
    "another type in the sealed record in an array": (
        "TurnReceived",
        setting("mentions.sealed_address.address", type="int"),
        "mentions[].sealed_address.address",
        "changed its type",
    ),
    "no default": (
        "SendingStarted", adding(name="note", type="string"), "note", "has no default",
    ),
    "no default in the sealed record": (
        "ContactAdded",
        adding("sealed_contact", name="phone", type="string"),
        "sealed_contact.phone",
        "has no default",
    ),
    "another type": (
        "SendingStarted", setting("step", type="string"), "step", "changed its type",
    ),
    "a narrower type": ("CampaignSent", setting("intended", type="int"), "intended", "type"),
    "another type in the sealed record": (
        "ContactAdded",
        setting("sealed_contact.tags", type="string"),
        "sealed_contact.tags",
        "type",
    ),
    "no longer nullable": (
        "CampaignApproved", setting("schedule_at", type="long"), "schedule_at", "type",
    ),
    "another logical type": (
        "StepScheduled",
        setting("due_at", type={"type": "long", "logicalType": "timestamp-millis"}),
        "due_at",
        "logical type from timestamp-micros to timestamp-millis",
    ),
    "no logical type": (
        "StepScheduled", setting("campaign_id", type="string"), "campaign_id", "from uuid to none",
    ),
    "bytes become text": (
        "ContactDeleted", setting("address_hmac", type="string"), "address_hmac", "bytes to string",
    ),
    "pii dropped": (
        "ContactAdded", unmarking("sealed_contact"), "sealed_contact", "pii mark was dropped",
    ),
    "pii of somebody else": (
        "ContactAdded",
        setting_pii("sealed_contact", subject="organization_id"),
        "sealed_contact",
        "pii subject changed from stream_id to organization_id",
    ),
    "pii no longer optional": (
        "TurnReceived",
        setting_pii("mentions.sealed_address", optional=False),
        "mentions[].sealed_address",
        "pii optional changed",
    ),
    "an open field becomes sealed": (
        "ContactDeleted",
        setting(
            "address_hmac",
            pii={"subject": "stream_id", "fields": [{"name": "x", "type": "string", "doc": "X."}]},
        ),
        "address_hmac",
        "became sealed",
    ),
    "a new sealed field that is not optional": (
        "CampaignResumed",
        adding(
            name="sealed_organization",
            type="bytes",
            default="",
            pii={
                "subject": "organization_id",
                "fields": [{"name": "reason", "type": "string", "doc": "Why."}],
            },
        ),
        "sealed_organization",
        "mark it optional",
    ),
    "another record in the array": (
        "TurnReceived",
        lambda s: field(s, "mentions")["type"]["items"].update(name="Address"),
        "mentions[]",
        "became",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", BAD)
def test_an_incompatible_version_is_refused_naming_the_field(folder: Path, what: str) -> None:
    kind, change, field_name, why = BAD[what]
    version = add_version(folder, kind, change)
    lock_new_schemas(folder)

    found = of(folder)

    wrong = f"{kind}.v{version}.avsc", field_name
    assert [(file, at) for file, at, _ in found] == [wrong] * len(found)
    assert any(why in reason and "against v1" in reason for _, _, reason in found)


def test_a_third_version_must_read_the_first_too(folder: Path) -> None:
    add_version(folder, "SendingStarted", adding(name="note", type="string", default=""))
    lock_new_schemas(folder)
    add_version(folder, "SendingStarted", lambda s: field(s, "note").pop("default"))
    lock_new_schemas(folder)

    assert of(folder) == [
        (
            "SendingStarted.v3.avsc",
            "note",
            "is new and has no default; earlier events do not carry it (against v1)",
        )
    ]


RULES: dict[str, tuple[str, Change, str, str]] = {
    "no doc": ("SendingStarted", lambda s: s.pop("doc"), "", "has no doc"),
    "an inner field without doc": (
        "TurnReceived",
        lambda s: field(s, "mentions.is_contact").pop("doc"),
        "mentions[].is_contact",
        "has no doc",
    ),
    "a sealed field without doc": (
        "ContactAdded",
        lambda s: field(s, "sealed_contact.email").pop("doc"),
        "sealed_contact.email",
        "has no doc",
    ),
    "sealed but not bytes": (
        "ContactAdded", setting("sealed_contact", type="string"), "sealed_contact", "not bytes",
    ),
    "a subject that is nowhere": (
        "ContactAdded",
        setting_pii("sealed_contact", subject="user_id"),
        "sealed_contact",
        "subject user_id is no field",
    ),
    "an empty seal": (
        "ContactAdded", setting_pii("sealed_contact", fields=[]), "sealed_contact", "at least one",
    ),
    "a seal that is no record": (
        "ContactAdded",
        setting("sealed_contact", pii="yes"),
        "sealed_contact",
        "subject and fields",
    ),
    "a seal where the codec does not look": (
        "SendingStarted",
        adding(
            name="inner",
            type={
                "type": "record",
                "name": "Inner",
                "fields": [
                    {
                        "name": "secret",
                        "type": "bytes",
                        "doc": "S.",
                        "pii": {
                            "subject": "organization_id",
                            "fields": [{"name": "x", "type": "string", "doc": "X."}],
                        },
                    }
                ],
            },
        ),
        "inner.secret",
        "where nothing is sealed",
    ),
    "a name used open and sealed": (
        "ContactAdded",
        lambda s: field(s, "sealed_contact.email").update(name="origin"),
        "sealed_contact.origin",
        "used twice",
    ),
    "no Avro": ("SendingStarted", setting("step", type="number"), "", "not an Avro schema"),
    "another namespace": ("SendingStarted", lambda s: s.update(namespace="x"), "", "namespace"),
}  # fmt: skip


@pytest.mark.parametrize("what", RULES)
def test_a_schema_that_breaks_a_rule_is_named(folder: Path, what: str) -> None:
    kind, change, field_name, why = RULES[what]
    edit(folder, kind, change)

    found = of(folder)

    assert any(
        (file, at) == (f"{kind}.v1.avsc", field_name) and why in reason
        for file, at, reason in found
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", "is not JSON"),
        ('{"name": "Other", "fields": []}', "the file is named"),
        ('{"name": "SendingStarted"}', "the first field is meta"),
    ],
)
def test_a_file_that_is_no_event_is_named(folder: Path, content: str, why: str) -> None:
    path_of(folder, "SendingStarted").write_text(content)
    assert any(file == "SendingStarted.v1.avsc" and why in reason for file, _, reason in of(folder))


def test_a_stray_file_is_named(folder: Path) -> None:
    path_of(folder, "SendingStarted").with_name("SendingStarted.avsc").write_text("{}")
    assert [finding[0] for finding in of(folder)] == ["SendingStarted.avsc"]
