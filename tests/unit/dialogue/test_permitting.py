"""What an answer does, tells and offers stays within what the speaker is allowed."""

from __future__ import annotations

from typing import Any, get_args
from uuid import uuid4

import pytest

from domain.access.permissions import EVERYTHING, PERMISSIONS, Permission
from domain.conversation.values import INTENTS
from domain.shared.errors import RuleViolatedError
from streams.steps.dialogue import plan
from streams.steps.dialogue.permitting import (
    TO_DO,
    TO_HEAR,
    ensure_permitted,
    offered,
    unheard,
)
from tests.unit.dialogue.scenes import BAKERY, drafted, heard, reply

ONE = uuid4()
CONTENT = drafted(reply(heard("create_campaign", "win_back"))).content
COMMANDS: dict[type, Any] = {
    plan.Draft: plan.Draft(ONE, ONE, "win_back", CONTENT),
    plan.Revise: plan.Revise(ONE, CONTENT),
    plan.Approve: plan.Approve(ONE, "h"),
    plan.Change: plan.Change(ONE, "pause"),
    plan.SendTest: plan.SendTest(ONE, ONE),
    plan.SetBusiness: plan.SetBusiness(BAKERY),
    plan.AssignRole: plan.AssignRole("last_purchase_at", "last_order"),
    plan.DeleteContact: plan.DeleteContact(ONE),
    plan.Tag: plan.Tag(ONE, ("vip",)),
    plan.Unsubscribe: plan.Unsubscribe(ONE),
}


def without(*missing: Permission) -> frozenset[Permission]:
    return EVERYTHING - set(missing)


def test_every_command_and_every_intent_says_what_it_takes() -> None:
    assert set(TO_DO) == set(get_args(plan.Command)) == set(COMMANDS)
    assert set(TO_HEAR) == set(INTENTS)


@pytest.mark.parametrize("kind", TO_DO, ids=lambda kind: str(kind.__name__))
def test_a_command_is_carried_out_only_for_who_may(kind: type[Any]) -> None:
    needed = TO_DO[kind]
    ensure_permitted(COMMANDS[kind], frozenset({needed}))

    with pytest.raises(RuleViolatedError) as refused:
        ensure_permitted(COMMANDS[kind], without(needed))

    assert refused.value.code == "not_allowed"
    assert needed in str(refused.value)


def test_a_no_takes_what_a_yes_takes() -> None:
    no = plan.Change(ONE, "reject")
    ensure_permitted(no, frozenset({"campaigns:approve"}))

    with pytest.raises(RuleViolatedError):
        ensure_permitted(no, without("campaigns:approve"))


@pytest.mark.parametrize("intent", INTENTS)
def test_an_answer_is_heard_only_by_who_may(intent: str) -> None:
    needed = TO_HEAR[intent]
    said = unheard(intent, without(*([needed] if needed else [])))

    assert unheard(intent, EVERYTHING) is None
    assert (said is None) == (needed is None)
    assert needed is None or needed in str(said)


def test_only_what_somebody_may_do_is_offered() -> None:
    actions = tuple(
        plan.Action(name, name) for name in ("approve", "modify", "pause", "create_campaign", "hi")
    )

    assert offered(actions, frozenset(PERMISSIONS)) == actions
    assert [each.action for each in offered(actions, frozenset({"campaigns:approve"}))] == [
        "approve",
        "hi",
    ]
