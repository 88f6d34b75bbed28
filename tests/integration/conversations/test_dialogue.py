"""One conversation from the first sentence to the approval, over the real stores."""

from __future__ import annotations

import uuid

from streams.recognition.ports import Recognition, Utterance
from tests.support.talking import Talk, begin

SENTENCE = "Win back customers who haven't bought in 60 days with 20% off"


def with_contacts(talk: Talk) -> None:
    """Two who bought long ago (one without consent), one lately, one never."""
    talk.api.contact("old@x.test", attributes={"last_order": "2020-01-01"}, tags=["vip"])
    talk.api.contact("old2@x.test", "unknown", attributes={"last_order": "2020-01-01"})
    talk.api.contact("new@x.test", attributes={"last_order": "2999-01-01"})
    talk.api.contact("never@x.test")


def test_from_a_sentence_to_an_approved_campaign(talk: Talk) -> None:
    with_contacts(talk)
    asked = talk.ask(SENTENCE)
    assert "Which column" in asked["reply"]["content"]
    assert asked["campaign"] is None
    drafted = talk.ask("last_order")
    assert drafted["reply"]["metadata"]["intent"]["name"] == "create_campaign"
    campaign = talk.campaign(drafted)
    assert campaign["status"] == "draft"
    assert campaign["content_hash"] == drafted["campaign"]["content_hash"]
    assert campaign["conversation_id"] == talk.conversation_id
    assert campaign["forecast"] == {"recipients": 1, "withheld": {"no_consent": 1}}
    assert "1 person (contacts whose last purchase" in drafted["reply"]["content"]
    friendlier = talk.ask("make it friendlier")
    assert friendlier["campaign"]["id"] == campaign["id"]
    moved = talk.ask("send it tomorrow at 9 instead")
    assert moved["campaign"]["content_hash"] != friendlier["campaign"]["content_hash"]
    assert "(Europe/Vienna)" in moved["reply"]["content"]
    talk.ask("who gets this?")
    talk.ask("yes, send it")
    approved = talk.campaign(drafted)
    assert approved["status"] == "scheduled"
    assert approved["content_hash"] == moved["campaign"]["content_hash"]
    assert approved["approved_by"].startswith("key:")
    remembered = talk.ask(SENTENCE)
    assert remembered["campaign"] is not None


def test_a_yes_after_a_change_elsewhere_approves_nothing_and_shows_it_again(talk: Talk) -> None:
    drafted = talk.ask("announce our new rye bread to everyone")
    campaign_id = drafted["campaign"]["id"]
    content = {"content": {"subject": "Something else entirely"}}
    assert talk.api.patch(f"/v1/campaigns/{campaign_id}", content).status_code == 200
    answered = talk.ask("yes, send it")
    assert "changed since I showed it" in answered["reply"]["content"]
    now = talk.campaign(drafted)
    assert now["status"] == "draft"
    assert answered["campaign"]["content_hash"] == now["content_hash"]
    talk.ask("yes, send it")
    assert talk.campaign(drafted)["status"] == "approved"


def test_a_yes_in_another_conversation_approves_nothing(talk: Talk) -> None:
    drafted = talk.ask("announce our new rye bread to everyone")
    other = begin(talk.api, talk.worker.recognizer)
    other.ask("yes, send it")
    assert talk.campaign(drafted)["status"] == "draft"


def test_an_address_is_a_reference_in_the_log_and_readable_to_its_owner(talk: Talk) -> None:
    talk.ask("announce our new rye bread to everyone")
    tested = talk.ask("send a test to stranger@x.test")
    assert "stranger@x.test" in tested["text"]
    assert "on its way to stranger@x.test" in tested["reply"]["content"]
    with talk.api.worker.pool.connection() as connection:
        rows = connection.execute("SELECT bytes, position FROM log.events").fetchall()
        keys = talk.api.worker.keys.on(connection)
        events = talk.api.worker.codec.decode_batch(rows, keys)
    said = [e.data for e in events if e.type == "TurnReceived"][-1]
    assert "@" not in said["text"]
    assert said["mentions"][0]["address"] == "stranger@x.test"
    (test,) = [e.data for e in events if e.type == "TestSendRequested"]
    assert test["address"] == "stranger@x.test"
    assert f"[[{test['reference']}]]" in said["text"]
    assert all("@" not in e.data["content"] for e in events if e.type == "ReplyGiven")


