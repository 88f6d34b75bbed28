"""What auditors see: exports, erasures, keys, and whoever was refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import structlog

from domain.security.events import NOBODY, Fact
from domain.security.recording import record_once
from domain.shared.meta import Meta
from infra.key_traffic import PostgresKeyTraffic
from infra.transactions import PostgresTransaction
from tests.support.api import Api

WRONG = "nk_not-a-key"
_WITH_CONTEXT = [structlog.contextvars.merge_contextvars]
EPOCH = datetime(2026, 3, 2, 9, tzinfo=UTC)


def audited(api: Api, **filters: str) -> list[dict[str, Any]]:
    answer = api.get("/v1/audit", params=filters)
    assert answer.status_code == 200, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    return items


def of_nobody(api: Api) -> list[tuple[str, str, str]]:
    with api.worker.pool.connection() as connection:
        return connection.execute(
            "SELECT kind, what, actor FROM views.security_events WHERE organization_id = %s"
            " ORDER BY position",
            (NOBODY,),
        ).fetchall()


def test_keys_and_credentials_are_told_from_the_first(api: Api) -> None:
    token = {"server_token": "00000000-0000-0000-0000-000000000001"}
    assert api.request("PUT", "/v1/organization/postmark", token).status_code == 202
    assert [each["kind"] for each in audited(api)] == ["credentials_changed", "key_issued"]


def test_reading_events_in_plain_text_is_told_once_a_day(api: Api) -> None:
    for _ in range(2):
        assert api.get("/v1/events").status_code == 200
    assert [each["what"] for each in audited(api, kind="unmasking")] == ["events"]


def test_every_export_is_told_with_who_and_whom(api: Api) -> None:
    contact = api.contact("ada@example.com")
    for _ in range(2):
        assert api.get(f"/v1/contacts/{contact}/export").status_code == 200
    told = audited(api, kind="export", subject=contact)
    assert len(told) == 2
    assert all(each["actor"].startswith("key:") for each in told)


def test_an_export_of_nobody_tells_nothing(api: Api) -> None:
    assert api.get(f"/v1/contacts/{UUID(int=7)}/export").status_code == 404
    assert audited(api, kind="export") == []


def test_a_wrong_key_is_recorded_once_an_hour_for_no_organization(api: Api) -> None:
    for _ in range(3):
        assert api.get("/v1/organization", key=WRONG).status_code == 401
    assert of_nobody(api) == [("token_refused", "unauthenticated", "anonymous")]
    assert audited(api, kind="token_refused") == []


def test_a_wrong_key_at_the_websocket_is_recorded_too(api: Api) -> None:
    with api.client.websocket_connect("/v1/ws", headers={"Authorization": WRONG}) as socket:
        assert socket.receive()["code"] == 1008
    api.project()
    assert ("token_refused", "unauthenticated", "anonymous") in of_nobody(api)


def test_the_first_use_of_a_key_on_a_day_is_recorded_whichever_process_saw_it(api: Api) -> None:
    key, organization = api.get("/v1/api-keys").json()["items"][0]["id"], api.tenant.organization_id
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    one, other = (PostgresKeyTraffic(api.core.pool, api.core.commands) for _ in range(2))
    for traffic, at in (
        (one, noon),
        (one, noon + timedelta(hours=1)),
        (other, noon + timedelta(hours=2)),
        (other, noon + timedelta(days=1)),
    ):
        traffic.used(UUID(organization), UUID(key), at)
        traffic.write()
    api.project()

    used = [each for each in audited(api, kind="key_used") if each["at"].startswith("2026-03")]
    assert [(each["subject"], each["actor"], each["at"][:13]) for each in used] == [
        (key, f"key:{key}", "2026-03-03T12"),
        (key, f"key:{key}", "2026-03-02T12"),
    ]


def test_another_organization_sees_nothing_of_it(api: Api) -> None:
    contact = api.contact("ada@example.com")
    api.get(f"/v1/contacts/{contact}/export")
    stranger = api.new_tenant()
    answer = api.get("/v1/audit", params={"kind": "export"}, key=stranger.api_key)
    assert answer.json()["items"] == []


def test_where_a_caller_was_is_sealed_and_ends_with_the_key(api: Api) -> None:
    contact = api.contact("ada@example.com")
    api.get(f"/v1/contacts/{contact}/export", headers={"User-Agent": "curious/1.0"})
    with api.worker.pool.connection() as connection:
        rows = connection.execute(
            "SELECT bytes, position FROM log.events WHERE type = 'SecurityEventRecorded'"
            " AND organization_id = %s",
            (api.tenant.organization_id,),
        ).fetchall()
    assert all(b"curious" not in bytes(value) for value, _ in rows)
    (event,) = api.core.codec.decode_batch(rows, api.worker.keys)
    assert event.data["agent"] == "curious/1.0"
    shown = api.get("/v1/audit", params={"kind": "export"}).text
    assert "curious" not in shown


def test_two_at_once_record_one(api: Api) -> None:
    organization = UUID(api.tenant.organization_id)
    log = api.core.commands
    meta = Meta(organization, "key:x", UUID(int=1), UUID(int=1), EPOCH)
    fact = Fact("key_used", "x")

    def decide(tx: PostgresTransaction) -> bool:
        first = record_once(tx, fact, meta, "today")
        if first and not meddled:
            meddled.append(True)
            log.run(organization, lambda other: record_once(other, fact, meta, "today"))
        return first

    meddled: list[bool] = []
    recorded, _ = log.run(organization, decide)
    assert meddled
    assert not recorded
    api.project()
    assert len(audited(api, kind="key_used", subject="x")) == 1


def test_a_filter_that_does_not_exist_is_refused(api: Api) -> None:
    assert api.get("/v1/audit", params={"kind": "gossip"}).status_code == 422
    assert api.get("/v1/audit", params={"who": "me"}).status_code == 422


def test_log_entries_say_whose_request_it_was(api: Api) -> None:
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as log:
        assert api.post("/v1/businesses", {"name": "Second"}).status_code == 201
        assert api.get("/v1/organization", key=WRONG).status_code == 401
    done, refused = (each for each in log if each["event"] == "request")
    assert done["organization_id"] == api.tenant.organization_id
    assert "organization_id" not in refused
