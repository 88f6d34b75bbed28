"""What was published stays: files, ids, topics."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from schemas.checking import check
from schemas.registry import (
    ROOT,
    Schema,
    default_registry,
    file_version,
    fingerprint,
    lock_new_schemas,
)
from tests.contract.schemas.folders import add_version, edit, field, path_of, without


def relock(folder: Path) -> None:
    """Give the folder a lock that fits its files, as somebody who hides a change would."""
    (folder / "ids.lock").unlink()
    lock_new_schemas(folder)


def test_the_lock_names_every_schema_by_id_and_fingerprint() -> None:
    registry = default_registry()
    entries = {
        (s.type, s.version): (s.schema_id, fingerprint(s.definition))
        for s in registry.by_id.values()
    }
    assert entries == registry.locked
    assert len(registry.by_id) == len(registry.locked)


def test_every_event_type_is_used_by_exactly_one_topic() -> None:
    placed = [path.name.split(".")[0] for path in ROOT.glob("avro/*/*.v1.avsc")]
    registry = default_registry()
    assert sorted(placed) == sorted(kind for kinds in registry.topics.values() for kind in kinds)
    assert len(set(placed)) == len(placed)
    for schema in registry.by_id.values():
        assert schema.subject == f"nudge.{schema.definition['name']}"


def test_an_edited_file_is_refused_without_a_base(folder: Path) -> None:
    edit(folder, "CampaignSent", lambda s: without(s, "intended"))
    expected = (
        "avro/campaign-events/CampaignSent.v1.avsc: changed after it was published;"
        " undo it and add CampaignSent.v2"
    )
    assert [str(finding) for finding in check(folder)] == [expected]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("CampaignApproved", lambda s: field(s, "schedule_at").pop("default")),
        ("ContactAdded", lambda s: field(s, "sealed_contact")["pii"].update(subject="x")),
        ("StepScheduled", lambda s: field(s, "due_at").update(type="long")),
    ],
    ids=["default", "pii", "logical type"],
)
def test_the_fingerprint_covers_what_avros_canonical_form_leaves_out(
    folder: Path, name: str, change: Callable[[Schema], None]
) -> None:
    edit(folder, name, change)
    assert any("changed after it was published" in finding.why for finding in check(folder))


def test_docs_of_a_published_file_may_be_improved(folder: Path) -> None:
    edit(folder, "CampaignSent", lambda s: field(s, "intended").update(doc="All of them."))
    assert check(folder, ROOT) == []


def test_a_hidden_edit_is_refused_against_a_base_naming_the_field(folder: Path) -> None:
    edit(folder, "CampaignSent", lambda s: without(s, "intended"))
    relock(folder)

    assert check(folder) == []
    found = {(Path(f.file).name, f.field): f.why for f in check(folder, ROOT)}
    assert found.keys() == {("ids.lock", ""), ("CampaignSent.v1.avsc", "intended")}
    assert "only ever grows" in found["ids.lock", ""]
    assert "was removed" in found["CampaignSent.v1.avsc", "intended"]


def test_a_file_that_is_gone_is_named(folder: Path) -> None:
    path_of(folder, "CampaignSent").unlink()
    assert [f.why for f in check(folder)] == ["CampaignSent v1 is published and its file is gone"]

    relock(folder)
    assert "is published and its file is gone" in {f.why for f in check(folder, ROOT)}


def test_an_event_cannot_move_to_another_topic(folder: Path) -> None:
    path = path_of(folder, "CampaignSent")
    shutil.move(path, folder / "avro" / "workflow-events" / path.name)
    assert [f.why for f in check(folder, ROOT)] == ["moved here from campaign-events"]


def test_an_event_type_in_two_topics_is_refused(folder: Path) -> None:
    add_version(folder, "CampaignSent", lambda _: None)
    path = path_of(folder, "CampaignSent", 2)
    shutil.move(path, folder / "avro" / "workflow-events" / path.name)
    lock_new_schemas(folder)
    assert [f.why for f in check(folder)] == ["an event type belongs to exactly one topic"]


def test_versions_have_no_gap(folder: Path) -> None:
    shutil.copy(path_of(folder, "CampaignSent"), path_of(folder, "CampaignSent", 3))
    assert file_version(path_of(folder, "CampaignSent", 3)) == 3
    lock_new_schemas(folder)
    assert [f.why for f in check(folder)] == ["versions count from 1 without a gap"]


def test_a_schema_without_an_id_is_named_until_it_is_locked(folder: Path) -> None:
    add_version(folder, "CampaignSent", lambda _: None)
    assert [f.why for f in check(folder)] == ["has no id yet; run `nudge schemas lock`"]

    before = (folder / "ids.lock").read_text()
    last = max(int(line.split()[0]) for line in before.splitlines())
    assert [line.split()[:3] for line in lock_new_schemas(folder)] == [
        [str(last + 1), "CampaignSent", "2"]
    ]
    assert (folder / "ids.lock").read_text().startswith(before)
    assert check(folder, ROOT) == []


@pytest.mark.parametrize("line", ["7 Again 1 abc", "nonsense"])
def test_a_broken_lock_is_named(folder: Path, line: str) -> None:
    with (folder / "ids.lock").open("a") as file:
        file.write(line + "\n")
    assert [f.file for f in check(folder)] == ["ids.lock"]


TOPICS = {
    "partitions: 4": ("partitions: 0", "partitions", "at least one"),
    "retention.ms: -1": ("retention.ms: 1000", "config.retention.ms", "kept for ever"),
    "cleanup.policy: delete": ("cleanup.policy: vacuum", "config.cleanup.policy", "delete"),
    "value: avro": ("value: bytes", "value", "is avro exactly when"),
    "owner: nudgecampaign": ("owners: nudgecampaign", "", "wrong keys"),
    "dead_letter_topic: campaign-events-dlq": ("dead_letter_topic: x", "", "dead-letter topic is"),
    "description:": ("description: [", "", "is not YAML"),
}


@pytest.mark.parametrize("before", TOPICS)
def test_a_wrong_topic_file_is_named(folder: Path, before: str) -> None:
    after, field_name, why = TOPICS[before]
    path = folder / "topics" / "campaign-events.yaml"
    path.write_text(path.read_text().replace(before, after))

    assert any(
        (f.file, f.field) == ("topics/campaign-events.yaml", field_name) and why in f.why
        for f in check(folder)
    )


def test_a_topic_without_file_is_named(folder: Path) -> None:
    (folder / "topics" / "campaign-events.yaml").unlink()
    assert {str(f) for f in check(folder, ROOT)} == {
        "avro/campaign-events: has no topic file topics/campaign-events.yaml",
        "topics/campaign-events.yaml: is published and its file is gone",
    }


def test_a_partition_count_never_changes(folder: Path) -> None:
    path = folder / "topics" / "campaign-events.yaml"
    path.write_text(path.read_text().replace("partitions: 4", "partitions: 8"))
    expected = (
        "topics/campaign-events.yaml: partitions:"
        " was 4; make a new topic version and replay instead"
    )
    assert [str(f) for f in check(folder, ROOT)] == [expected]