def test_a_contacts_address_is_the_contacts_id_and_deleting_works_by_it(talk: Talk) -> None:
    contact_id = talk.api.contact("ada@x.test")
    asked = talk.ask("delete contact ada@x.test")
    assert asked["reply"]["content"].startswith("Shall I delete ada@x.test?")
    assert talk.api.get(f"/v1/contacts/{contact_id}").status_code == 200

    answered = talk.ask("yes, delete it")

    assert "is deleted" in answered["reply"]["content"]
    assert answered["reply"]["metadata"]["intent"]["name"] == "manage_contacts"
    assert talk.api.get(f"/v1/contacts/{contact_id}").status_code == 404
    said = talk.api.get(f"/v1/conversations/{talk.conversation_id}").json()["turns"]
    assert "ada@x.test" not in str(said), "deleted: no longer readable"


def test_a_yes_later_or_in_another_conversation_deletes_nobody(talk: Talk) -> None:
    contact_id = talk.api.contact("ada@x.test")
    talk.ask("erase everything about ada@x.test")
    begin(talk.api, talk.worker.recognizer).ask("yes, delete it")
    talk.ask("what can you do?")
    talk.ask("yes, delete it")
    assert talk.api.get(f"/v1/contacts/{contact_id}").status_code == 200


def test_turns_are_answered_in_order_by_several_workers(talk: Talk) -> None:
    first, second = talk.say("hello"), talk.say("what can you do?")
    talk.react()
    task = talk.worker.desk.take()
    assert task is not None
    assert task.turn_id == first
    assert talk.worker.desk.take() is None, "the second waits for the first"
    talk.worker.desk.answer(task, Recognition("small_talk", None, 0.9), 1)
    following = talk.worker.desk.take()
    assert following is not None
    assert following.turn_id == second


def test_the_first_recorded_answer_wins_and_nothing_is_done_twice(talk: Talk) -> None:
    turn_id = talk.say("announce our new rye bread to everyone")
    talk.react()
    desk = talk.worker.desk
    task = desk.take()
    assert task is not None
    heard = Recognition("create_campaign", "announce", 0.9, {"product": "rye bread"})
    desk.answer(task, heard, 1)
    desk.answer(task, Recognition("create_campaign", "newsletter", 0.9), 1)
    talk.api.project()
    turn = talk.turn(turn_id)
    assert turn["reply"]["metadata"]["intent"]["campaign_type"] == "announce"
    assert talk.api.get("/v1/campaigns").json()["total"] == 1


class Broken:
    """A recogniser with a bug."""

    def recognize(self, utterance: Utterance) -> Recognition:  # noqa: ARG002
        raise ValueError("bug")


def test_a_turn_that_always_fails_is_apologised_for_and_the_conversation_goes_on(
    talk: Talk,
) -> None:
    broken = begin(talk.api, Broken())
    turn_id = broken.say("hello")
    for _ in range(5):
        broken.work()
        with talk.api.worker.pool.connection() as connection:
            connection.execute("UPDATE state.reply_tasks SET lease_until = NULL")
    turn = broken.turn(turn_id)
    assert "could not work that out" in turn["reply"]["content"]
    broken.worker = talk.worker
    assert broken.ask("hello")["reply"]["content"].startswith("Hello!")


def test_the_reply_carries_every_position_it_appended(talk: Talk) -> None:
    turn_id = talk.say("announce our new rye bread to everyone")
    talk.react()
    while talk.worker.step():
        pass
    path = f"/v1/conversations/{talk.conversation_id}/turns/{turn_id}"
    headers = {"Authorization": f"Bearer {talk.api.tenant.api_key}"}
    read = talk.api.client.get(path, headers=headers)
    token = read.headers["Nudge-Position"]
    campaign = f"/v1/campaigns/{read.json()['campaign']['id']}"
    talk.api.project()
    seen = talk.api.get(campaign, headers={"Nudge-Min-Position": token})
    assert seen.status_code == 200
    assert seen.json()["workflow"]["nodes"]


def test_a_reply_to_somebody_elses_conversation_is_not_to_be_had(talk: Talk) -> None:
    stranger = talk.api.new_tenant()
    path = f"/v1/conversations/{talk.conversation_id}"
    assert talk.api.get(path, key=stranger.api_key).status_code == 404
    said = talk.api.post(f"{path}/messages", {"text": "hello"}, key=stranger.api_key)
    assert said.status_code == 404
    unknown = f"/v1/conversations/{uuid.uuid4()}/messages"
    assert talk.api.post(unknown, {"text": "hello"}).status_code == 404
