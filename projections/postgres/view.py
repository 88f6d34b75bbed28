"""What a view is: a table, the events it folds, and the pure function that folds them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

import orjson

from schemas.codec import Event, to_datetime
from schemas.sealing import ERASED

R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class View(Generic[R]):
    """One table of read rows, as plain data.

    `row` is a NamedTuple whose fields are the columns of `views.<name>`, `position` and `version`
    included. `fold` is pure and gives the row after an event: None means "no row yet", never
    "delete". It gives back the same row for an event whose position the row already has.
    All events of one row come from one stream. `reads_sealed` is false for a view that needs no
    personal field: its topic is then decoded without keys.
    """

    name: str
    row: type[R]
    events: frozenset[str]
    key_of: Callable[[Event], str]
    fold: Callable[[R | None, Event], R | None]
    key: str = "id"
    reads_sealed: bool = True


def stream_id(event: Event) -> str:
    """The key of a view with one row per stream."""
    return event.stream_id


def moment(event: Event) -> datetime:
    """When the event was decided, aware, in UTC."""
    return to_datetime(event.occurred_at)


def moment_or_none(micros: int | None) -> datetime | None:
    """An optional time field of an event."""
    return None if micros is None else to_datetime(micros)


def text(value: str) -> str:
    """A sealed text; empty once its key is gone."""
    return "" if value is ERASED else value


def json_or(value: str, otherwise: Any) -> Any:
    """A sealed field that holds JSON; `otherwise` when it is empty or its key is gone."""
    return orjson.loads(value) if value else otherwise


def texts(data: Mapping[str, Any], *names: str) -> dict[str, str]:
    """Several sealed texts by name, as keyword arguments of a row."""
    return {name: text(data[name]) for name in names}
