"""Which campaign is meant, and whether a yes is clear: by name, or by what was said before."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from domain.campaign.decisions import EDITABLE, OVER, RUNNING
from domain.conversation.values import Shown, Turn
from domain.shared.canonical import json_or
from streams.steps.dialogue.situation import Named, Pending

_FITTING: Final[Mapping[str, frozenset[str]]] = {
    "modify_campaign": frozenset(EDITABLE),
    "approve_campaign": frozenset({"draft"}),
    "reject_campaign": frozenset({"draft"}),
    "schedule_campaign": frozenset(EDITABLE),
    "pause_campaign": frozenset(RUNNING),
    "resume_campaign": frozenset({"paused"}),
    "cancel_campaign": frozenset({"draft", "paused"}) | RUNNING,
    "query_performance": RUNNING | OVER | {"paused"},
}
"""Where a campaign stands that such a wish is likely about."""

SHALL_I_DELETE: Final = "Shall I delete {address}?"
_SHALL_I: Final = re.compile(r"Shall I delete \[\[([0-9a-f-]{36})\]\]\?")
_LEAVES_IT_CLEAR: Final = frozenset({"query_performance", "query_audience", "help", "small_talk"})


@dataclass(frozen=True, slots=True)
class Meant:
    """The campaign that is meant, or those that could be."""

    campaign_id: UUID | None = None
    candidates: tuple[Named, ...] = ()


def meant(
    intent: str, slots: Mapping[str, Any], campaigns: Sequence[Named], shown: UUID | None
) -> Meant:
    """By name if one was said, else the one shown last, else the only one it can be about.

    `campaigns` newest first.
    """
    said = slots.get("campaign")
    named = _by_name(str(said), campaigns) if said else []
    if named:
        return _one_of(_fitting(intent, named) or named)
    if shown is not None:
        return Meant(shown)
    if said:
        return Meant()
    if intent == "query_audience":
        return Meant()
    fitting = _fitting(intent, campaigns)
    if intent == "query_performance" and fitting:
        return Meant(fitting[0].campaign_id)
    return Meant(fitting[0].campaign_id) if len(fitting) == 1 else Meant()


def pending_of(turns: Sequence[Turn], number: int) -> Pending | None:
    """What the turn before this one asked for, if its reply had to ask back."""
    before = next((turn for turn in reversed(turns) if turn.number < number), None)
    if before is None or before.campaign_id is not None or before.reply is None:
        return None
    if before.intent not in ("create_campaign", "modify_campaign"):
        return None
    return Pending(before.intent, before.campaign_type, json_or(before.slots, {}))


def deletion_asked(turns: Sequence[Turn], number: int) -> UUID | None:
    """The contact whom the reply right before this turn asked about deleting."""
    before = next((turn for turn in reversed(turns) if turn.number < number), None)
    found = _SHALL_I.match(before.reply or "") if before is not None else None
    return UUID(found[1]) if found else None


def yes_is_clear(turns: Sequence[Turn], number: int, shown: Shown | None) -> bool:
    """Whether nothing since the campaign was shown could be what a yes is about."""
    if shown is None:
        return False
    for turn in reversed([turn for turn in turns if turn.number < number]):
        if (turn.campaign_id, turn.content_hash) == (shown.campaign_id, shown.content_hash):
            return True
        if turn.intent not in _LEAVES_IT_CLEAR:
            return False
    return False


def _by_name(said: str, campaigns: Sequence[Named]) -> list[Named]:
    wanted = _words(said)
    exact = [each for each in campaigns if _words(each.name) == wanted]
    if exact or not wanted:
        return exact
    return [each for each in campaigns if set(wanted) <= set(_words(each.name))]


def _fitting(intent: str, campaigns: Sequence[Named]) -> list[Named]:
    fitting = _FITTING.get(intent)
    return [each for each in campaigns if fitting is None or each.status in fitting]


def _one_of(candidates: Sequence[Named]) -> Meant:
    names = {each.name for each in candidates}
    if len(names) == 1:
        return Meant(candidates[0].campaign_id)
    return Meant(None, tuple(candidates[:6]))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())
