"""API keys over HTTP: shown once, scoped, listed, rotated with an overlap, revoked, expired."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID, uuid4

import psycopg
import pytest

from api.routers.keys.examples import KEY, MADE
from tests.conftest import Database
from tests.support.api import Api


def make(api: Api, *scopes: str, key: str | None = None, **more: Any) -> dict[str, Any]:
    answer = api.post("/v1/api-keys", {"scopes": list(scopes), **more}, key=key)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def in_days(days: float) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def test_a_new_key_is_shown_once_and_works_before_any_view_has_heard_of_it(api: Api) -> None:
    answer = api.client.post(
        "/v1/api-keys",
        json={"scopes": ["contacts:read"], "name": "Shop"},
        headers={"Authorization": f"Bearer {api.tenant.api_key}"},
    )
    made = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert made["secret"].startswith(made["prefix"])

    asked = {"Authorization": f"Bearer {made['secret']}"}
    assert api.client.get("/v1/contacts", headers=asked).status_code == 200  # nothing projected yet
    assert api.client.get("/v1/businesses", headers=asked).status_code == 403

    api.project()
    shown = api.get(f"/v1/api-keys/{made['id']}").json()
    assert made["secret"] not in api.get("/v1/api-keys").text
    assert (shown["name"], shown["status"]) == ("Shop", "active")
    assert shown["scopes"] == ["contacts:read"]
    assert shown["created_by"].startswith("key:")


def test_the_secret_is_kept_nowhere(api: Api, database: Database) -> None:
    secret = make(api, "contacts:read")["secret"]
    with psycopg.connect(database.owner_url) as connection:
        tables = connection.execute(
            "SELECT table_schema, table_name FROM information_schema.tables"
            " WHERE table_schema IN ('log', 'state', 'views')"
        ).fetchall()
        for schema, table in tables:
            query = f"SELECT count(*) FROM {schema}.{table} t WHERE t::text LIKE %s"  # noqa: S608
            assert connection.execute(query, (f"%{secret}%",)).fetchone() == (0,), table


def test_a_key_is_answered_once_also_when_the_request_is_repeated(api: Api) -> None:
    headers = {"Idempotency-Key": "one"}
    body = {"scopes": ["contacts:read"]}
    assert api.post("/v1/api-keys", body, headers=headers).status_code == 201
    again = api.post("/v1/api-keys", body, headers=headers)
    assert (again.status_code, again.json()["code"]) == (409, "secret_already_shown")
    assert api.get("/v1/api-keys").json()["total"] == 2


def test_nobody_hands_out_more_than_they_hold(api: Api) -> None:
    limited = make(api, "keys:write", "keys:read", "contacts:read")["secret"]
    for scopes, refused in (
        (["contacts:read"], []),
        (["contacts:read", "contacts:write"], ["contacts:write"]),
        (["*"], None),
    ):
        answer = api.post("/v1/api-keys", {"scopes": scopes}, key=limited)
        if refused == []:
            assert answer.status_code == 201
            continue
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_exceeds_yours")
        named = [each["detail"] for each in answer.json()["errors"]]
        assert named == refused if refused is not None else "users:write" in named


def test_nobody_gets_the_secret_of_a_stronger_key_by_rotating_it(api: Api) -> None:
    limited = make(api, "keys:write")["secret"]
    stronger = make(api, "contacts:write")["id"]
    answer = api.post(f"/v1/api-keys/{stronger}/rotate", {}, key=limited)
    assert (answer.status_code, answer.json()["code"]) == (403, "scope_exceeds_yours")
    assert api.get(f"/v1/api-keys/{stronger}").json()["status"] == "active"


def test_after_a_rotation_both_keys_work_until_the_overlap_ends(api: Api) -> None:
    former = make(api, "contacts:read", name="Shop")
    rotated = api.post(f"/v1/api-keys/{former['id']}/rotate", {"overlap_seconds": 3600})
    assert rotated.status_code == 201, rotated.text
    successor = rotated.json()
    assert (successor["name"], successor["scopes"]) == ("Shop", ["contacts:read"])

    for secret in (former["secret"], successor["secret"]):
        assert api.get("/v1/contacts", key=secret).status_code == 200
    shown = api.get(f"/v1/api-keys/{former['id']}").json()
    assert (shown["status"], shown["replaced_by"]) == ("replaced", successor["id"])
    assert shown["expires_at"] is not None
    assert api.get(f"/v1/api-keys/{successor['id']}").json()["replaces"] == former["id"]

    second = api.post(f"/v1/api-keys/{former['id']}/rotate", {})
    assert (second.status_code, second.json()["code"]) == (409, "key_replaced")


def test_without_an_overlap_the_former_key_is_refused_at_once(api: Api) -> None:
    former = make(api, "contacts:read")
    assert api.get("/v1/contacts", key=former["secret"]).status_code == 200
    rotated = api.post(f"/v1/api-keys/{former['id']}/rotate", {"overlap_seconds": 0})
    forget(api)
    assert api.get("/v1/contacts", key=former["secret"]).status_code == 401
    assert api.get("/v1/contacts", key=rotated.json()["secret"]).status_code == 200


def test_a_revoked_key_is_refused_before_any_view_has_heard_of_it(api: Api) -> None:
    made = make(api, "contacts:read")
    headers = {"Authorization": f"Bearer {api.tenant.api_key}"}
    assert api.client.delete(f"/v1/api-keys/{made['id']}", headers=headers).status_code == 204
    forget(api)
    asked = {"Authorization": f"Bearer {made['secret']}"}
    assert api.client.get("/v1/contacts", headers=asked).status_code == 401

    assert api.delete(f"/v1/api-keys/{made['id']}").status_code == 204
    assert api.get(f"/v1/api-keys/{made['id']}").json()["status"] == "revoked"
    assert api.get("/v1/contacts", key=made["secret"]).status_code == 401


def test_the_first_key_of_an_organization_can_be_revoked_too(api: Api) -> None:
    other = make(api, "*")["secret"]
    first = api.get("/v1/api-keys?sort=created_at", key=other).json()["items"][0]["id"]
    headers = {"Authorization": f"Bearer {other}"}
    assert api.client.delete(f"/v1/api-keys/{first}", headers=headers).status_code == 204
    forget(api)
    assert api.get("/v1/contacts").status_code == 401


def test_a_key_that_is_over_is_refused_though_it_was_remembered(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = make(api, "contacts:read", expires_at=in_days(1))
    assert api.get("/v1/contacts", key=made["secret"]).status_code == 200
    monkeypatch.setattr(state_of(api).services.clock, "_ahead", timedelta(days=2))
    assert api.get("/v1/contacts", key=made["secret"]).status_code == 401
    assert api.get(f"/v1/api-keys/{made['id']}").json()["status"] == "expired"


def test_the_last_use_is_written_down_now_and_then_and_not_with_each_request(
    api: Api, database: Database
) -> None:
    used, unused = make(api, "contacts:read"), make(api, "contacts:read")
    for _ in range(3):
        api.get("/v1/contacts", key=used["secret"])
    assert api.get(f"/v1/api-keys/{used['id']}").json()["last_used_at"] is None

    assert rows_of_uses(database) == []

    traffic = state_of(api).services.key_traffic
    traffic.write()
    once = rows_of_uses(database)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    traffic.used(UUID(api.tenant.organization_id), UUID(used["id"]), long_ago)
    traffic.write()

    assert rows_of_uses(database) == once  # an earlier use says nothing new
    assert used["id"] in {key for key, _ in once}
    seen = datetime.fromisoformat(api.get(f"/v1/api-keys/{used['id']}").json()["last_used_at"])
    assert datetime.now(UTC) - seen < timedelta(minutes=1)
    assert api.get(f"/v1/api-keys/{unused['id']}").json()["last_used_at"] is None


def test_the_examples_of_the_document_are_what_is_answered(api: Api) -> None:
    made = make(api, "contacts:read")
    assert set(made) == set(MADE)
    assert set(api.get(f"/v1/api-keys/{made['id']}").json()) == set(KEY)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"scopes": []}, "too_short"),
        ({"scopes": ["contacts:fly"]}, "unknown_scope"),
        ({"scopes": ["*"], "expires_at": "2020-01-01T00:00:00Z"}, "expiry_in_past"),
        ({"scopes": ["*"], "expires_at": "2999-01-01T00:00:00Z"}, "expiry_too_far"),
        ({"scopes": ["*"], "expires_at": "2027-01-01T00:00:00"}, "timezone_aware"),
        ({"scopes": ["*"], "name": "a\u0000b"}, "string_pattern_mismatch"),
        ({"scopes": ["*"], "organization_id": str(uuid4())}, "extra_forbidden"),
        ({}, "missing"),
    ],
)
def test_a_key_that_cannot_be_made_is_refused_with_its_field(
    shared: Api, body: dict[str, Any], code: str
) -> None:
    answer = shared.post("/v1/api-keys", body)
    assert answer.status_code == 422
    assert [each["code"] for each in answer.json()["errors"]] == [code]


def test_another_organizations_key_is_not_there(api: Api) -> None:
    mine = make(api, "*")["id"]
    stranger = api.new_tenant().api_key
    assert api.get(f"/v1/api-keys/{mine}", key=stranger).status_code == 404
    assert api.delete(f"/v1/api-keys/{mine}", key=stranger).status_code == 404
    assert api.post(f"/v1/api-keys/{mine}/rotate", {}, key=stranger).status_code == 404
    assert mine not in api.get("/v1/api-keys", key=stranger).text


def state_of(api: Api) -> Any:
    """What the application shares between its requests."""
    return cast("Any", api.client.app).state


def forget(api: Api) -> None:
    """What the notification does in every process; no thread listens here."""
    state_of(api).callers.keys.forget()


def rows_of_uses(database: Database) -> list[tuple[Any, ...]]:
    """Where the last uses stand, and which version of each row it is."""
    with psycopg.connect(database.owner_url) as connection:
        return connection.execute("SELECT key_id::text, ctid FROM state.api_key_uses").fetchall()
