"""The quota of contacts: refused one by one, row by row, counted exactly, shown."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import pytest

from infra.cli.quota import change_quota
from tests.integration.api.test_imports import HEADER, import_csv, lines_of
from tests.support.api import Api, Tenant


def allow(api: Api, contacts: str | None = None, sends: str | None = None) -> None:
    change_quota(api.worker, UUID(api.tenant.organization_id), contacts, sends)
    api.project()


def shown(api: Api) -> dict[str, Any]:
    found: dict[str, Any] = api.get("/v1/organization").json()["quota"]
    return found


def add(api: Api, email: str) -> tuple[int, str | None]:
    answer = api.post("/v1/contacts", {"email": email, "consent": {"status": "unknown"}})
    return answer.status_code, answer.json().get("code")


def rows(first: int, last: int) -> str:
    return "".join(f"p{number}@example.com,P,\n" for number in range(first, last + 1))


def test_an_organization_without_a_quota_may_have_any_number(api: Api) -> None:
    assert add(api, "a@example.com") == (201, None)
    assert shown(api)["contacts"] == {"limit": None, "used": 1}
    assert shown(api)["sends"]["limit"] is None


def test_a_contact_over_the_quota_is_refused_and_a_deleted_one_makes_room(api: Api) -> None:
    allow(api, contacts="2")
    first = api.contact("a@example.com")
    assert add(api, "b@example.com") == (201, None)
    assert add(api, "c@example.com") == (409, "contacts_quota_reached")
    assert add(api, "b@example.com") == (409, "contact_exists")
    assert shown(api)["contacts"] == {"limit": 2, "used": 2}

    assert api.delete(f"/v1/contacts/{first}").status_code in (200, 204)
    assert add(api, "c@example.com") == (201, None)
    assert shown(api)["contacts"] == {"limit": 2, "used": 2}


def test_an_erased_contact_makes_room_once(api: Api) -> None:
    allow(api, contacts="1")
    contact = api.contact("a@example.com")
    assert api.delete(f"/v1/contacts/{contact}?erase=true").status_code == 200
    assert shown(api)["contacts"]["used"] == 0
    again = api.contact("b@example.com")
    api.delete(f"/v1/contacts/{again}")
    assert api.delete(f"/v1/contacts/{again}?erase=true").status_code == 200
    assert shown(api)["contacts"]["used"] == 0


def test_an_import_adds_what_fits_and_rejects_every_other_row_with_the_code(api: Api) -> None:
    api.contact("p3@example.com")
    allow(api, contacts="4")

    answer = import_csv(api, HEADER + rows(1, 8)).json()

    assert (answer["added"], answer["changed"], answer["rejected_total"]) == (3, 1, 4)
    assert [(each["line"], each["code"]) for each in answer["rejected"]] == [
        (line, "contacts_quota_reached") for line in (6, 7, 8, 9)
    ]
    assert shown(api)["contacts"] == {"limit": 4, "used": 4}
    assert api.get("/v1/contacts").json()["total"] == 4


def test_a_dry_run_over_many_chunks_says_what_the_import_does(api: Api) -> None:
    allow(api, contacts="300")
    text = HEADER + rows(1, 600)

    dry = import_csv(api, text, "?dry_run=true").json()
    done = import_csv(api, text).json()

    assert (done["added"], done["rejected_total"]) == (300, 300)
    for count in ("added", "rejected_total"):
        assert dry[count] == done[count]
    assert dry["rejected"] == done["rejected"]


def test_rejected_rows_stand_in_the_order_of_the_file(api: Api) -> None:
    allow(api, contacts="1")
    text = HEADER + rows(1, 2) + "nobody,N,\n" + rows(3, 3)
    answer = import_csv(api, text, accept="application/x-ndjson")
    rejected = [each["rejected"] for each in lines_of(answer) if "rejected" in each]
    assert [each["line"] for each in rejected] == [3, 4, 5]
    assert rejected[1]["code"] != "contacts_quota_reached"


def test_many_at_once_never_exceed_the_quota(api: Api) -> None:
    allow(api, contacts="5")
    headers = {"Authorization": f"Bearer {api.tenant.api_key}"}
    answers: list[int] = []

    def create(number: int) -> None:
        body = {"email": f"p{number}@example.com", "consent": {"status": "unknown"}}
        made = api.client.post("/v1/contacts", json=body, headers=headers)
        answers.append(made.status_code)

    threads = [threading.Thread(target=create, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(answers) == [201] * 5 + [409] * 7
    assert shown(api)["contacts"]["used"] == 5


def test_contacts_that_were_there_before_anybody_counted_count(api: Api) -> None:
    for name in "abc":
        api.contact(f"{name}@example.com")
    with api.worker.pool.connection() as connection:
        connection.execute("DELETE FROM state.contact_counts")
    assert shown(api)["contacts"]["used"] == 3

    allow(api, contacts="4")
    assert add(api, "d@example.com") == (201, None)
    assert add(api, "e@example.com") == (409, "contacts_quota_reached")


def test_a_quota_below_what_is_there_takes_nothing_away(api: Api) -> None:
    contact = api.contact("a@example.com")
    allow(api, contacts="0", sends="7")
    assert shown(api)["contacts"] == {"limit": 0, "used": 1}
    assert shown(api)["sends"]["limit"] == 7
    assert api.patch(f"/v1/contacts/{contact}", {"first_name": "Ada"}).status_code == 200
    assert add(api, "b@example.com") == (409, "contacts_quota_reached")
    allow(api, contacts="unlimited")
    assert add(api, "b@example.com") == (201, None)
    assert shown(api)["sends"]["limit"] == 7


@pytest.fixture
def other(api: Api) -> Tenant:
    return api.new_tenant()


def test_another_organizations_quota_is_neither_seen_nor_used(api: Api, other: Tenant) -> None:
    allow(api, contacts="0")
    body = {"email": "a@example.com", "consent": {"status": "unknown"}}
    assert api.post("/v1/contacts", body, key=other.api_key).status_code == 201
    quota = api.get("/v1/organization", key=other.api_key).json()["quota"]
    assert quota["contacts"] == {"limit": None, "used": 1}
