"""Which campaign is meant, whether a yes is clear, and what the last question was about."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from domain.conversation.values import Shown, Turn
from streams.steps.dialogue.choosing import Meant, meant, pending_of, yes_is_clear
from streams.steps.dialogue.situation import Named

SALE = Named(uuid4(), "Spring sale", "sending")
OLD_SALE = Named(uuid4(), "Spring sale", "sent")
NEWS = Named(uuid4(), "News: rye bread", "draft")
ALL = (NEWS, SALE, OLD_SALE)
SHOWN = Shown(uuid4(), "a" * 64)


@pytest.mark.parametrize(
    ("intent", "said", "shown", "expected"),
    [
        ("pause_campaign", "spring sale", None, SALE.campaign_id),
        ("query_performance", "SPRING SALE", None, SALE.campaign_id),
        ("approve_campaign", "rye bread", None, NEWS.campaign_id),
        ("pause_campaign", None, None, SALE.campaign_id),
        ("modify_campaign", None, SHOWN.campaign_id, SHOWN.campaign_id),
        ("modify_campaign", "spring sale", SHOWN.campaign_id, SALE.campaign_id),
        ("pause_campaign", "christmas", None, None),
        ("query_audience", None, None, None),
        ("query_performance", None, None, SALE.campaign_id),
    ],
)
def test_a_campaign_is_found_by_name_else_the_one_shown_else_the_only_fitting_one(
    intent: str, said: str | None, shown: UUID | None, expected: UUID | None
) -> None:
    slots = {"campaign": said} if said else {}
    assert meant(intent, slots, ALL, shown) == Meant(expected)


def test_a_name_that_several_share_in_part_is_ambiguous() -> None:
    summer = replace(SALE, campaign_id=uuid4(), name="Summer sale")
    choice = meant("pause_campaign", {"campaign": "sale"}, (summer, *ALL), None)
    assert choice.campaign_id is None
    assert {each.name for each in choice.candidates} == {"Summer sale", "Spring sale"}


def turn(number: int, intent: str, shown: Shown | None = None) -> Turn:
    return Turn(
        uuid4(), number, "said", intent=intent, reply="answered",
        campaign_id=shown.campaign_id if shown else None,
        content_hash=shown.content_hash if shown else None,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("since", "clear"),
    [
        ([], True),
        (["query_performance", "small_talk"], True),
        (["clarify"], False),
        (["create_campaign"], False),
        (["send_test"], False),
        (["manage_contacts", "help"], False),
    ],
)
def test_a_yes_is_clear_as_long_as_nothing_else_was_asked(since: list[str], clear: bool) -> None:
    turns = [turn(1, "create_campaign", SHOWN)]
    turns += [turn(number, intent) for number, intent in enumerate(since, 2)]
    assert yes_is_clear(turns, len(turns) + 1, SHOWN) is clear


def test_with_nothing_shown_no_yes_is_clear() -> None:
    assert not yes_is_clear([turn(1, "help")], 2, None)


def test_a_question_is_pending_only_right_after_it_was_asked() -> None:
    asked = replace(turn(1, "create_campaign"), slots='{"product":"rye"}', campaign_type="announce")
    pending = pending_of([asked], 2)
    assert pending is not None
    assert pending.slots == {"product": "rye"}
    assert pending_of([asked, turn(2, "help")], 3) is None
    assert pending_of([turn(1, "create_campaign", SHOWN)], 2) is None
    assert pending_of([replace(asked, reply=None)], 2) is None
