"""Files of contacts at the door: what is refused, what is repeated, and what stands in a file."""

from __future__ import annotations

import json
from typing import Any, cast
from uuid import UUID

import httpx
import pytest

from api.routers.contacts.importing import AT_ONCE
from tests.support.api import Api

HEADER = "email,first_name,note\n"


def import_csv(api: Api, text: str, query: str = "", **headers: str) -> httpx.Response:
    answer = api.client.post(
        f"/v1/contacts/import{query}",
        content=text.encode(),
        headers={
            "Authorization": f"Bearer {api.tenant.api_key}",
            "Content-Type": "text/csv",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )
    api.project()
    return cast("httpx.Response", answer)


def lines_of(answer: httpx.Response) -> list[dict[str, Any]]:
    return [json.loads(line) for line in answer.text.splitlines()]


@pytest.mark.parametrize("source", ["a%00b", "%20", "a%0Ab"])
def test_an_attested_source_is_text_or_nothing_is_stored(shared: Api, source: str) -> None:
    answer = import_csv(shared, HEADER + "nul@example.com,A,\n", f"?attest_consent={source}")
    assert answer.status_code == 422
    assert shared.get("/v1/contacts?email=nul@example.com").json()["total"] == 0


@pytest.mark.parametrize(
    "at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1899-12-31T00:00:00Z"]
)
def test_a_consent_of_an_impossible_time_is_refused(shared: Api, at: str) -> None:
    consent = {"status": "granted", "source": "form", "at": at}
    answer = shared.post("/v1/contacts", {"email": "old@example.com", "consent": consent})
    assert answer.status_code == 422, answer.text


def test_a_quote_that_is_closed_too_late_loses_no_other_line(shared: Api) -> None:
    text = (
        HEADER
        + 'q1@example.com,"Ann,x\nq2@example.com,Bob,y\nq3@example.com,Cy,12"\nq4@example.com,D,\n'
    )
    answer = import_csv(shared, text).json()
    assert answer["added"] == 2
    assert [each["line"] for each in answer["rejected"]] == [2, 4]
    assert answer["rejected_total"] == 2


def test_lines_swallowed_by_a_row_that_is_refused_are_read_for_themselves(shared: Api) -> None:
    text = HEADER + 'no address,Ann,"x\ns2@example.com,Bob,y\ns3@example.com,Cy,"\n'
    answer = import_csv(shared, text).json()
    assert answer["rejected"][0]["line"] == 2
    assert shared.get("/v1/contacts?email=s2@example.com").json()["total"] == 1


def test_an_object_says_when_consent_was_given(shared: Api) -> None:
    consent = {"status": "granted", "source": "form", "at": "2026-03-01T09:00:00+01:00"}
    body = json.dumps({"email": "when@example.com", "consent": consent})
    answer = import_csv(shared, body, Content_Type="application/x-ndjson")
    assert answer.json()["added"] == 1
    shared.project()
    found = shared.get("/v1/contacts?email=when@example.com").json()["items"][0]
    assert found["consent"]["at"] == "2026-03-01T08:00:00Z"


@pytest.mark.parametrize("apart", [1, 700])
def test_a_dry_run_counts_a_repeated_address_as_the_import_does(api: Api, apart: int) -> None:
    between = "".join(f"x{number}@example.com,X,\n" for number in range(apart - 1))
    text = (
        HEADER + "twice@example.com,Ada,\nsame@example.com,Bo,\n" + between
        + "TWICE@example.com,Adele,\nsame@example.com,Bo,\n" + between
        + "TWICE@example.com,Adele,\n"
    )  # fmt: skip

    tried = import_csv(api, text, "?dry_run=true").json()
    assert api.get("/v1/contacts").json()["total"] == 0
    done = import_csv(api, text).json()

    assert tried == done
    assert done["added"] == apart + 1
    assert (done["changed"], done["unchanged"]) == (1, apart + 1)


def test_an_import_is_carried_out_once_per_key_whatever_form_the_answer_has(shared: Api) -> None:
    text = HEADER + "once@example.com,A,\nnobody,B,\n"
    first = import_csv(shared, text, Idempotency_Key="import-1")
    again = import_csv(shared, text, Idempotency_Key="import-1")
    streamed = import_csv(shared, text, Idempotency_Key="import-1", Accept="application/x-ndjson")
    assert first.json()["added"] == again.json()["added"] == 1
    assert again.headers["Idempotency-Replayed"] == "true"
    assert streamed.headers["Idempotency-Replayed"] == "true"
    assert lines_of(streamed)[-1]["totals"]["added"] == 1
    assert [each["rejected"]["line"] for each in lines_of(streamed)[:-1]] == [3]

    other = import_csv(shared, text + "more@example.com,C,\n", Idempotency_Key="import-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_streamed_answer_is_kept_too(shared: Api) -> None:
    text = HEADER + "kept@example.com,A,\n"
    headers = {"Idempotency_Key": "import-2", "Accept": "application/x-ndjson"}
    assert lines_of(import_csv(shared, text, **headers))[-1]["totals"]["added"] == 1
    assert import_csv(shared, text, Idempotency_Key="import-2").json()["added"] == 1


def test_an_import_under_way_is_not_begun_a_second_time(shared: Api) -> None:
    organization = UUID(shared.tenant.organization_id)
    with shared.core.commands.alone(organization, "import-3") as mine:
        assert mine
        answer = import_csv(shared, HEADER + "x3@example.com,A,\n", Idempotency_Key="import-3")
    assert (answer.status_code, answer.json()["code"]) == (409, "in_progress")
    assert answer.headers["Retry-After"]


def test_more_imports_than_there_is_room_for_are_refused_and_take_no_connection(
    shared: Api,
) -> None:
    text, turns = (
        HEADER + "room@example.com,A,\n",
        cast("Any", shared.client.app).state.import_turns,
    )
    others = 0
    while turns.acquire(blocking=False):  # as imports do that go on
        others += 1

    refused = import_csv(shared, text, Idempotency_Key="import-4")
    turns.release(others)
    taken = import_csv(shared, text, Idempotency_Key="import-4")

    assert others == AT_ONCE
    assert (refused.status_code, refused.json()["code"]) == (503, "unavailable")
    assert refused.headers["Retry-After"]
    assert taken.json()["added"] == 1
    for _ in range(AT_ONCE + 1):  # each gives its place back
        assert import_csv(shared, text).status_code == 200


def test_the_organizations_etag_is_that_of_its_description(shared: Api) -> None:
    shared.get("/v1/events")  # records that personal data was read
    shared.project()
    etag = shared.get("/v1/organization").headers["ETag"]
    renamed = shared.patch("/v1/organization", {"name": "R & S"}, headers={"If-Match": etag})
    assert renamed.status_code == 200, renamed.text
    stale = shared.patch("/v1/organization", {"name": "Rosa"}, headers={"If-Match": etag})
    assert stale.status_code == 412
    assert shared.get("/v1/organization").headers["ETag"] == renamed.headers["ETag"]
