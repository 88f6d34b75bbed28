"""Audience conditions evaluated one contact at a time, in Python: what compiled SQL is held to."""

from __future__ import annotations

import operator
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

_COMPARED = {
    "eq": operator.eq, "lt": operator.lt, "lte": operator.le, "gt": operator.gt,
    "gte": operator.ge,
}  # fmt: skip
_ISO = re.compile(
    r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}:\d{2})?)?", re.ASCII
)


def matches(contact: Mapping[str, Any], conditions: Mapping[str, Any], now: datetime) -> bool:
    """Whether the contact (a row of the contacts view) meets the conditions."""
    match conditions:
        case {"all": parts}:
            return all(matches(contact, part, now) for part in parts)
        case {"any": parts}:
            return any(matches(contact, part, now) for part in parts)
        case {"not": part}:
            return not matches(contact, part, now)
    field, op, value = conditions["field"], conditions["op"], conditions.get("value")
    if field == "consent.status":
        return _text(contact["consent_status"], op, value)
    if field == "tags":
        return _tags(contact["tags"], op, value)
    if field == "created_at":
        return _moment(contact["created_at"], op, value, now)
    if field == "email":
        return _text(contact["email"].lower(), op, _lowered(value))
    if field.startswith("attributes."):
        known = contact["attributes"].get(field.removeprefix("attributes."))
        return _attribute(known, op, value, now)
    return _text(contact[field], op, value)


def _lowered(value: Any) -> Any:
    if isinstance(value, list):
        return [each.lower() for each in value]
    return value.lower() if isinstance(value, str) else value


def _text(known: str, op: str, value: Any) -> bool:
    match op:
        case "exists":
            return (known != "") is (value is not False)
        case "in":
            return known in value
        case "contains":
            return value.lower() in known.lower()
        case "ne":
            return bool(known != value)
    return bool(known == value)


def _tags(known: list[str], op: str, value: Any) -> bool:
    match op:
        case "exists":
            return bool(known) is (value is not False)
        case "in":
            return bool(set(known) & set(value))
    return value in known


def _attribute(known: Any, op: str, value: Any, now: datetime) -> bool:
    match op:
        case "exists":
            return (known is not None and known != "") is (value is not False)
        case "contains":
            return isinstance(known, str) and value.lower() in known.lower()
        case "in":
            return any(_same(known, each) for each in value)
        case "eq":
            return _same(known, value)
        case "ne":
            return not _same(known, value)
    if isinstance(value, str) or op in ("before_days", "after_days"):
        return _moment(_parsed(known), op, value, now)
    return isinstance(known, int | float) and bool(_COMPARED[op](known, value))


def _same(known: Any, value: Any) -> bool:
    return isinstance(known, str) == isinstance(value, str) and bool(known == value)


def _moment(known: datetime | None, op: str, value: Any, now: datetime) -> bool:
    match op:
        case "exists":
            return (known is not None) is (value is not False)
        case "before_days":
            return known is not None and known < now - timedelta(days=value)
        case "after_days":
            return known is not None and now - timedelta(days=value) <= known <= now
        case "ne":
            return known != _parsed(value)
    wanted = _parsed(value)
    return known is not None and wanted is not None and bool(_COMPARED[op](known, wanted))


def _parsed(value: Any) -> datetime | None:
    if not isinstance(value, str) or not _ISO.fullmatch(value):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
