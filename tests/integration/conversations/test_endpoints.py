"""What the endpoints accept, refuse, and answer again."""

from __future__ import annotations

import uuid

import pytest

from tests.support.talking import Talk


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": ""}, 422),
        ({"text": "x" * 4001}, 422),
        ({"text": "nul \x00 inside"}, 422),
        ({"text": 7}, 422),
        ({}, 422),
        ({"text": "hi", "more": 1}, 422),
        ({"text": " "}, 422),
    ],
)
def test_bad_messages_are_refused_with_a_problem(
    talk: Talk, body: dict[str, object], status: int
) -> None:
    said = talk.api.post(f"/v1/conversations/{talk.conversation_id}/messages", body)
    assert said.status_code == status
    assert said.headers["content-type"] == "application/problem+json"


def test_a_repeated_key_makes_the_turn_once_and_answers_its_reply(talk: Talk) -> None:
    key = {"Idempotency-Key": str(uuid.uuid4())}
    first = talk.say("hello", **key)
    talk.work()
    again = talk.api.post(
        f"/v1/conversations/{talk.conversation_id}/messages", {"text": "hello"}, headers=key
    )
    assert again.status_code == 200
    assert again.json()["turn_id"] == first
    assert again.headers["Idempotency-Replayed"] == "true"
    other = talk.api.post(
        f"/v1/conversations/{talk.conversation_id}/messages", {"text": "other"}, headers=key
    )
    assert other.json()["code"] == "idempotency_key_reused"


def test_a_pending_turn_says_so_and_where_it_is(talk: Talk) -> None:
    said = talk.api.post(
        f"/v1/conversations/{talk.conversation_id}/messages",
        {"text": "hello"},
        headers={"Prefer": "wait=0"},
    )
    assert said.json()["status"] == "pending"
    assert said.headers["Nudge-Position"]
    read = talk.api.get(said.headers["Location"])
    assert read.json()["status"] == "pending"
    assert read.json()["reply"] is None


def test_a_conversation_reads_in_order_with_both_sides(talk: Talk) -> None:
    talk.ask("hello")
    talk.ask("what can you do?")
    read = talk.api.get(f"/v1/conversations/{talk.conversation_id}").json()
    assert [turn["text"] for turn in read["turns"]] == ["hello", "what can you do?"]
    assert all(turn["reply"]["type"] == "ai_response" for turn in read["turns"])
    listed = talk.api.get("/v1/conversations").json()
    assert [each["id"] for each in listed["items"]] == [talk.conversation_id]


def test_a_conversation_is_about_a_business_of_ones_own(talk: Talk) -> None:
    other = talk.api.new_tenant()
    begun = talk.api.post("/v1/conversations", {"business_id": other.business_id})
    assert begun.status_code == 404
    named = talk.api.post("/v1/conversations", {"business_id": talk.api.tenant.business_id})
    assert named.json()["business_id"] == talk.api.tenant.business_id
