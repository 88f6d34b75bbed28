"""Users and invitations: who may make whom what, and what is left of somebody who leaves."""

from __future__ import annotations

import threading
import uuid
from typing import Any

import pytest

from domain.access.permissions import ROLE_NAMES, ROLES
from infra.postgres import connect
from infra.rebuilding.desk import PostgresDesk
from infra.rebuilding.workers import Access
from tests.support.people import PASSWORD, Entrance, Member


@pytest.fixture(scope="module")
def owner(shared: Entrance) -> Member:
    return shared.sign_up()


def patch(entrance: Entrance, by: Member, user_id: str, role: str) -> tuple[int, str]:
    answer = entrance.api.patch(f"/v1/users/{user_id}", {"role": role}, key=by.access_token)
    return answer.status_code, answer.json().get("code", "")


def test_whoever_accepts_an_invitation_is_a_user_with_its_role(
    shared: Entrance, owner: Member
) -> None:
    ben = shared.invited(owner, "marketer")
    shown = shared.api.get(f"/v1/users/{ben.user_id}", key=owner.access_token).json()
    assert (shown["email"], shown["name"], shown["role"]) == (ben.email, "Ben", "marketer")
    listed = shared.api.get("/v1/users", key=owner.access_token).json()
    assert {ben.user_id, owner.user_id} <= {each["id"] for each in listed["items"]}
    invitations = shared.api.get("/v1/invitations?status=accepted", key=owner.access_token).json()
    assert {each["email"] for each in invitations["items"]} == {""}, "it is the user's now"


def test_the_mail_names_the_organization(shared: Entrance, owner: Member) -> None:
    ben = shared.invited(owner, "analyst")
    assert shared.postbox.to(ben.email)[0]["Subject"] == "You are invited to Rosa's Bakery"


def test_an_invitation_is_good_once(shared: Entrance, owner: Member) -> None:
    ben = shared.invited(owner, "analyst")
    body = {"token": shared.postbox.token(ben.email), "name": "B", "password": PASSWORD}
    again = shared.browser().post("/v1/invitations/accept", json=body)
    assert (again.status_code, again.json()["code"]) == (409, "invitation_over")


