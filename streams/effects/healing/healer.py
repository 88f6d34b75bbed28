"""The healer: compares with the provider, cheapest first, and puts back what never came."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

import structlog

from streams.effects.healing.feeding import Feeder
from streams.effects.healing.messages import Messages
from streams.effects.healing.ports import (
    Audit,
    BatchAudit,
    Heard,
    Intake,
    IntakeAwayError,
    MailHistory,
)
from streams.effects.healing.rounds import Places, Round
from streams.effects.metrics import HEAL_ROUNDS
from streams.effects.ports import (
    ProviderAwayError,
    ProviderRefusedError,
    Route,
    Senders,
    Sending,
)
from streams.steps.gaps import LOOKS, first_day, next_look

FIRST_PAUSE: Final = timedelta(seconds=30)
LONGEST_PAUSE: Final = timedelta(hours=1)
SOON: Final = timedelta(minutes=1)
_AWAY: Final = (ProviderAwayError, ProviderRefusedError, IntakeAwayError)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Healer:
    """Compares each organization every `every`; what is younger than `after` may still come.

    Progress is in the store after each step. Several healers do each other no harm, because what
    is put back twice is heard once.
    """

    heard: Heard
    senders: Senders
    history: MailHistory
    intake: Intake
    every: timedelta
    after: timedelta

    def step(self) -> bool:
        """Compare one organization, or look up a part of one batch; whether there was one."""
        audit = self.heard.take()
        if audit is not None:
            self._compare(audit)
            return True
        batch = self.heard.take_batch()
        if batch is not None:
            self._look_up(batch)
        return batch is not None

    def _compare(self, audit: Audit) -> None:
        now = self.heard.now()
        feeder = self._feeder(audit.organization_id, audit.since, now)
        self.heard.watch_batches(audit.organization_id, feeder.settled)
        try:
            places = self._places(audit.organization_id)
            ended = Round(self.heard, self.history, feeder, places).run(now)
        except _AWAY as error:
            HEAL_ROUNDS.labels("away").inc()
            _log.warning("webhooks not compared", organization=audit.organization_id,
                         reason=str(error)[:200])  # fmt: skip
            self.heard.postpone(audit, _pause(audit.failures), str(error)[:500])
        else:
            HEAL_ROUNDS.labels("compared").inc()
            self.heard.finish(audit, self.every if ended else SOON, feeder.found)

    def _look_up(self, batch: BatchAudit) -> None:
        now = self.heard.now()
        feeder = self._feeder(batch.organization_id, batch.since, now)
        try:
            sending = self._way(self._sending(batch.organization_id), batch.route)
            first = first_day(now, batch.since)
            after, again = self._part(batch, Messages(self.history, sending, feeder, first))
        except _AWAY as error:
            _log.warning("batch not looked up", batch=batch.batch_id, reason=str(error)[:200])
            after = batch._replace(failures=batch.failures + 1)
            again = None if self._closed(batch, error) else _pause(batch.failures)
        self.heard.keep_batch(after, again, feeder.found)

    def _part(self, batch: BatchAudit, messages: Messages) -> tuple[BatchAudit, timedelta | None]:
        """The next messages of a batch: how far it is then, and when it is due again."""
        page = self.history.batch(
            messages.sending, batch.message_stream, batch.batch_id, batch.reached
        )
        by_delivery = {_delivery(message): message for message in page.items}
        by_delivery.pop("", None)
        recorded = self.heard.recorded(batch.organization_id, list(by_delivery))
        silent = batch.silent
        for delivery, message in by_delivery.items():
            known = recorded.get(delivery, {})
            if batch.every_message or "Delivered" not in known:
                silent += not messages.heal(str(message.get("MessageID")), known)
        reached = batch.reached + len(page.items)
        if page.items and reached < page.total:
            return batch._replace(reached=reached, silent=silent, failures=0), timedelta()
        ended = batch._replace(
            reached=0, silent=0, failures=0, looks=batch.looks + 1, every_message=False
        )
        return ended, next_look(batch.looks, self.after) if silent else None

    def _feeder(self, organization_id: str, since: datetime, now: datetime) -> Feeder:
        return Feeder(self.heard, self.intake, organization_id, since, now - self.after)

    def _places(self, organization_id: str) -> Places:
        """Where anything may be known: the newest server, and those that batches went through."""
        newest = self._sending(organization_id)
        places = Places.of(newest)
        for route in self.heard.routes(organization_id):
            if route.connection not in (0, newest.connection):
                earlier = self.senders.sent_by(organization_id, route)
                if earlier is not None:
                    places.add(earlier)
        return places

    def _way(self, newest: Sending, route: Route) -> Sending:
        if route.connection in (0, newest.connection):
            return newest
        sending = self.senders.sent_by(newest.organization_id, route)
        if sending is None:
            raise ProviderRefusedError("not_connected", "That connection is not known.")
        return sending

    def _closed(self, batch: BatchAudit, error: Exception) -> bool:
        """Whether a server that was replaced has refused us so often that nobody will open it."""
        if not isinstance(error, ProviderRefusedError) or batch.failures < LOOKS:
            return False
        newest = self.senders.sending(batch.organization_id)
        return newest is not None and batch.connection not in (0, newest.connection)

    def _sending(self, organization_id: str) -> Sending:
        sending = self.senders.sending(organization_id)
        if sending is None:
            raise ProviderRefusedError("not_connected", "The organization has no server.")
        return sending


def _delivery(message: Mapping[str, Any]) -> str:
    """Our id of it, '' where there is none."""
    try:
        return str(UUID((message.get("Metadata") or {})["delivery_id"]))
    except (KeyError, TypeError, ValueError, AttributeError):
        return ""


def _pause(failures: int) -> timedelta:
    doubled: timedelta = FIRST_PAUSE * 2 ** min(failures, 16)
    return min(doubled, LONGEST_PAUSE)
