"""`nudge org export` and `nudge org delete` against an API that is really served."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from infra.cli.main import application
from infra.leaving.certificate import read_certificate
from tests.conftest import fresh_database
from tests.support.api import Api, running_api
from tests.support.services import Services
from tests.support.serving import served


@pytest.fixture(scope="module")
def api(stack: Services) -> Iterator[Api]:
    with fresh_database(stack) as database, running_api(stack, database) as running:
        yield running


@pytest.fixture(scope="module")
def base_url(api: Api) -> Iterator[str]:
    with served(api.core) as url:
        yield f"http://{url}"


def nudge(base_url: str, key: str, *arguments: str, answer: str = "") -> Result:
    given = ["org", *arguments, "--base-url", base_url, "--api-key", key]
    return CliRunner(env={"COLUMNS": "300"}).invoke(
        application(["infra.cli.organizations"]), given, input=answer
    )


def test_an_export_that_was_cut_goes_on_where_it_was(
    api: Api, base_url: str, tmp_path: Path
) -> None:
    for number in range(3):
        api.contact(f"ada{number}@example.com")
    whole, cut = tmp_path / "whole.ndjson", tmp_path / "cut.ndjson"
    done = nudge(base_url, api.tenant.api_key, "export", "--out", str(whole), "--json")
    assert done.exit_code == 0, done.output
    lines = whole.read_text().splitlines(keepends=True)
    assert json.loads(lines[-1])["done"]["events"] == json.loads(done.stdout)["events"]
    assert whole.stat().st_mode & 0o777 == 0o600
    cut.write_text("".join(lines[:5]) + lines[5][:40])

    again = nudge(base_url, api.tenant.api_key, "export", "--out", str(cut))

    assert again.exit_code == 0, again.output
    wanted = [line for line in lines if line.startswith('{"event"')]
    got = [line for line in cut.read_text().splitlines(keepends=True) if line in set(wanted)]
    assert got == wanted
    finished = nudge(base_url, api.tenant.api_key, "export", "--out", str(whole))
    assert finished.exit_code == 1
    assert "is finished" in finished.stderr


def test_whoever_may_not_export_gets_no_file(api: Api, base_url: str, tmp_path: Path) -> None:
    file = tmp_path / "nothing.ndjson"
    done = nudge(base_url, api.key("contacts:read"), "export", "--out", str(file))
    assert done.exit_code == 1
    assert "organization:delete" in done.stderr
    assert not file.exists()


def test_a_deletion_asks_first_and_leaves_a_certificate(
    api: Api, base_url: str, tmp_path: Path
) -> None:
    tenant, file = api.new_tenant(), tmp_path / "certificate.json"
    asked = ("delete", tenant.organization_id, "--certificate", str(file))

    refused = nudge(base_url, tenant.api_key, *asked, answer="n\n")
    quiet = nudge(base_url, tenant.api_key, *asked, "--json")
    misplaced = nudge(base_url, tenant.api_key, *asked[:3], str(tmp_path / "no" / "file"), "--yes")
    wrong = nudge(base_url, api.tenant.api_key, *asked, "--yes")

    assert [done.exit_code for done in (refused, quiet, misplaced, wrong)] == [1, 2, 2, 1]
    assert "not_confirmed" in wrong.stderr
    assert api.get("/v1/organization", key=tenant.api_key).status_code == 200
    assert not file.exists()

    done = nudge(base_url, tenant.api_key, *asked, answer="y\n")

    assert done.exit_code == 0, done.output
    said = read_certificate(json.loads(file.read_text()), api.core.signer.public_key)
    assert said["organization_id"] == tenant.organization_id
    again = nudge(base_url, tenant.api_key, *asked, "--yes")
    assert again.exit_code == 1
    assert "unauthenticated" in again.stderr
