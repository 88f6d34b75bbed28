"""The domain's Transaction in memory: what is saved can be loaded, all of it or nothing."""

from __future__ import annotations

from copy import deepcopy
from typing import Any, TypeVar
from uuid import UUID

from domain.shared.aggregate import Root
from domain.shared.errors import NotFoundError

A = TypeVar("A", bound=Root)


class FakeTransaction:
    """A transaction of one organization. `events` holds what was saved, in order."""

    def __init__(self, organization_id: UUID, *existing: Root) -> None:
        self._organization_id = organization_id
        self._kept = {each.id: deepcopy(each) for each in existing}
        self.events: list[Any] = []
        for each in self._kept.values():
            each.collect_events()

    @property
    def organization_id(self) -> UUID:
        return self._organization_id

    def load(self, kind: type[A], identity: UUID) -> A:
        """The aggregate as it was saved last; another organization's is not there."""
        found = self._kept.get(identity)
        if not isinstance(found, kind) or found.organization_id != self._organization_id:
            raise NotFoundError(kind.__name__.lower())
        return deepcopy(found)

    def save(self, *aggregates: Root) -> None:
        """Keep these as they are, and what they recorded."""
        for aggregate in aggregates:
            self.events += aggregate.collect_events()
            self._kept[aggregate.id] = deepcopy(aggregate)

    def after_append(self, then: Any) -> None:
        """There are no positions here, so nothing waits for them."""
        then()

    def types(self) -> list[str]:
        """Names of the events saved so far, and forget them."""
        names = [type(event).TOPIC for event in self.events]
        self.events.clear()
        return names
