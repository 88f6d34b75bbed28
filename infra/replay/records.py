"""What is replayed: which records, and one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, Protocol

from schemas.registry import Registry


class ReplayError(Exception):
    """The replay cannot be what was asked for; the message says what to do."""


class Replayed(NamedTuple):
    """One record. `at`: when the log, or Kafka, took it. `offset` is None for one of the log;
    `position` is 0 for one that never was in the log."""

    position: int
    topic: str
    partition: int
    offset: int | None
    key: bytes | None
    headers: Mapping[str, bytes]
    value: bytes
    at: datetime


@dataclass(frozen=True, slots=True)
class Selection:
    """From where to where (positions, both included), and what of it. Empty: no limit."""

    start: int
    end: int
    types: frozenset[str] = frozenset()
    topics: frozenset[str] = frozenset()
    stream: str | None = None
    organization: str | None = None

    def wanted_types(self, registry: Registry) -> frozenset[str]:
        """The types that types and topics leave. Raises ReplayError for unknown ones."""
        known = registry.topic_of
        for name in self.types - known.keys():
            raise ReplayError(f"there is no event type {name}; see `nudge schemas list`")
        for name in self.topics - set(known.values()):
            raise ReplayError(f"{name} is no topic of events: {', '.join(registry.topics)}")
        return frozenset(
            name
            for name, topic in known.items()
            if (not self.types or name in self.types) and (not self.topics or topic in self.topics)
        )


class Source(Protocol):
    """Where records come from."""

    def read(self) -> Iterator[Sequence[Replayed]]:
        """Chunks in order. A chunk may be empty: something was looked at and left out."""
        ...

    @property
    def reached(self) -> int:
        """Everything up to this position has been handed out."""
        ...


class Sink(Protocol):
    """Where records go."""

    def write(self, records: Sequence[Replayed]) -> None:
        """All of them, or the error is raised."""
        ...

    def close(self) -> None: ...
