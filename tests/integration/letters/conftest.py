"""Records put aside by consumers on real Postgres, and the desk where they are decided about."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from infra.letters.desk import LetterDesk
from infra.letters.handling import handling_of
from infra.letters.reading import Letter, newest
from infra.worker_log import PostgresWorkerLog
from projections.batch import Batch, Record
from projections.clickhouse.again import AnalyticsAgain
from projections.postgres.refolding import Refolder
from projections.postgres.view import View
from projections.postgres.views import ALL_VIEWS
from schemas.codec import Event
from streams.agents.addresses import Addresses
from tests.conftest import Database
from tests.support.api import running_api
from tests.support.services import Services
from tests.support.story import Story


class BrokenFoldError(Exception):
    """What a mistake in a fold looks like."""


def broken(view: View[Any], at: Callable[[Event], bool], why: str = "a mistake") -> View[Any]:
    """The view with a fold that fails for some events."""

    def fold(row: Any, event: Event) -> Any:
        if at(event):
            raise BrokenFoldError(why)
        return view.fold(row, event)

    return replace(view, fold=fold)


def views_with(name: str, changed: View[Any]) -> tuple[View[Any], ...]:
    return tuple(changed if view.name == name else view for view in ALL_VIEWS)


@dataclass
class LetterBox:
    """A dead-letter topic in memory: what consumers put there, as the reader would find it."""

    letters: list[Letter] = field(default_factory=list)

    def put(self, record: Record, *, consumer: str, reason: str, trace: str) -> None:
        at = datetime.now(UTC)
        self.letters.append(Letter(len(self.letters), record, consumer, reason, trace, at))


@dataclass
class Desk:
    """A story, a letter box, and a desk that a test may give other views."""

    story: Story
    box: LetterBox
    analytics: Callable[[], Any] = field(default=lambda: None)

    def with_views(self, views: tuple[View[Any], ...] = ALL_VIEWS) -> LetterDesk:
        worker = self.story.api.worker
        log = PostgresWorkerLog(
            worker.pool, worker.codec, worker.writer, worker.keys, "system:reactions"
        )
        handling = handling_of(
            worker.codec,
            Refolder(worker.codec, worker.keys, views),
            Addresses(worker.hasher, uuid.uuid4),
            AnalyticsAgain(self.analytics, "test-"),
        )
        return LetterDesk(log, worker.codec, handling, self.box, "operator:ada")

    def open(self) -> list[Letter]:
        return self.with_views().open(newest(self.box.letters))

    def news(self) -> list[Batch]:
        """What was appended and no consumer has seen."""
        return self.story.batches.news()

    def decisions(self) -> list[tuple[str, str, str]]:
        """Type, actor and organization of the decisions, in order."""
        rows = self.story.sql.execute(
            "SELECT bytes, position FROM log.events WHERE type LIKE 'DeadLetter%' ORDER BY position"
        ).fetchall()
        events = self.story.api.worker.codec.decode_batch(rows, None)
        return [(event.type, event.actor, event.organization_id) for event in events]


@pytest.fixture
def desk(stack: Services, database: Database) -> Iterator[Desk]:
    with running_api(stack, database) as api:
        story = Story(api)
        yield Desk(story, LetterBox())
        story.close()
