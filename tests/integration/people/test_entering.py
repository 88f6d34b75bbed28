"""Signing up, verifying, logging in, new passwords: as a person at the entrance sees it."""

from __future__ import annotations

import uuid

from fastapi.testclient import TestClient

from tests.support.people import PASSWORD, Entrance, Member

OTHER = "rolls in the evening"


def address() -> str:
    return f"{uuid.uuid4().hex[:12]}@example.com"


def events_of(entrance: Entrance, stream: str) -> list[str]:
    with entrance.api.worker.pool.connection() as connection:
        rows = connection.execute(
            "SELECT type FROM log.events WHERE stream_id = %s ORDER BY version", (stream,)
        )
        return [kind for (kind,) in rows]


def who(entrance: Entrance, member: Member) -> dict[str, object]:
    answer = entrance.api.get(f"/v1/users/{member.user_id}", key=member.access_token)
    assert answer.status_code == 200, answer.text
    shown: dict[str, object] = answer.json()
    return shown


def test_whoever_follows_the_link_owns_a_new_organization(shared: Entrance) -> None:
    member = shared.sign_up(organization="Crumb & Co.")
    user = who(shared, member)
    assert (user["email"], user["name"], user["role"]) == (member.email, "Rosa", "owner")
    organization = shared.api.get("/v1/organization", key=member.access_token).json()
    assert organization["name"] == "Crumb & Co."
    businesses = shared.api.get("/v1/businesses", key=member.access_token).json()
    assert [each["name"] for each in businesses["items"]] == ["Crumb & Co."]


def test_before_the_link_is_followed_nothing_exists(shared: Entrance) -> None:
    email = address()
    body = {"email": email, "password": PASSWORD, "name": "R", "organization": "O"}
    assert shared.browser().post("/v1/auth/signup", json=body).status_code == 202
    shared.run_errands()
    refused = shared.browser().post("/v1/auth/login", json={"email": email, "password": PASSWORD})
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_credentials")


def test_a_link_is_good_once_and_for_a_day(entrance: Entrance) -> None:
    member = entrance.sign_up()
    used = entrance.postbox.token(member.email)
    assert code(entrance.browser().post("/v1/auth/verify", json={"token": used})) == "invalid_link"
    email = address()
    body = {"email": email, "password": PASSWORD, "name": "R", "organization": "O"}
    entrance.browser().post("/v1/auth/signup", json=body)
    entrance.run_errands()
    entrance.advance(hours=25)
    late = {"token": entrance.postbox.token(email)}
    assert code(entrance.browser().post("/v1/auth/verify", json=late)) == "invalid_link"


def test_a_link_of_one_kind_opens_no_other_door(shared: Entrance) -> None:
    member = shared.sign_up()
    shared.browser().post("/v1/auth/password-reset", json={"email": member.email})
    shared.run_errands()
    token = shared.postbox.token(member.email)
    assert code(shared.browser().post("/v1/auth/verify", json={"token": token})) == "invalid_link"
    accept = {"token": token, "name": "B", "password": PASSWORD}
    refused = shared.browser().post("/v1/invitations/accept", json=accept)
    assert code(refused) == "invalid_link"


def test_a_second_sign_up_with_the_address_is_told_by_mail_only(shared: Entrance) -> None:
    member = shared.sign_up()
    body = {"email": member.email.upper(), "password": OTHER, "name": "X", "organization": "X"}
    again = shared.browser().post("/v1/auth/signup", json=body)
    assert (again.status_code, again.json()) == (202, {"status": "check_your_mail"})
    shared.run_errands()
    assert "account" in shared.postbox.to(member.email.upper())[-1]["Subject"]
    assert shared.log_in(member.email).user_id == member.user_id


