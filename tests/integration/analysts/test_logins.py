"""Logins: admitted while they are in use, each to its own organization."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from infra.local.clickhouse.analysts.logins import AnalystLogins
from infra.local.clickhouse.errors import ClickHouseError
from infra.postgres import connect
from tests.integration.analysts.conftest import Analytics


def test_each_login_sees_its_own_organization(analytics: Analytics) -> None:
    sql = "SELECT DISTINCT toString(organization_id) FROM events"
    mine = analytics.ask(sql)
    theirs = analytics.ask(sql, analytics.their_login)
    assert mine.text.split() == [str(analytics.mine)]
    assert theirs.text.split() == [str(analytics.theirs)]


@pytest.mark.parametrize(
    "change",
    [
        {"password": "wrong"},
        {"password": ""},
        {"username": "analyst_" + "0" * 32},
        {"username": "analyst_"},
        {"username": "analyst_zz"},
        {"username": "nudge"},
        {"username": "' OR 1 = 1 --"},
    ],
)
def test_a_wrong_login_gets_in_nowhere(analytics: Analytics, change: dict[str, str]) -> None:
    answer = analytics.ask("SELECT 1", {**analytics.login, **change})
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (401, "516")


def test_one_organizations_password_does_not_open_anothers_login(analytics: Analytics) -> None:
    mixed = {**analytics.login, "password": analytics.their_login["password"]}
    assert analytics.ask("SELECT 1", mixed).status_code == 401


def test_a_revoked_login_is_admitted_for_a_second_at_most(analytics: Analytics) -> None:
    login = analytics.new_login("Soon gone")
    assert analytics.ask("SELECT 1", login).text == "1\n"
    assert analytics.api.request("DELETE", f"/v1/analysts/{login['id']}").status_code == 204
    revoked = time.monotonic()
    while analytics.ask("SELECT 1", login).status_code == 200:
        assert time.monotonic() - revoked < 10
    assert analytics.ask("SELECT 1", login).status_code == 401


class Clock:
    """Seconds that pass when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_believed_for_one_second_of_the_clock(analytics: Analytics) -> None:
    clock, login = Clock(), analytics.new_login("Believed")
    url = analytics.api.core.addresses.postgres_api_url
    logins = AnalystLogins(lambda: connect(url, autocommit=True), clock)
    assert logins.organization_of(login["username"], login["password"]) == analytics.mine
    analytics.api.request("DELETE", f"/v1/analysts/{login['id']}")
    clock.now = 0.9
    assert logins.organization_of(login["username"], login["password"]) == analytics.mine
    clock.now = 1.1
    assert logins.organization_of(login["username"], login["password"]) is None


def test_without_postgres_a_login_cannot_be_checked_and_later_it_can(
    analytics: Analytics,
) -> None:
    clock = Clock()
    urls = [
        "postgresql://nudge_api:x@127.0.0.1:1/none",
        analytics.api.core.addresses.postgres_api_url,
    ]
    logins = AnalystLogins(lambda: connect(urls[0], autocommit=True), clock)
    who: dict[str, Any] = analytics.login
    with pytest.raises(ClickHouseError) as away:
        logins.organization_of(who["username"], who["password"])
    assert (away.value.status, away.value.name) == (503, "NETWORK_ERROR")
    urls.pop(0)
    assert logins.organization_of(who["username"], who["password"]) == analytics.mine


def test_a_connection_that_died_is_replaced(analytics: Analytics) -> None:
    clock = Clock()
    url = analytics.api.core.addresses.postgres_api_url
    opened = []

    def open_one() -> Any:
        opened.append(connect(url, autocommit=True))
        return opened[-1]

    logins = AnalystLogins(open_one, clock)
    who = analytics.login
    assert logins.organization_of(who["username"], who["password"]) == analytics.mine
    opened[0].close()
    clock.now = 2.0
    assert logins.organization_of(who["username"], who["password"]) == analytics.mine
    assert len(opened) == 2


def test_the_operator_is_not_bound_and_analysts_do_not_share_its_login(
    analytics: Analytics,
) -> None:
    assert analytics.operator("SELECT uniqExact(organization_id) FROM nudge.events").text != "1\n"
    no_login = httpx.post(analytics.server.url, content="SELECT 1", trust_env=False)
    assert no_login.status_code == 401
