"""Analyst logins over HTTP: shown once, listed, revoked, each organization's own."""

from __future__ import annotations

import hashlib
import json
from uuid import UUID, uuid4

import psycopg
import pytest
from typer.testing import CliRunner

from api.routers.analysts.schemas import ANALYST
from infra.analyst_users import read_logins, user_statements
from infra.cli.main import application
from tests.support.api import Api


def made(api: Api, name: str = "Dashboard", **more: str) -> dict[str, str]:
    answer = api.post("/v1/analysts", {"name": name}, **more)
    assert answer.status_code == 201, answer.text
    shown: dict[str, str] = answer.json()
    return shown


def test_a_login_is_made_and_its_password_is_shown_once(shared: Api) -> None:
    login = made(shared, "Weekly dashboard")
    assert set(login) == {*ANALYST, "password"}
    assert login["username"] == f"analyst_{UUID(login['id']).hex}"
    found = shared.get(f"/v1/analysts/{login['id']}")
    assert found.json() == {name: login[name] for name in ANALYST}
    listed = shared.get("/v1/analysts?limit=500&sort=-created_at").json()
    assert found.json() in listed["items"]
    assert login["password"] not in found.text + json.dumps(listed)


def test_the_password_is_kept_as_a_hash_and_nowhere_in_the_log(shared: Api) -> None:
    login = made(shared)
    digest = hashlib.sha256(login["password"].encode()).digest()
    with shared.worker.pool.connection() as connection:
        kept = connection.execute(
            "SELECT secret_hash FROM state.analyst_secrets WHERE analyst_id = %s", (login["id"],)
        ).fetchone()
        events = connection.execute(
            "SELECT bytes FROM log.events WHERE stream_id = %s", (login["id"],)
        ).fetchall()
    assert kept is not None
    assert bytes(kept[0]) == digest
    assert len(events) == 1
    for secret in (digest, login["password"].encode(), b"Dashboard"):
        assert secret not in bytes(events[0][0])


def test_a_repeated_request_makes_one_login_and_shows_no_secret_again(shared: Api) -> None:
    once = {"Idempotency-Key": str(uuid4())}
    first = shared.post("/v1/analysts", {"name": "Once"}, headers=once)
    again = shared.post("/v1/analysts", {"name": "Once"}, headers=once)
    assert first.status_code == 201
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    listed = shared.get("/v1/analysts?name=Once").json()
    assert listed["total"] == 1


def test_a_revoked_login_has_no_hash_and_revoking_again_changes_nothing(shared: Api) -> None:
    login = made(shared)
    for _ in range(2):
        assert shared.request("DELETE", f"/v1/analysts/{login['id']}").status_code == 204
    assert shared.get(f"/v1/analysts/{login['id']}").json()["revoked_at"] is not None
    with shared.worker.pool.connection() as connection:
        counts = connection.execute(
            "SELECT (SELECT count(*) FROM state.analyst_secrets WHERE analyst_id = %(id)s),"
            " (SELECT count(*) FROM log.events WHERE stream_id = %(id)s)",
            {"id": login["id"]},
        ).fetchone()
    assert counts == (0, 2)


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_another_organizations_login_is_not_there(shared: Api, method: str) -> None:
    login = made(shared)
    other = shared.new_tenant()
    answer = shared.request(method, f"/v1/analysts/{login['id']}", key=other.api_key)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert shared.get("/v1/analysts", key=other.api_key).json()["total"] == 0
    assert shared.get(f"/v1/analysts/{login['id']}").json()["revoked_at"] is None


def test_what_is_no_analyst_cannot_be_revoked_as_one(shared: Api) -> None:
    business = shared.request("DELETE", f"/v1/analysts/{shared.tenant.business_id}")
    assert business.status_code == 404


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": ""},
        {"name": "   "},
        {"name": "a\nb"},
        {"name": "x" * 201},
        {"name": 1},
        {"name": "x", "organization_id": str(uuid4())},
        {"name": "x", "password": "mine"},
    ],
)
def test_a_bad_request_is_refused(shared: Api, body: dict[str, object]) -> None:
    answer = shared.post("/v1/analysts", body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_fields")


def test_the_api_role_cannot_read_another_organizations_hashes(shared: Api) -> None:
    made(shared)
    with shared.core.pool.connection() as connection:
        connection.execute("SELECT set_config('nudge.organization', %s, true)", (str(uuid4()),))
        assert connection.execute("SELECT * FROM state.analyst_secrets").fetchall() == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("UPDATE state.analyst_secrets SET secret_hash = ''")


def test_logins_become_users_of_a_real_server(shared: Api) -> None:
    kept, gone = made(shared), made(shared)
    shared.request("DELETE", f"/v1/analysts/{gone['id']}")
    with shared.worker.pool.connection() as connection:
        statements = user_statements(*read_logins(connection))
    digest = hashlib.sha256(kept["password"].encode()).hexdigest()
    create = next(each for each in statements if digest in each)
    assert f"CREATE USER IF NOT EXISTS {kept['username']} " in create
    assert f"nudge_organization = '{shared.tenant.organization_id}' CONST" in create
    assert f"DROP USER IF EXISTS {gone['username']}" in statements
    assert not any(gone["username"] in each for each in statements if "CREATE" in each)


def test_the_commands_name_themselves() -> None:
    shown = CliRunner().invoke(application(["infra.cli.analysts"]), ["analyst", "--help"])
    assert shown.exit_code == 0
    assert all(name in shown.output for name in ("create", "list", "revoke", "sql"))
