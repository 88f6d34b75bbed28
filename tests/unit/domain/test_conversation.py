"""Turns are answered once and in order, and a yes means only what was shown last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.access.permissions import EVERYTHING
from domain.conversation.aggregate import Conversation
from domain.conversation.commands import Position, Recognise, Reply
from domain.conversation.values import TURNS_KEPT, TURNS_OPEN_MAX, Mention
from domain.shared.errors import InvalidValueError
from tests.support.spec import Spec
from tests.unit.domain.made import META, asked, conversation

Act = Callable[[Conversation], Any]


def receive(text: str) -> Act:
    return lambda c: c.receive_turn(uuid4(), text, (), EVERYTHING, META)


def answer(turn_id: UUID, shown: tuple[UUID, str] | None = None) -> Act:
    campaign_id, content_hash = shown or (None, None)
    reply = Reply(turn_id, "Done.", 12, {"a": 1}, campaign_id, content_hash)
    return lambda c: c.reply(reply, META)


def understand(turn_id: UUID, **changes: Any) -> Act:
    given: dict[str, Any] = {
        "intent": "create_campaign",
        "confidence": 0.97,
        "recognizer": "offline",
        "processing_ms": 3,
        "campaign_type": "win_back",
        "slots": {"offer": {"kind": "percent", "value": 20, "text": "20% off"}},
    }
    return lambda c: c.recognise(Recognise(turn_id, **{**given, **changes}), META)


def test_turns_are_numbered_from_one() -> None:
    talk = conversation()
    assert [talk.receive_turn(uuid4(), text, (), EVERYTHING, META) for text in ("a", "b")] == [1, 2]


def test_a_mention_carries_an_address_only_when_it_is_no_contacts() -> None:
    known, stranger = Mention(uuid4()), Mention(uuid4(), "a@example.com")
    talk = conversation()
    talk.receive_turn(uuid4(), f"[[{known.reference}]]", (known, stranger), EVERYTHING, META)
    assert talk.turns[0].mentions == (known, stranger)
    assert [m.is_contact for m in talk.turns[0].mentions] == [True, False]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "missing"),
        (" \n", "missing"),
        ("a" * 10_001, "too_long"),
        ("a\x00", "control_characters"),
    ],
)
def test_what_says_nothing_or_too_much_is_refused(text: str, code: str) -> None:
    Spec.given(conversation()).when(receive(text)).then_refused(code)


def test_the_same_turn_is_received_once() -> None:
    talk = conversation()
    turn_id = asked(talk)
    Spec.given(talk).when(
        lambda c: c.receive_turn(turn_id, "again", (), EVERYTHING, META)
    ).then_refused("turn_exists")


def test_too_many_open_turns_wait() -> None:
    talk = conversation()
    for _ in range(TURNS_OPEN_MAX):
        asked(talk)
    Spec.given(talk).when(receive("one more")).then_refused("too_many_open_turns")


def test_the_first_answer_is_the_answer() -> None:
    talk = conversation()
    turn_id = asked(talk)
    Spec.given(talk).when(answer(turn_id)).then(Conversation.ReplyGiven)
    Spec.given(talk).when(answer(turn_id)).then_refused("already_answered")
    Spec.given(talk).when(understand(turn_id)).then_refused("already_answered")


def test_answers_keep_the_order_of_turns() -> None:
    talk = conversation()
    first, second = asked(talk), asked(talk)
    Spec.given(talk).when(answer(second)).then_refused("earlier_turn_open")
    Spec.given(talk, answer(first)).when(answer(second)).then(Conversation.ReplyGiven)


def test_an_unknown_turn_is_not_answered() -> None:
    Spec.given(conversation()).when(answer(uuid4())).then_refused("no_such_turn")


def test_a_turn_is_understood_once() -> None:
    talk = conversation()
    turn_id = asked(talk)
    understood = Spec.given(talk).when(understand(turn_id)).then(Conversation.IntentRecognized)
    assert understood.turns[0].intent == "create_campaign"
    Spec.given(talk).when(understand(turn_id)).then_refused("already_recognised")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"intent": "make_coffee"}, "unknown_intent"),
        ({"campaign_type": "spam"}, "unknown_campaign_type"),
        ({"confidence": 1.1}, "out_of_range"),
        ({"confidence": float("nan")}, "out_of_range"),
        ({"slots": {"a": "\x00"}}, "control_characters"),
    ],
)
def test_only_the_closed_lists_are_understood(changes: dict[str, Any], code: str) -> None:
    talk = conversation()
    turn_id = asked(talk)
    Spec.given(talk).when(understand(turn_id, **changes)).then_refused(code)


def test_a_yes_covers_only_what_was_shown_last() -> None:
    talk, campaign_id = conversation(), uuid4()
    assert not talk.may_approve(campaign_id, "h1")
    for shown in ("h1", "h2"):
        answer(asked(talk), (campaign_id, shown))(talk)
    answer(asked(talk))(talk)
    assert talk.may_approve(campaign_id, "h2")
    assert not talk.may_approve(campaign_id, "h1")
    assert not talk.may_approve(uuid4(), "h2")


@pytest.mark.parametrize(("campaign", "content_hash"), [(uuid4(), None), (None, "h")])
def test_a_campaign_is_shown_with_its_hash(campaign: UUID | None, content_hash: str | None) -> None:
    talk = conversation()
    reply = Reply(asked(talk), "x", 1, campaign_id=campaign, content_hash=content_hash)
    Spec.given(talk).when(lambda c: c.reply(reply, META)).then_refused("missing")


def test_a_reply_carries_the_positions_appended_with_it() -> None:
    talk = conversation()
    turn_id = asked(talk)
    talk.collect_events()
    talk.reply(Reply(turn_id, "x", 1, positions=(Position("campaign-events", 2, 7),)), META)
    [recorded] = talk.collect_events()
    assert vars(recorded)["positions"] == [
        {"topic": "campaign-events", "partition": 2, "position": 7}
    ]


def test_only_the_last_turns_are_kept() -> None:
    talk = conversation()
    for _ in range(TURNS_KEPT + 5):
        answer(asked(talk))(talk)
    assert [turn.number for turn in talk.turns] == list(range(6, TURNS_KEPT + 6))


def test_the_context_is_recorded_when_it_changes() -> None:
    def look_at(what: dict[str, Any]) -> Act:
        return lambda c: c.revise_context(what, META)

    seen = Spec.given(conversation()).when(look_at({"page": "home"}))
    assert seen.then(Conversation.ContextRevised).context == {"page": "home"}
    Spec.given(conversation(), look_at({"b": 1, "a": 2})).when(look_at({"a": 2, "b": 1})).then()
    with pytest.raises(InvalidValueError):
        conversation().revise_context({"page": "x" * 10_001}, META)
