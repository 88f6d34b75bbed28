"""given(aggregate).when(act).then(events): the way every rule of an aggregate is tested."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

from domain.shared.aggregate import Root
from domain.shared.errors import DomainError

A = TypeVar("A", bound=Root)


class Spec(Generic[A]):
    """One command against one aggregate. What led to the aggregate is taken as recorded."""

    def __init__(self, aggregate: A) -> None:
        self.aggregate = aggregate
        self.error: DomainError | None = None
        aggregate.collect_events()

    @classmethod
    def given(cls, aggregate: A, *history: Callable[[A], Any]) -> Spec[A]:
        """An aggregate, after these acts."""
        for act in history:
            act(aggregate)
        return cls(aggregate)

    def when(self, act: Callable[[A], Any]) -> Spec[A]:
        """Do something; a refusal is kept for `then_refused`."""
        try:
            act(self.aggregate)
        except DomainError as error:
            self.error = error
        return self

    def then(self, *expected: type) -> A:
        """Exactly these events were recorded, in this order; the aggregate, to look at."""
        assert self.error is None, self.error
        assert [type(e) for e in self.aggregate.collect_events()] == list(expected)
        return self.aggregate

    def then_refused(self, code: str) -> None:
        """It was refused with this code, and nothing was recorded."""
        assert self.error is not None, "nothing was refused"
        assert self.error.code == code, self.error
        assert not self.aggregate.collect_events()
