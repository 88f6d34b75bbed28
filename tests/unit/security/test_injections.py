"""Headers, cookies and paths that mean something else than they say: refused or ignored."""

from __future__ import annotations

import uuid

import pytest

from tests.unit.security.application import client, recorded, state

BAD_IDS = ["", "a b", "x" * 129, "n\u00e9", "a\tb", "id\x7f"]
PATHS = [
    "/v1/../etc/passwd",
    "/v1/contacts/..%2f..%2fetc%2fpasswd",
    "/v1/contacts/%00",
    "/v1/contacts/%c0%ae%c0%ae",
    "/v1/campaigns/1%20OR%201=1",
    "/u/%2e%2e%2fhealth%2fdetailed",
    "//evil.example/v1/contacts",
]


@pytest.mark.parametrize("given", BAD_IDS)
def test_a_request_id_that_is_none_is_replaced(given: str) -> None:
    answer = client().get("/health", headers={b"X-Request-Id": given.encode()})
    assert uuid.UUID(answer.headers["x-request-id"])


def test_a_request_id_comes_back_as_it_is() -> None:
    answer = client().get("/health", headers={"X-Request-Id": "trace/7;a=b"})
    assert answer.headers["x-request-id"] == "trace/7;a=b"


@pytest.mark.parametrize("path", PATHS)
def test_a_path_leads_nowhere_but_to_routes(path: str) -> None:
    answer = client().get(path)
    assert answer.status_code in (401, 404, 405, 422), answer.text
    assert "root:" not in answer.text


def test_nobody_is_sent_to_where_a_host_header_says() -> None:
    answer = client().get("/v1/contacts/", headers={"Host": "evil.example"})
    assert answer.status_code == 404
    assert "location" not in answer.headers


def test_a_cookie_lets_nobody_in() -> None:
    for cookie in ("session=1; token=nk_abc", "authorization=Bearer x", "$Version=1; a=\x01", ";;"):
        answer = client().get("/v1/organization", headers={b"Cookie": cookie.encode()})
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer  ", "Basic dTpw", "bearer\tx", "Token x"],
)
def test_what_is_no_bearer_token_is_refused_and_not_looked_up(authorization: str) -> None:
    answer = client().get("/v1/organization", headers={"Authorization": authorization})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_forwarded_address_is_believed_from_nobody_by_default() -> None:
    from infra.settings import Settings

    assert Settings(_env_file=None).trusted_proxies == ()


def test_a_refusal_is_recorded_once_an_hour_and_place() -> None:
    browser = client(public_url="http://refusals.example")
    for _ in range(3):
        browser.get("/v1/organization", headers={"User-Agent": "prober/1.0"})
    (event,) = recorded(browser)
    assert (event.kind, event.what, event.meta.actor) == (
        "token_refused", "unauthenticated", "anonymous",
    )  # fmt: skip
    assert (event.address, event.agent) == ("testclient", "prober/1.0")


def test_a_websocket_refused_for_its_rate_is_recorded_too() -> None:
    browser = client(public_url="http://sockets.example", limit_address="1/hour")
    browser.get("/v1/organization")
    for _ in range(2):
        with browser.websocket_connect("/v1/ws") as socket:
            assert socket.receive()["code"] == 1013
    assert [(event.kind, event.what, event.meta.actor) for event in recorded(browser)] == [
        ("token_refused", "unauthenticated", "anonymous"),
        ("limit_reached", "too_many_requests", "anonymous"),
    ]


def test_whoever_tries_in_a_loop_from_many_places_fills_no_log(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.security.MOST_AN_HOUR", 2)
    browser = client(public_url="http://floods.example")
    for place in ("one", "two", "three", "four"):
        state(browser).services.hash_address = lambda _, place=place: place.encode()
        assert browser.get("/v1/organization").status_code == 401
    assert len(recorded(browser)) == 2
