"""`nudge schemas`: exit codes, and what people and programs read."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from typer.testing import CliRunner

from infra.cli.main import application
from schemas.pages import PAGES
from schemas.registry import ROOT, default_registry
from tests.contract.schemas.folders import add_version, edit, without

DOCS = ROOT.parent / "docs" / "reference"


def run(*arguments: str | Path) -> tuple[int, str]:
    """Exit code and output of a command."""
    wide = {"COLUMNS": "400"}  # a long folder must not break a message into lines
    result = CliRunner().invoke(application(), ["schemas", *map(str, arguments)], env=wide)
    return result.exit_code, result.output


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@mail.example"]
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


def test_check_accepts_the_committed_schemas() -> None:
    assert run("check") == (0, "all schemas are compatible\n")


def test_check_names_file_field_and_reason(folder: Path) -> None:
    add_version(folder, "CampaignSent", lambda s: without(s, "intended"))
    run("lock", "--root", folder)

    code, output = run("check", "--root", folder, "--against", ROOT)

    assert code == 1
    assert output == (
        "avro/campaign-events/CampaignSent.v2.avsc: intended: was removed; keep it, stored events"
        " carry it (against v1)\n1 findings\n"
    )


def test_check_speaks_json(folder: Path) -> None:
    add_version(folder, "CampaignSent", lambda _: None)
    code, output = run("check", "--root", folder, "--json")
    assert code == 1
    assert json.loads(output) == [
        {
            "file": "avro/campaign-events/CampaignSent.v2.avsc",
            "field": "",
            "why": "has no id yet; run `nudge schemas lock`",
        }
    ]


def test_check_compares_with_the_last_commit_or_the_one_named(folder: Path) -> None:
    git(folder.parent, "init", "-q")
    git(folder.parent, "add", ".")
    git(folder.parent, "commit", "-q", "-m", "first")
    edit(folder, "CampaignSent", lambda s: without(s, "intended"))
    (folder / "ids.lock").unlink()
    run("lock", "--root", folder)

    code, output = run("check", "--root", folder)
    assert code == 1
    assert "CampaignSent.v1.avsc: intended: was removed" in output

    git(folder.parent, "commit", "-q", "-am", "hidden")
    assert run("check", "--root", folder)[0] == 0
    assert run("check", "--root", folder, "--against", "HEAD~1")[0] == 1


def test_check_refuses_a_base_that_is_nowhere(folder: Path) -> None:
    code, output = run("check", "--root", folder, "--against", "no-such-ref")
    assert code == 2
    assert "no-such-ref" in output


def test_check_refuses_a_folder_without_schemas(folder: Path, tmp_path: Path) -> None:
    cases: list[list[str | Path]] = [
        ["--root", tmp_path],
        ["--root", folder, "--against", tmp_path],
    ]
    for arguments in cases:
        code, output = run("check", *arguments)
        assert code == 2
        assert "no schema files" in output


def test_lock_gives_ids_once(folder: Path) -> None:
    add_version(folder, "CampaignSent", lambda _: None)
    code, output = run("lock", "--root", folder, "--json")
    assert code == 0
    assert [line.split()[1:3] for line in json.loads(output)] == [["CampaignSent", "2"]]
    assert run("lock", "--root", folder) == (0, "every schema file has an id already\n")


def test_list_shows_every_version() -> None:
    code, output = run("list", "--json")
    assert code == 0
    assert {(row["id"], row["type"]) for row in json.loads(output)} == {
        (schema.schema_id, schema.type) for schema in default_registry().by_id.values()
    }
    assert "CampaignApproved" in run("list")[1]


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_committed_reference_pages_are_current(name: str) -> None:
    assert (DOCS / name).read_text() == PAGES[name](), "run `nudge schemas docs`"


def test_docs_writes_the_pages(tmp_path: Path) -> None:
    code, _ = run("docs", "--folder", tmp_path)
    assert code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(PAGES)


def test_every_event_field_is_on_the_events_page() -> None:
    page = PAGES["events.md"]()
    for schema in default_registry().by_id.values():
        section = page.split(f"### {schema.type}\n")[1].split("\n### ")[0]
        for group in schema.sealed:
            assert all(f"`{name}`" in section or f".{name}`" in section for name in group.names)
        for field in schema.definition["fields"][1:]:
            assert "pii" in field or f"| `{field['name']}` |" in section
