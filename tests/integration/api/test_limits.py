"""Limits at the door: 429 with its headers, doors that never close, bounded queries and pages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.conftest import Database
from tests.support.api import Api, running_api
from tests.support.services import Services

LARGEST_PAGE = 500


@pytest.fixture
def few(stack: Services, database: Database) -> Iterator[Api]:
    """A key may ask three times an hour."""
    with running_api(stack, database, limit_key="3/hour") as api:
        yield api


@pytest.fixture
def crowded(stack: Services, database: Database) -> Iterator[Api]:
    """All together may ask twice an hour from one address."""
    with running_api(stack, database, limit_address="2/hour") as api:
        yield api


def test_over_the_limit_of_a_key_the_answer_says_so_and_when_to_come_again(few: Api) -> None:
    left = [few.get("/v1/contacts").headers["RateLimit"] for _ in range(3)]
    assert [each.split(";")[1] for each in left] == ["r=2", "r=1", "r=0"]

    refused = few.post("/v1/contacts", {})

    assert refused.status_code == 429
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["code"] == "too_many_requests"
    assert 3500 < int(refused.headers["Retry-After"]) <= 3600
    assert refused.headers["RateLimit-Policy"] == '"key-3600s";q=3;w=3600'
    assert refused.headers["RateLimit"].startswith('"key-3600s";r=0;t=')
    assert refused.headers["X-Request-Id"] == refused.json()["request_id"]
    assert few.get("/v1/contacts", key=few.new_tenant().api_key).status_code == 200


def test_a_websocket_over_the_limit_of_a_key_is_recorded_as_its_organizations(few: Api) -> None:
    for _ in range(3):
        assert few.get("/v1/contacts").status_code == 200

    key = {"Authorization": f"Bearer {few.tenant.api_key}"}
    with few.client.websocket_connect("/v1/ws", headers=key) as socket:
        assert socket.receive()["code"] == 1013

    few.project()
    with few.worker.pool.connection() as connection:
        found = connection.execute(
            "SELECT organization_id, what, split_part(actor, ':', 1) FROM views.security_events"
            " WHERE kind = 'limit_reached'"
        ).fetchall()
    assert found == [(few.tenant.organization_id, "too_many_requests", "key")]


def test_a_wrong_key_is_told_so_and_counted_by_its_address(crowded: Api) -> None:
    answers = [crowded.get("/v1/contacts", key="nk_wrong").status_code for _ in range(3)]
    assert answers == [401, 401, 429]


def test_probes_and_unsubscribing_are_never_refused_for_being_many(crowded: Api) -> None:
    for _ in range(5):
        assert crowded.client.get("/health/live").status_code == 200
        assert crowded.client.post("/u/no-such-token").status_code != 429
        assert crowded.client.get("/metrics").status_code == 200


def test_probing_in_a_loop_asks_the_stores_once(
    stack: Services, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.dependencies import Dependencies

    asked: list[str] = []
    needed = Dependencies.needed

    def counted(self: Dependencies) -> Mapping[str, str | None]:
        asked.append("needed")
        return needed(self)

    monkeypatch.setattr(Dependencies, "needed", counted)
    monkeypatch.setattr("api.recent.KEPT", 3600.0)
    with running_api(stack, database) as api:
        ready = {api.client.get("/health/ready").status_code for _ in range(20)}
        detailed = {api.client.get("/health/detailed").json()["status"] for _ in range(20)}
    assert (ready, detailed) == ({200}, {"ok"})
    assert len(asked) == 2, "once for each of the two"


def test_a_webhook_whose_credentials_are_known_is_never_refused_for_being_one_of_many(
    crowded: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from infra.webhook_door import KafkaWebhookIntake, WebhookCredentialsInMemory

    stored: list[bytes] = []

    async def put(_self: object, _organization: str, body: bytes) -> None:
        stored.append(body)

    organization = crowded.tenant.organization_id
    monkeypatch.setattr(KafkaWebhookIntake, "put", put)
    monkeypatch.setattr(
        WebhookCredentialsInMemory, "known",
        lambda _self, name, _password: organization if name == "known" else None,
    )  # fmt: skip
    post = crowded.client.post
    known = [post("/v1/webhooks/postmark", auth=("known", "x"), content=b"{}") for _ in range(5)]
    guessed = [post("/v1/webhooks/postmark", auth=("who", "x"), content=b"{}") for _ in range(3)]

    assert [each.status_code for each in known] == [200] * 5
    assert len(stored) == 5
    assert [each.status_code for each in guessed] == [401, 401, 429]
    assert "Retry-After" in guessed[-1].headers


def test_a_query_that_takes_too_long_is_ended_and_loses_nothing(
    stack: Services, database: Database
) -> None:
    short = timedelta(milliseconds=300)
    with running_api(stack, database, query_timeout=short) as api:
        with psycopg.connect(database.owner_url) as other:
            other.execute("LOCK TABLE views.businesses IN ACCESS EXCLUSIVE MODE")
            answer = api.client.get(
                "/v1/businesses", headers={"Authorization": f"Bearer {api.tenant.api_key}"}
            )
            other.rollback()
        assert (answer.status_code, answer.json()["code"]) == (503, "query_timeout")
        assert "Retry-After" in answer.headers
        assert api.get("/v1/businesses").status_code == 200


def limits_of(document: dict[str, Any]) -> dict[str, int | None]:
    """The largest page of every list: by path, None where there is no end."""
    return {
        path: each["schema"].get("maximum")
        for path, methods in document["paths"].items()
        for each in methods.get("get", {}).get("parameters", [])
        if each["name"] == "limit"
    }


def test_every_list_has_a_largest_page(shared: Api) -> None:
    found = limits_of(shared.get("/openapi.json").json())
    assert len(found) > 5
    assert {path for path, most in found.items() if most is None or most > LARGEST_PAGE} == set()


def test_the_check_of_pages_finds_a_list_without_an_end() -> None:
    endless = {"name": "limit", "schema": {"type": "integer"}}
    document = {"paths": {"/v1/all": {"get": {"parameters": [endless]}}}}
    assert limits_of(document) == {"/v1/all": None}
