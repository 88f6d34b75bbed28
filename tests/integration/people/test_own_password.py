"""Somebody who is logged in has another password, giving the current one."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from api.people import Visit
from api.ports import Answer, CommandTransaction
from domain.shared.errors import InvalidValueError
from domain.shared.meta import Meta
from tests.support.people import PASSWORD, Entrance, Member

OTHER, ANOTHER = "rolls in the evening", "buns in the afternoon"


def change(
    entrance: Entrance, member: Member, current: str = PASSWORD, wanted: str = OTHER
) -> httpx.Response:
    body = {"current_password": current, "password": wanted}
    return entrance.api.request("PUT", "/v1/account/password", body, key=member.access_token)


def refusal(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def told(entrance: Entrance, member: Member, kind: str) -> list[tuple[str, str]]:
    """Security events of a kind: about what, and what of it."""
    answer = entrance.api.get(f"/v1/audit?kind={kind}", key=member.access_token)
    return [(each["subject"], each["what"]) for each in answer.json()["items"]]


def test_the_other_sessions_end_and_this_one_goes_on(entrance: Entrance) -> None:
    member = entrance.sign_up()
    elsewhere = entrance.log_in(member.email)

    done = change(entrance, member)

    assert (done.status_code, "nudge-position" in done.headers) == (204, True), done.text
    assert refusal(elsewhere.refresh()) == (401, "invalid_refresh_token")
    assert member.refresh().status_code == 200
    old = {"email": member.email, "password": PASSWORD}
    refused = entrance.browser().post("/v1/auth/login", json=old)
    assert refusal(refused) == (401, "invalid_credentials")
    assert entrance.log_in(member.email, OTHER).user_id == member.user_id
    entrance.run_errands()
    assert "changed" in entrance.postbox.to(member.email)[-1]["Subject"]
    assert told(entrance, member, "password_changed") == [(member.user_id, "own")]
    assert told(entrance, member, "session_revoked") == [(elsewhere.session_id, "password_changed")]


def test_links_that_were_asked_for_before_are_void(entrance: Entrance) -> None:
    member = entrance.sign_up()
    entrance.browser().post("/v1/auth/password-reset", json={"email": member.email})
    entrance.run_errands()
    link = {"token": entrance.postbox.token(member.email), "password": ANOTHER}

    assert change(entrance, member).status_code == 204

    used = entrance.browser().post("/v1/auth/password-reset/confirm", json=link)
    assert refusal(used) == (401, "invalid_link")


def test_a_wrong_current_password_changes_nothing_is_recorded_and_slows_down(
    entrance: Entrance,
) -> None:
    member = entrance.sign_up()
    refused = change(entrance, member, current=ANOTHER)
    assert refusal(refused) == (422, "wrong_password")
    assert [each["field"] for each in refused.json()["errors"]] == ["current_password"]
    entrance.run_errands()
    assert told(entrance, member, "login_failed") == [(member.user_id, "")]
    with entrance.api.worker.pool.connection() as connection:
        connection.execute("UPDATE state.attempts SET count = 15")  # as if it went on

    slowed = change(entrance, member)

    assert refusal(slowed) == (429, "slow_down")
    entrance.advance(seconds=int(slowed.headers["retry-after"]))
    assert member.refresh().status_code == 200
    assert change(entrance, member).status_code == 204


def test_a_new_password_is_checked_as_any_other(shared: Entrance) -> None:
    member = shared.sign_up()
    assert refusal(change(shared, member, wanted="a" * 12)) == (422, "weak_password")
    assert refusal(change(shared, member, wanted="short")) == (422, "invalid_fields")


def test_a_key_has_no_password(shared: Entrance) -> None:
    body = {"current_password": PASSWORD, "password": OTHER}
    refused = shared.api.request("PUT", "/v1/account/password", body)
    assert refusal(refused) == (409, "no_password")


def test_of_two_changes_at_once_the_later_is_refused(shared: Entrance) -> None:
    member = shared.sign_up()
    organization, user = uuid.UUID(member.admitted["organization_id"]), uuid.UUID(member.user_id)
    people, now, request = shared.services.people, shared.services.clock(), uuid.uuid4()
    visit = Visit(request, now, "127.0.0.1", "")
    late = people.entrance.check_password(organization, user, PASSWORD, ANOTHER, visit)
    assert change(shared, member).status_code == 204

    def decide(tx: CommandTransaction) -> Answer:
        meta = Meta(organization, f"user:{user}", request, request, now)
        people.staff.change_password(tx, user, uuid.UUID(member.session_id), late, meta)
        return Answer(204, None)

    with pytest.raises(InvalidValueError, match="current password"):
        shared.services.commands.run_once(organization, None, b"", decide)
    assert shared.log_in(member.email, OTHER).user_id == member.user_id
