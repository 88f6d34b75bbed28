"""docker-compose.yml is valid, pinned, closed and made of settings that exist."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from infra.local.addresses import METRICS_ROLES
from infra.run import ROLES
from infra.settings import Settings
from tests.contract.deploy.compose import CHECKS, MUST_FAIL, ROOT, read

COMPOSE = read(ROOT / "docker-compose.yml")
Check = Callable[[dict[str, Any]], list[str]]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_compose_file_holds(check: Check) -> None:
    assert check(COMPOSE) == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_every_check_refuses_its_fixture(check: Check) -> None:
    assert check(read(MUST_FAIL / f"{check.__name__}.yml")) != []


def test_every_role_is_a_service_that_waits_for_the_stores() -> None:
    for role in ROLES:
        service = COMPOSE["services"][role]
        assert service["command"] == ["infra.run", role]
        prepared = service["depends_on"]["prepare"]["condition"]
        assert prepared == "service_completed_successfully"
    assert COMPOSE["services"]["prepare"]["command"] == ["infra.local.prepare"]


def test_a_role_is_probed_on_its_own_port() -> None:
    first = int(COMPOSE["services"]["relay"]["environment"]["NUDGE_METRICS_PORT"])
    assert first == Settings.model_fields["metrics_port"].default
    for index, role in enumerate(METRICS_ROLES):
        probe = COMPOSE["services"][role]["healthcheck"]["test"][-1]
        assert f":{first + index}/ready'" in probe


def test_only_prepare_logs_in_as_the_owner() -> None:
    users = {
        name
        for name, service in COMPOSE["services"].items()
        for secret in service.get("secrets", [])
        if isinstance(secret, dict) and secret["source"] == "postgres_owner_url"
    }
    assert users == {"prepare"}


def test_the_script_makes_every_secret_once(tmp_path: Path) -> None:
    script = ROOT / "infra/deploy/make-secrets.sh"
    folder = tmp_path / "secrets"
    for _ in range(2):
        before = {p.name: p.read_text() for p in folder.iterdir()} if folder.exists() else {}
        subprocess.run(["sh", str(script), str(folder)], check=True, capture_output=True)
        made = {p.name: p.read_text() for p in folder.iterdir()}
        assert before in ({}, made)
    wanted = {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert set(made) == wanted
    assert folder.stat().st_mode & 0o777 == 0o700
    assert len(bytes.fromhex(made["master.key"])) == 32
    assert len({value for name, value in made.items() if "password" in name}) == 6
    assert made["postgres_api_password"] in made["postgres_api_url"]


def test_secrets_are_never_committed() -> None:
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert (ROOT / ".dockerignore").read_text().splitlines()[1] == "*"
