"""What a key may do is what its permissions say, at every endpoint, with real answers."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from api.access import Door
from domain.access.permissions import PERMISSIONS, ROLE_NAMES, ROLES, Permission, Role
from tests.support.api import Api, campaign_body
from tests.support.people import Entrance, Member
from tests.support.ways_in import endpoints_that_ask, path_of

ENDPOINTS = endpoints_that_ask()
EACH_ENDPOINT = pytest.mark.parametrize(
    "door", ENDPOINTS, ids=lambda door: f"{door.method} {door.path}"
)


def knock(api: Api, door: Door, key: str) -> httpx.Response:
    return api.request(door.method, path_of(door), key=key)


def missing(answer: httpx.Response) -> set[str]:
    """The permissions that a refusal names; none when it is no refusal."""
    if answer.status_code != 403:
        return set()
    problem = answer.json()
    assert problem["code"] == "not_allowed"
    assert answer.headers["content-type"] == "application/problem+json"
    named = {each["detail"] for each in problem["errors"]}
    assert all(each in problem["detail"] for each in named)
    return named


@EACH_ENDPOINT
def test_without_its_permission_an_endpoint_refuses_and_names_it(shared: Api, door: Door) -> None:
    for needed in door.needed:
        rest = shared.key(*(each for each in PERMISSIONS if each != needed))

        assert missing(knock(shared, door, rest)) == {needed}


@EACH_ENDPOINT
def test_its_permission_alone_opens_an_endpoint(shared: Api, door: Door) -> None:
    answer = knock(shared, door, shared.key(*door.needed))

    assert missing(answer) <= set(door.sometimes)
    assert answer.status_code != 401
    assert answer.status_code < 500 or answer.json()["code"] == "unavailable"


@pytest.mark.parametrize("role", ROLE_NAMES)
def test_a_role_opens_what_its_permissions_say_and_nothing_else(shared: Api, role: Role) -> None:
    key = shared.key(*ROLES[role])
    found = {door: missing(knock(shared, door, key)) for door in ENDPOINTS}

    lacking = {door: set(door.needed) - ROLES[role] for door in ENDPOINTS}
    sometimes = {door: set(door.sometimes) - ROLES[role] for door in ENDPOINTS}
    assert {
        door: names for door, names in found.items() if names - sometimes[door] != lacking[door]
    } == {}


def test_without_a_key_every_endpoint_answers_401(shared: Api) -> None:
    answers = {
        door: shared.client.request(door.method, path_of(door)).status_code for door in ENDPOINTS
    }

    assert set(answers.values()) == {401}


def test_a_scope_that_is_no_permission_allows_nothing(shared: Api) -> None:
    key = shared.key("campaigns", "read", "campaigns:*", "contacts:read ")

    assert missing(shared.get("/v1/campaigns", key=key)) == {"campaigns:read"}
    assert missing(shared.get("/v1/contacts", key=key)) == {"contacts:read"}


def test_everything_is_what_the_first_key_of_an_organization_may(shared: Api) -> None:
    assert {door: missing(shared.request(door.method, path_of(door))) for door in ENDPOINTS} == {
        door: set() for door in ENDPOINTS
    }


# --- one request for each permission that does what it is for ------------------------------------


@dataclass(frozen=True)
class Use:
    """What a permission is for: a request, what it answers, and what else the caller needs."""

    send: Callable[[Api, str], httpx.Response]
    status: int
    besides: tuple[Permission, ...] = ()


def get(path: str) -> Callable[[Api, str], httpx.Response]:
    return lambda api, key: api.get(path, key=key)


def post(path: str, body: Any = None) -> Callable[[Api, str], httpx.Response]:
    return lambda api, key: api.post(path, body, key=key)


def with_campaign(method: str, path: str, body: Any = None) -> Callable[[Api, str], httpx.Response]:
    return lambda api, key: api.request(
        method, f"/v1/campaigns/{api.campaign()['id']}{path}", body, key=key
    )


def with_person(method: str, path: str) -> Callable[[Api, str], httpx.Response]:
    def send(api: Api, key: str) -> httpx.Response:
        contact = api.contact(f"ada-{uuid.uuid4()}@x.test")
        return api.request(method, f"/v1/contacts/{contact}{path}", key=key)

    return send


def new_contact(api: Api, key: str) -> httpx.Response:
    body = {"email": f"{uuid.uuid4()}@x.test", "consent": {"status": "granted", "source": "form"}}
    return api.post("/v1/contacts", body, key=key)


def new_campaign(api: Api, key: str) -> httpx.Response:
    return api.post("/v1/campaigns", campaign_body(api.tenant.business_id), key=key)


def new_postmark(api: Api, key: str) -> httpx.Response:
    body = {"server_token": "a-token-of-a-server"}
    return api.request("PUT", "/v1/organization/postmark", body, key=key)


def postmark(api: Api, key: str) -> httpx.Response:
    assert new_postmark(api, api.tenant.api_key).status_code == 202
    return api.get("/v1/organization/postmark", key=key)


def colleague(api: Api) -> str:
    """Somebody who works here; their id."""
    rosa = Member(api.client, "", {"access_token": api.tenant.api_key})
    return Entrance(api).invited(rosa, "read_only").user_id


def invitation(api: Api, key: str) -> httpx.Response:
    body = {"email": f"{uuid.uuid4().hex}@example.com", "role": "auditor"}
    return api.post("/v1/invitations", body, key=key)


def promotion(api: Api, key: str) -> httpx.Response:
    return api.patch(f"/v1/users/{colleague(api)}", {"role": "auditor"}, key=key)


def removal(api: Api, key: str) -> httpx.Response:
    return api.request("DELETE", f"/v1/users/{colleague(api)}", key=key)


SMALL = tuple(ROLES["read_only"] | ROLES["auditor"])
"""Nobody gives, changes or takes away a role that allows more than they may do themselves."""

USES: dict[Permission, Use] = {
    "campaigns:read": Use(get("/v1/campaigns"), 200),
    "campaigns:write": Use(new_campaign, 201),
    "campaigns:approve": Use(with_campaign("POST", "/reject", {}), 200),
    "campaigns:send": Use(with_campaign("POST", "/cancel"), 200),
    "contacts:read": Use(get("/v1/contacts"), 200),
    "contacts:write": Use(new_contact, 201),
    "contacts:export": Use(with_person("GET", "/export"), 200),
    "contacts:erase": Use(with_person("DELETE", "?erase=true"), 200, ("contacts:write",)),
    "conversations:read": Use(get("/v1/conversations"), 200),
    "conversations:write": Use(post("/v1/conversations", {}), 201),
    "analytics:read": Use(get("/v1/analytics/report"), 200),
    "businesses:read": Use(get("/v1/businesses"), 200),
    "businesses:write": Use(post("/v1/businesses", {"name": "Crumb"}), 201),
    "organization:read": Use(get("/v1/organization"), 200),
    "organization:write": Use(
        lambda api, key: api.patch("/v1/organization", {"name": "Rosa & Sons"}, key=key), 200
    ),
    "integrations:read": Use(postmark, 200),
    "integrations:write": Use(new_postmark, 202),
    "audit:read": Use(get("/v1/events"), 200),
    "users:read": Use(get("/v1/users"), 200),
    "users:invite": Use(invitation, 201, SMALL),
    "users:write": Use(promotion, 200, SMALL),
    "users:delete": Use(removal, 204, SMALL),
    "account:own": Use(get("/v1/sessions"), 200, ("users:read",)),
}


ELSEWHERE: set[Permission] = {
    "keys:read",
    "keys:write",
    "analytics:export",
    "organization:delete",
}
"""Used in the tests of their own endpoints; that these ask for them is tested above."""


def test_every_permission_is_used_here_or_where_its_endpoints_are_tested() -> None:
    assert set(USES) == set(PERMISSIONS) - ELSEWHERE


@pytest.mark.parametrize("permission", USES)
def test_a_permission_allows_what_it_is_for(shared: Api, permission: Permission) -> None:
    use = USES[permission]

    answer = use.send(shared, shared.key(permission, *use.besides))

    assert answer.status_code == use.status, answer.text


@pytest.mark.parametrize("permission", USES)
def test_without_the_permission_the_same_is_refused(shared: Api, permission: Permission) -> None:
    everything_else = shared.key(*(each for each in PERMISSIONS if each != permission))

    answer = USES[permission].send(shared, everything_else)

    assert missing(answer) == {permission}


def test_a_preview_as_somebody_needs_who_may_see_people(shared: Api) -> None:
    path = f"/v1/campaigns/{shared.campaign()['id']}/preview"
    person = shared.contact(f"{uuid.uuid4()}@x.test")
    key = shared.key("campaigns:read")

    assert shared.get(path, key=key).status_code == 200
    assert missing(shared.get(f"{path}?contact_id={person}", key=key)) == {"contacts:read"}


def test_hiding_a_person_does_not_take_the_right_to_erase_them(shared: Api) -> None:
    person = shared.contact(f"{uuid.uuid4()}@x.test")
    key = shared.key("contacts:write")

    erased = shared.request("DELETE", f"/v1/contacts/{person}?erase=true", key=key)
    hidden = shared.request("DELETE", f"/v1/contacts/{person}", key=key)

    assert missing(erased) == {"contacts:erase"}
    assert hidden.status_code == 204