def test_two_links_for_one_address_make_one_user(shared: Entrance) -> None:
    email, tokens = address(), []
    for _ in range(2):
        body = {"email": email, "password": PASSWORD, "name": "R", "organization": "O"}
        shared.browser().post("/v1/auth/signup", json=body)
        shared.run_errands()
        tokens.append(shared.postbox.token(email))
    first, second = (shared.browser().post("/v1/auth/verify", json={"token": t}) for t in tokens)
    assert first.status_code == 200
    assert (second.status_code, second.json()["code"]) == (409, "address_taken")


def test_a_password_that_is_too_easy_is_refused(shared: Entrance) -> None:
    body = {"email": address(), "password": "a" * 12, "name": "R", "organization": "O"}
    refused = shared.browser().post("/v1/auth/signup", json=body)
    assert (refused.status_code, refused.json()["code"]) == (422, "weak_password")


def test_a_new_password_ends_every_session_and_the_old_one(entrance: Entrance) -> None:
    member = entrance.sign_up()
    entrance.browser().post("/v1/auth/password-reset", json={"email": member.email})
    entrance.run_errands()
    token = entrance.postbox.token(member.email)
    done = entrance.browser().post(
        "/v1/auth/password-reset/confirm", json={"token": token, "password": OTHER}
    )
    assert done.status_code == 204, done.text
    assert code(member.refresh()) == "invalid_refresh_token"
    wrong = {"email": member.email, "password": PASSWORD}
    assert code(entrance.browser().post("/v1/auth/login", json=wrong)) == "invalid_credentials"
    assert entrance.log_in(member.email, OTHER).user_id == member.user_id
    entrance.run_errands()
    assert "changed" in entrance.postbox.to(member.email)[-1]["Subject"]
    assert events_of(entrance, member.user_id) == ["UserRegistered", "UserPasswordChanged"]
    assert events_of(entrance, member.session_id) == ["SessionStarted", "SessionEnded"]
    again = {"token": token, "password": PASSWORD}
    used = entrance.browser().post("/v1/auth/password-reset/confirm", json=again)
    assert code(used) == "invalid_link"


def test_a_link_for_a_new_password_is_good_for_an_hour(entrance: Entrance) -> None:
    member = entrance.sign_up()
    entrance.browser().post("/v1/auth/password-reset", json={"email": member.email})
    entrance.run_errands()
    entrance.advance(minutes=61)
    late = {"token": entrance.postbox.token(member.email), "password": OTHER}
    refused = entrance.browser().post("/v1/auth/password-reset/confirm", json=late)
    assert code(refused) == "invalid_link"


def test_nobody_is_mailed_when_the_address_is_nobodys(shared: Entrance) -> None:
    email = address()
    asked = shared.browser().post("/v1/auth/password-reset", json={"email": email})
    assert (asked.status_code, asked.json()) == (202, {"status": "check_your_mail"})
    shared.run_errands()
    assert shared.postbox.to(email) == []


def test_after_failures_the_next_attempt_waits_also_the_right_one(entrance: Entrance) -> None:
    member = entrance.sign_up()
    wrong = {"email": member.email, "password": OTHER}
    for _ in range(5):
        assert entrance.browser().post("/v1/auth/login", json=wrong).status_code == 401
    right = {"email": member.email, "password": PASSWORD}
    slowed = entrance.browser().post("/v1/auth/login", json=right)
    assert (slowed.status_code, slowed.json()["code"]) == (429, "slow_down")
    entrance.advance(seconds=int(slowed.headers["retry-after"]))
    assert entrance.browser().post("/v1/auth/login", json=right).status_code == 200
    assert entrance.browser().post("/v1/auth/login", json=wrong).status_code == 401


def test_failed_log_ins_are_events_of_the_user_and_of_nobody_else(entrance: Entrance) -> None:
    member = entrance.sign_up()
    for email in (member.email, address()):
        body = {"email": email, "password": OTHER}
        assert entrance.browser().post("/v1/auth/login", json=body).status_code == 401
    entrance.run_errands()
    entrance.run_errands()
    shown = entrance.api.get("/v1/events?type=LoginFailed", key=member.access_token).json()
    assert [each["data"]["user_id"] for each in shown["items"]] == [member.user_id]