def test_one_that_was_taken_back_admits_nobody_and_forgets_the_address(
    shared: Entrance, owner: Member
) -> None:
    email = f"{uuid.uuid4().hex[:12]}@example.com"
    made = shared.api.post(
        "/v1/invitations", {"email": email, "role": "admin"}, key=owner.access_token
    ).json()
    shared.run_errands()
    gone = shared.api.request("DELETE", f"/v1/invitations/{made['id']}", key=owner.access_token)
    assert gone.status_code == 204
    body = {"token": shared.postbox.token(email), "name": "B", "password": PASSWORD}
    refused = shared.browser().post("/v1/invitations/accept", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")
    shown = shared.api.get("/v1/invitations?status=revoked", key=owner.access_token).json()
    assert {each["email"] for each in shown["items"]} == {""}
    told = shared.api.get(f"/v1/events?stream={made['id']}", key=owner.access_token).json()
    assert email not in str(told)


def test_somebody_who_is_here_is_not_invited_and_elsewhere_nobody_learns_it(
    shared: Entrance, owner: Member
) -> None:
    here = shared.api.post(
        "/v1/invitations", {"email": owner.email, "role": "admin"}, key=owner.access_token
    )
    assert (here.status_code, here.json()["code"]) == (409, "user_exists")
    stranger = shared.sign_up()
    made = shared.api.post(
        "/v1/invitations", {"email": stranger.email, "role": "admin"}, key=owner.access_token
    )
    assert made.status_code == 201
    shared.run_errands()
    body = {"token": shared.postbox.token(stranger.email), "name": "B", "password": PASSWORD}
    refused = shared.browser().post("/v1/invitations/accept", json=body)
    assert (refused.status_code, refused.json()["code"]) == (409, "address_taken")


def test_nobody_raises_themselves_or_others_above_themselves(
    shared: Entrance, owner: Member
) -> None:
    admin, marketer = shared.invited(owner, "admin"), shared.invited(owner, "marketer")
    assert patch(shared, marketer, marketer.user_id, "owner") == (403, "not_allowed")
    assert patch(shared, admin, admin.user_id, "owner") == (403, "role_beyond_yours")
    assert patch(shared, admin, marketer.user_id, "owner") == (403, "role_beyond_yours")
    assert patch(shared, admin, owner.user_id, "read_only") == (403, "role_beyond_yours")
    body = {"email": "evil@example.com", "role": "owner"}
    invited = shared.api.post("/v1/invitations", body, key=admin.access_token)
    assert (invited.status_code, invited.json()["code"]) == (403, "role_beyond_yours")
    removed = shared.api.request("DELETE", f"/v1/users/{owner.user_id}", key=admin.access_token)
    assert (removed.status_code, removed.json()["code"]) == (403, "role_beyond_yours")
    assert patch(shared, admin, marketer.user_id, "approver") == (200, "")


@pytest.mark.parametrize(
    "more",
    [{"organization_id": str(uuid.uuid4())}, {"email": "x@example.com"}, {"permissions": ["*"]},
     {"id": str(uuid.uuid4())}],
)  # fmt: skip
def test_a_patch_changes_nothing_but_the_role(
    more: dict[str, object], shared: Entrance, owner: Member
) -> None:
    refused = shared.api.patch(
        f"/v1/users/{owner.user_id}", {"role": "owner", **more}, key=owner.access_token
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize("role", ["root", "", "OWNER", None, ["owner"], "*"])
def test_there_are_no_other_roles(role: object, shared: Entrance, owner: Member) -> None:
    refused = shared.api.patch(f"/v1/users/{owner.user_id}", {"role": role}, key=owner.access_token)
    assert refused.status_code == 422
    assert role not in ROLE_NAMES


def test_another_organizations_people_are_not_there(shared: Entrance, owner: Member) -> None:
    stranger = shared.sign_up()
    ours = shared.api
    for answer in (
        ours.get(f"/v1/users/{stranger.user_id}", key=owner.access_token),
        ours.patch(f"/v1/users/{stranger.user_id}", {"role": "admin"}, key=owner.access_token),
        ours.request("DELETE", f"/v1/users/{stranger.user_id}", key=owner.access_token),
        ours.request("DELETE", f"/v1/sessions/{stranger.session_id}", key=owner.access_token),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    listed = ours.get(f"/v1/sessions?user_id={stranger.user_id}", key=owner.access_token)
    assert listed.json() == {"items": []}


def test_copies_for_comparison_forget_who_was_removed_and_who_is_not_invited_after_all(
    entrance: Entrance,
) -> None:
    owner = entrance.sign_up()
    ben, api = entrance.invited(owner, "marketer"), entrance.api
    cara = {"email": "cara@example.com", "role": "admin"}
    invitation = api.post("/v1/invitations", cara, key=owner.access_token).json()["id"]
    at = api.worker.addresses
    desk = PostgresDesk(Access(at.postgres_owner_url, at.master_key_file))

    def kept() -> list[tuple[Any, ...]]:
        with connect(at.postgres_worker_url) as connection:
            return connection.execute(
                "SELECT email FROM shadow.users WHERE id = %s UNION ALL"
                " SELECT email FROM shadow.invitations WHERE id = %s",
                (ben.user_id, invitation),
            ).fetchall()

    with connect(at.postgres_worker_url) as connection:
        (position,) = connection.execute("SELECT max(position) FROM log.events").fetchone() or (0,)
    for view in ("users", "invitations"):
        desk.rebuild(view, as_of=position)
    assert kept() == [(ben.email,), ("cara@example.com",)]

    for path in (f"/v1/users/{ben.user_id}", f"/v1/invitations/{invitation}"):
        assert api.delete(path, key=owner.access_token).status_code == 204

    assert kept() == [("",), ("",)]
    assert desk.diff("users").same
    assert desk.diff("invitations").same


def test_a_role_is_in_force_for_tokens_that_are_out(entrance: Entrance) -> None:
    owner = entrance.sign_up()
    ben = entrance.invited(owner, "admin")
    other = entrance.log_in(ben.email)  # a token nobody has looked at yet
    assert entrance.api.get("/v1/users", key=ben.access_token).status_code == 200
    assert patch(entrance, owner, ben.user_id, "analyst") == (200, "")
    assert entrance.api.get("/v1/users", key=other.access_token).status_code == 403


def test_everybody_sees_themselves_and_only_some_see_others(
    shared: Entrance, owner: Member
) -> None:
    ben = shared.invited(owner, "analyst")
    own = shared.api.get(f"/v1/users/{ben.user_id}", key=ben.access_token)
    assert (own.status_code, own.json()["role"]) == (200, "analyst")
    other = shared.api.get(f"/v1/users/{owner.user_id}", key=ben.access_token)
    assert (other.status_code, other.json()["code"]) == (403, "not_allowed")
    sessions = shared.api.get(f"/v1/sessions?user_id={owner.user_id}", key=ben.access_token)
    assert sessions.status_code == 403
    path = f"/v1/sessions/{owner.session_id}"
    ended = shared.api.request("DELETE", path, key=ben.access_token)
    assert (ended.status_code, ended.json()["code"]) == (404, "not_found")


def test_a_stale_etag_changes_nobody(shared: Entrance, owner: Member) -> None:
    ben = shared.invited(owner, "analyst")
    read = shared.api.get(f"/v1/users/{ben.user_id}", key=owner.access_token)
    patch(shared, owner, ben.user_id, "marketer")
    stale = shared.api.patch(
        f"/v1/users/{ben.user_id}", {"role": "admin"}, key=owner.access_token,
        headers={"If-Match": read.headers["etag"]},
    )  # fmt: skip
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_etag")


def test_the_last_owner_stays(entrance: Entrance) -> None:
    owner = entrance.sign_up()
    assert patch(entrance, owner, owner.user_id, "admin") == (409, "last_owner")
    gone = entrance.api.request("DELETE", f"/v1/users/{owner.user_id}", key=owner.access_token)
    assert (gone.status_code, gone.json()["code"]) == (409, "last_owner")
    second = entrance.invited(owner, "owner")
    assert patch(entrance, owner, owner.user_id, "admin") == (200, "")
    assert patch(entrance, second, second.user_id, "admin") == (409, "last_owner")


def test_two_owners_cannot_both_leave_at_once(entrance: Entrance) -> None:
    first = entrance.sign_up()
    second = entrance.invited(first, "owner")
    answers: list[int] = []

    def leave(who: Member) -> None:
        headers = {"Authorization": f"Bearer {who.access_token}"}
        gone = entrance.browser().delete(f"/v1/users/{who.user_id}", headers=headers)
        answers.append(gone.status_code)

    threads = [threading.Thread(target=leave, args=(who,)) for who in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [204, 409]


def test_what_somebody_made_for_the_organization_stays_and_is_named(
    shared: Entrance,
) -> None:
    owner = shared.sign_up()
    ben = shared.invited(owner, "admin")
    body = {"name": "till", "scopes": ["analytics:export"]}
    key, over = (shared.api.post("/v1/api-keys", body, key=ben.access_token) for _ in range(2))
    revoked = shared.api.delete(f"/v1/api-keys/{over.json()['id']}", key=ben.access_token)
    login, others = (
        shared.api.post("/v1/analysts", {"name": "weekly"}, key=by)
        for by in (key.json()["secret"], owner.access_token)
    )
    assert [key.status_code, revoked.status_code, others.status_code] == [201, 204, 201]

    removed = shared.api.delete(f"/v1/users/{ben.user_id}", key=owner.access_token)

    assert removed.status_code == 200, removed.text
    assert [(each["code"], each["id"]) for each in removed.json()["warnings"]] == [
        ("api_key_stays", key.json()["id"]), ("analyst_stays", login.json()["id"]),
    ]  # fmt: skip
    listed = shared.api.get("/v1/analysts", key=key.json()["secret"]).json()["items"]
    assert {each["revoked_at"] for each in listed} == {None}


def test_nothing_readable_is_left_of_somebody_who_was_removed(entrance: Entrance) -> None:
    owner = entrance.sign_up()
    ben = entrance.invited(owner, "marketer")
    removed = entrance.api.request("DELETE", f"/v1/users/{ben.user_id}", key=owner.access_token)
    assert removed.status_code == 204
    assert entrance.api.get(f"/v1/users/{ben.user_id}", key=owner.access_token).status_code == 404
    assert ben.refresh().status_code == 401
    wrong = {"email": ben.email, "password": PASSWORD}
    assert entrance.browser().post("/v1/auth/login", json=wrong).status_code == 401
    told = entrance.api.get(f"/v1/events?stream={ben.user_id}", key=owner.access_token).json()
    assert [each["type"] for each in told["items"]] == ["UserRegistered", "UserRemoved"]
    assert ben.email not in str(told)
    with entrance.api.worker.pool.connection() as connection:
        key = connection.execute(
            "SELECT wrapped FROM log.subject_keys WHERE subject_id = %s", (ben.user_id,)
        ).fetchone()
        rows = connection.execute(
            "SELECT email, name FROM views.users WHERE id = %s", (ben.user_id,)
        ).fetchall()
    assert key == (None,)
    assert rows == [("", "")]
    again = entrance.sign_up(ben.email)
    assert again.user_id != ben.user_id, "the address is free again"


@pytest.mark.parametrize("way", ["by themselves", "by a key of theirs", "a moment ago"])
def test_nobody_comes_in_by_an_invitation_of_somebody_who_was_removed(
    shared: Entrance, owner: Member, way: str
) -> None:
    ben, email = shared.invited(owner, "admin"), f"{uuid.uuid4().hex[:12]}@example.com"
    by = ben.access_token
    if way == "by a key of theirs":
        scopes = ["users:invite", *ROLES["auditor"]]
        made = shared.api.post("/v1/api-keys", {"name": "door", "scopes": scopes}, key=by)
        by = made.json()["secret"]
    body = {"email": email, "role": "auditor"}
    made = shared.api.post("/v1/invitations", body, key=by)
    assert made.status_code == 201, made.text
    shared.run_errands()
    if way == "a moment ago":  # the read model has not heard of it
        with shared.api.worker.pool.connection() as connection:
            connection.execute("DELETE FROM views.invitations WHERE id = %s", (made.json()["id"],))
    removed = shared.api.delete(f"/v1/users/{ben.user_id}", key=owner.access_token)
    assert removed.is_success, removed.text

    token = {"token": shared.postbox.token(email), "name": "Eve", "password": PASSWORD}
    refused = shared.browser().post("/v1/invitations/accept", json=token)

    assert (refused.status_code, refused.json()["code"]) == (409, "invitation_over")
    left = shared.api.get("/v1/invitations?status=open", key=owner.access_token).json()["items"]
    assert made.json()["id"] not in {each["id"] for each in left}


def test_an_invitation_outlives_the_removal_of_somebody_else(
    shared: Entrance, owner: Member
) -> None:
    ben, email = shared.invited(owner, "admin"), f"{uuid.uuid4().hex[:12]}@example.com"
    body = {"email": email, "role": "analyst"}
    assert shared.api.post("/v1/invitations", body, key=owner.access_token).status_code == 201
    shared.run_errands()
    assert shared.api.delete(f"/v1/users/{ben.user_id}", key=owner.access_token).is_success

    token = {"token": shared.postbox.token(email), "name": "Eve", "password": PASSWORD}
    assert shared.browser().post("/v1/invitations/accept", json=token).status_code == 200


def test_a_link_for_a_new_password_ends_with_its_user(shared: Entrance) -> None:
    owner = shared.sign_up()
    ben = shared.invited(owner, "marketer")
    shared.browser().post("/v1/auth/password-reset", json={"email": ben.email})
    shared.run_errands()
    body = {"token": shared.postbox.token(ben.email), "password": PASSWORD}
    assert shared.api.delete(f"/v1/users/{ben.user_id}", key=owner.access_token).status_code == 204
    refused = shared.browser().post("/v1/auth/password-reset/confirm", json=body)
    assert (refused.status_code, refused.json()["code"]) == (401, "invalid_link")
