"""Who is meant: words about an audience become conditions, or a question."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from streams.steps.dialogue.situation import Situation

EVERYONE: Mapping[str, Any] = {"all": []}
NEW_DAYS = 30
AWAY_DAYS = 60
_GENERIC = re.compile(
    r"\b(?:the|my|our|all|of|your|inactive|lapsed|old|former|lost|past|quiet|dormant|existing|"
    r"dear|loyal|good|regular|customers?|clients?|people|persons?|contacts?|subscribers?|folks|"
    r"users?|guests?|members?|shoppers?|buyers?|everyone|everybody|list|audience|accounts?|"
    r"regulars?|who|that|have|not|been|to|us|in|a|while)\b",
    re.IGNORECASE,
)
_NEW = re.compile(
    r"\b(?:new|newcomers?|newbies|joiners|sign-?ups?|joined|signed up|recent|"
    r"just (?:joined|signed)|first[- ]time)\b",
    re.IGNORECASE,
)
_EVERYONE = re.compile(
    r"\b(?:everyone|everybody|(?:the )?whole list|all)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Choice:
    """An audience: conditions, and how to call it ("everyone", "contacts tagged “vip”").

    `never_bought`: the attribute without which a contact is left out.
    """

    conditions: Mapping[str, Any]
    description: str
    inactive_days: int | None = None
    never_bought: str | None = None
    notice: str = ""


@dataclass(frozen=True, slots=True)
class Unclear:
    """What has to be asked first."""

    question: str
    about: str


def audience_of(
    slots: Mapping[str, Any], campaign_type: str | None, situation: Situation
) -> Choice | Unclear:
    """The audience that slots describe. `conditions` in them are taken as they are."""
    said: Mapping[str, Any] = slots.get("audience") or {}
    if "conditions" in said:
        return Choice(said["conditions"], str(said.get("description", "the chosen contacts")))
    parts: list[Mapping[str, Any]] = []
    words: list[str] = []
    days = said.get("inactive_days")
    assumed = not days and not said.get("tags") and campaign_type == "win_back"
    days = AWAY_DAYS if assumed else days
    if days:
        if situation.last_purchase_attribute is None:
            return Unclear(_which_column(situation), "column")
        parts.append(_before(situation.last_purchase_attribute, days))
        words.append(f"whose last purchase is more than {days} days ago")
    tags, unknown = _tags_of(said, situation.tags)
    parts += [{"field": "tags", "op": "contains", "value": tag} for tag in tags]
    words += [f"tagged “{tag}”" for tag in tags]
    if (
        not parts
        and (unknown is None or _NEW.search(unknown))
        and _welcomes(unknown, campaign_type)
    ):
        parts.append({"field": "created_at", "op": "after_days", "value": NEW_DAYS})
        words.append(f"who joined in the last {NEW_DAYS} days")
        unknown = None
    if unknown is not None and not parts:
        return Unclear(_which_group(unknown, situation.tags), "group")
    notice = f"I know no group “{unknown}”, so I went by the rest." if unknown else ""
    if assumed:
        notice = f"{notice} You did not say for how long, so I took {AWAY_DAYS} days.".strip()
    return Choice(
        {"all": parts} if parts else EVERYONE,
        f"contacts {' and '.join(words)}" if words else "everyone on your list",
        days or None,
        situation.last_purchase_attribute if days else None,
        notice,
    )


def answered(
    about: str, text: str, slots: Mapping[str, Any], situation: Situation
) -> tuple[dict[str, Any], str | None] | None:
    """An answer to what was asked: slots that now say it, and the column named, if one was.

    None when the text answers nothing.
    """
    if about == "column":
        column = column_in(text, situation.attributes)
        return (dict(slots), column) if column else None
    said = {k: v for k, v in (slots.get("audience") or {}).items() if k not in ("segment", "tags")}
    if tags := tags_in(text, situation.tags):
        return {**slots, "audience": {**said, "tags": list(tags)}}, None
    if _EVERYONE.search(text):
        return {**slots, "audience": {**said, "conditions": EVERYONE,
                                      "description": "everyone on your list"}}, None  # fmt: skip
    return None


def means_everyone(text: str) -> bool:
    """Whether the words widen an audience to the whole list."""
    return _EVERYONE.search(text) is not None


def column_in(text: str, attributes: Sequence[str]) -> str | None:
    """The attribute that a text names, spelled loosely; None for none or several."""
    plain = f" {_loose(text)} "
    found = [name for name in attributes if f" {_loose(name)} " in plain]
    longest = max(found, key=len, default=None)
    return longest if longest and all(_loose(n) in _loose(longest) for n in found) else None


def tags_in(text: str, tags: Mapping[str, int]) -> tuple[str, ...]:
    """Tags that the text names, as they are spelled on contacts."""
    plain = f" {_loose(text)} "
    return tuple(
        tag
        for tag in sorted(tags, key=lambda each: (-len(each), each))
        if any(f" {form} " in plain for form in (_loose(tag), _loose(tag) + "s"))
    )[:5]


def _tags_of(
    said: Mapping[str, Any], known: Mapping[str, int]
) -> tuple[tuple[str, ...], str | None]:
    """Tags that are meant, and the words that name no group we know."""
    by_form = {_loose(tag): tag for tag in known}
    asked = [str(tag) for tag in said.get("tags") or ()]
    tags = tuple(dict.fromkeys(by_form[_loose(t)] for t in asked if _loose(t) in by_form))
    strange = [tag for tag in asked if _loose(tag) not in by_form]
    if strange:
        return tags, ", ".join(strange)
    segment = said.get("segment")
    if asked or not segment:
        return tags, None
    named = tags_in(str(segment), known)
    if named:
        return named, None
    return (), str(segment) if _GENERIC.sub("", str(segment)).strip(" ,.'-") else None


def _welcomes(unknown: str | None, campaign_type: str | None) -> bool:
    return unknown is not None or campaign_type == "welcome"


def _before(attribute: str, days: int) -> dict[str, Any]:
    return {"field": f"attributes.{attribute}", "op": "before_days", "value": days}


def _which_column(situation: Situation) -> str:
    if not situation.attributes:
        return (
            "To find them I need to know when each contact last bought something, and none of "
            "your contacts has such a date yet. Import a file with a column like last_order_date "
            "and ask me again."
        )
    return (
        "Gladly. Which column of your contacts says when somebody last bought something? I see "
        f"{quoted_columns(situation.attributes)}. I will remember it."
    )


def quoted_columns(attributes: Sequence[str], most: int = 8) -> str:
    """Column names for a question, the likeliest first."""
    likely = sorted(attributes, key=lambda name: not re.search(r"date|last|order|purch", name))
    shown = [f"“{name}”" for name in likely[:most]]
    return ", ".join(shown) + (" and others" if len(attributes) > most else "")


def _which_group(unknown: str, tags: Mapping[str, int]) -> str:
    if not tags:
        return (
            f"I cannot tell who “{unknown}” are: your contacts have no tags yet. Shall it go to "
            "everyone, or do you want to tag them first?"
        )
    most = sorted(tags, key=lambda tag: (-tags[tag], tag))[:6]
    names = ", ".join(f"“{tag}” ({tags[tag]:,})" for tag in most)
    return (
        f"Who are “{unknown}”? I know contacts by these tags: {names}. Name one or more of them, "
        "or say “everyone”."
    )


def _loose(text: str) -> str:
    return " ".join(re.sub(r"[^\w]+|_", " ", text.lower()).split())