def test_an_address_is_the_same_in_any_case(shared: Entrance) -> None:
    member = shared.sign_up()
    assert shared.log_in(member.email.upper()).user_id == member.user_id


def test_unknown_fields_are_refused_and_give_nobody_anything(shared: Entrance) -> None:
    body = {"email": address(), "password": PASSWORD, "name": "R", "organization": "O"}
    for more in ({"role": "owner"}, {"organization_id": str(uuid.uuid4())}, {"verified": True}):
        refused = shared.browser().post("/v1/auth/signup", json={**body, **more})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_fields")


def code(answer: object) -> str:
    assert hasattr(answer, "json")
    return str(answer.json()["code"])


def test_cookies_of_other_sites_pages_do_nothing(shared: Entrance) -> None:
    member = shared.sign_up()
    refused = [
        member.browser.post(f"/v1/auth/{door}", headers=headers)
        for door in ("refresh", "logout")
        for headers in (
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": "same-site", "Origin": "https://testserver"},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
        )
    ]
    assert {(r.status_code, r.json()["code"]) for r in refused} == {(403, "cross_site_request")}
    for headers in ({"Sec-Fetch-Site": "same-origin"}, {"Origin": "https://testserver"}, {}):
        assert member.browser.post("/v1/auth/refresh", headers=headers).status_code == 200


def test_the_cookie_is_for_nobody_but_the_entrance(shared: Entrance) -> None:
    member = shared.sign_up()
    answer = member.browser.post("/v1/auth/refresh")
    cookie = answer.headers["set-cookie"]
    for part in ("HttpOnly", "Secure", "SameSite=strict", "Path=/v1/auth", "Max-Age=604800"):
        assert part in cookie
    assert answer.headers["cache-control"] == "no-store"
    assert isinstance(member.browser, TestClient)
    assert member.browser.get("/v1/users").status_code == 401, "a cookie alone opens nothing"


def test_looking_at_a_link_changes_nothing_and_its_form_does(entrance: Entrance) -> None:
    email = address()
    body = {"email": email, "password": PASSWORD, "name": "R", "organization": "O"}
    entrance.browser().post("/v1/auth/signup", json=body)
    entrance.run_errands()
    path = f"/a/{entrance.postbox.token(email)}"
    for _ in range(2):
        looked = entrance.browser().get(path)
        assert looked.status_code == 200
        assert "Confirm your address" in looked.text
    sent = entrance.browser().post(path)
    assert "is confirmed" in sent.text
    assert entrance.browser().post(path).status_code == 404
    member = entrance.log_in(email)
    entrance.browser().post("/v1/auth/password-reset", json={"email": email})
    entrance.run_errands()
    path = f"/a/{entrance.postbox.token(email)}"
    weak = entrance.browser().post(path, data={"password": "short"})
    assert weak.status_code == 422
    assert "12 to 128" in weak.text
    assert entrance.browser().post(path, data={"password": OTHER}).status_code == 200
    assert entrance.log_in(email, OTHER).user_id == member.user_id


def test_an_invitation_is_accepted_on_its_page(entrance: Entrance) -> None:
    owner = entrance.sign_up()
    body = {"email": "ben@example.com", "role": "analyst"}
    entrance.api.post("/v1/invitations", body, key=owner.access_token)
    entrance.run_errands()
    path = f"/a/{entrance.postbox.token('ben@example.com')}"
    assert entrance.browser().post(path, data={"password": PASSWORD}).status_code == 422
    done = entrance.browser().post(path, data={"name": "Ben", "password": PASSWORD})
    assert (done.status_code, "You are in" in done.text) == (200, True)
    assert who(entrance, entrance.log_in("ben@example.com"))["role"] == "analyst"


def test_a_page_of_no_link_says_so(shared: Entrance) -> None:
    for token in ("x", "A" * 87, "%00"):
        assert shared.browser().get(f"/a/{token}").status_code == 404
        assert shared.browser().post(f"/a/{token}").status_code == 404
