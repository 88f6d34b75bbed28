"""One comparison of an organization: counts by day first, then lists of the days that differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final, TypeVar

import structlog

from streams.effects.healing.feeding import Feeder
from streams.effects.healing.ports import Heard, MailHistory, Page, Record
from streams.effects.ports import ProviderRefusedError, Sending
from streams.steps.gaps import (
    SEARCHABLE,
    Count,
    counted,
    day_begins,
    first_day,
    to_look_through,
)
from streams.steps.repairs import of_bounce, of_events, of_read, of_suppression
from streams.steps.webhooks import Kind, Observation, parsed_time, understand

LOOKED_UP: Final = 300
"""Missing suppressions whose message is looked for in one round."""
_READS: Final[tuple[Kind, ...]] = ("Open", "Click")
T = TypeVar("T")
_log = structlog.get_logger()


@dataclass
class Places:
    """Where to ask, the newest connection first: servers, and streams of servers.

    Two connections may be to one server: what it knows is counted once.
    """

    servers: dict[str, Sending]
    streams: dict[tuple[str, str], Sending]

    @classmethod
    def of(cls, newest: Sending) -> Places:
        """The newest connection, with both its streams."""
        token = newest.server_token
        both = dict.fromkeys((newest.stream, newest.transactional_stream))
        return cls({token: newest}, {(token, stream): newest for stream in both})

    def add(self, earlier: Sending) -> None:
        """An earlier one, with the stream that mails were sent through."""
        self.servers.setdefault(earlier.server_token, earlier)
        self.streams.setdefault((earlier.server_token, earlier.stream), earlier)

    def close(self, sending: Sending) -> bool:
        """Ask there no more; False for the newest, without which nothing is compared."""
        token = sending.server_token
        if token == next(iter(self.servers)):
            return False
        self.servers.pop(token, None)
        self.streams = {place: s for place, s in self.streams.items() if place[0] != token}
        return True


@dataclass(frozen=True, slots=True)
class Round:
    """What a comparison works with."""

    heard: Heard
    history: MailHistory
    feeder: Feeder
    places: Places

    def run(self, now: datetime) -> bool:
        """Compare everything but single messages; whether nothing was left for the next time."""
        first = first_day(now, self.feeder.since)
        ours = self.heard.counts(self.feeder.organization_id)
        looked = self.heard.looked_through(self.feeder.organization_id)
        for kind in _READS:
            theirs = self._daily(kind, first)
            days = to_look_through(counted(kind, theirs, ours, first), looked)
            if days:
                self._list_reads(kind, days)
        self._bounces(first, ours, looked)
        left = [
            self._suppressions(sending, stream, first)
            for (_, stream), sending in list(self.places.streams.items())
        ]
        return not any(left)

    def _daily(self, kind: Kind, first: date) -> Counter[date]:
        total: Counter[date] = Counter()
        for days in self._everywhere(lambda sending: self.history.daily(sending, kind, first)):
            total.update(days)
        return total

    def _everywhere(self, ask: Callable[[Sending], T]) -> list[T]:
        """Every server's answer; one that was replaced and is closed to us is left out."""
        found = []
        for sending in list(self.places.servers.values()):
            answer = self._unless_closed(sending, ask)
            if answer is not None:
                found.append(answer)
        return found

    def _unless_closed(self, sending: Sending, ask: Callable[[Sending], T]) -> T | None:
        try:
            return ask(sending)
        except ProviderRefusedError as error:
            if not self.places.close(sending):
                raise
            _log.warning(
                "an earlier server is closed to us", organization=sending.organization_id,
                connection=sending.connection, reason=error.detail[:200],
            )  # fmt: skip
            return None

    def _list_reads(self, kind: Kind, days: Sequence[Count]) -> None:
        """Every open or click since the first of these days, as far as the lists go."""
        self.feeder.young = False
        begin = day_begins(days[0].day)
        self._everywhere(lambda sending: self._list_reads_of(sending, kind, begin))
        self._note(days)

    def _list_reads_of(self, sending: Sending, kind: Kind, begin: datetime) -> None:
        offset = 0
        while True:
            page = self.history.reads(sending, kind, offset)
            self.feeder.feed(of_read(kind, record) for record in page.items)
            offset += len(page.items)
            oldest = parsed_time(page.items[-1].get("ReceivedAt")) if page.items else None
            if oldest is None or oldest < begin or offset >= page.total:
                break
            if offset >= SEARCHABLE:
                self.heard.watch_every_message(self.feeder.organization_id)
                break

    def _bounces(
        self, first: date, ours: Mapping[tuple[str, date], int], looked: Sequence[Count]
    ) -> None:
        """Bounces and complaints are counted together: their list says how many there are."""
        self.feeder.young = False
        heard = sum(
            count
            for (kind, day), count in ours.items()
            if kind in ("Bounce", "SpamComplaint") and day >= first
        )
        pages = self._everywhere(lambda sending: (sending, self.history.bounces(sending, first, 0)))
        count = Count("Bounce", first, sum(page.total for _, page in pages), heard)
        if not to_look_through([count], looked):
            return
        for sending, page in pages:
            self._feed_bounces(sending, page, first)
        self._note([count])

    def _feed_bounces(self, sending: Sending, page: Page, first: date) -> None:
        offset = 0
        while page.items:
            self.feeder.feed(map(of_bounce, page.items))
            offset += len(page.items)
            if offset >= min(page.total, SEARCHABLE):
                break
            page = self.history.bounces(sending, first, offset)

    def _note(self, counts: Sequence[Count]) -> None:
        if not self.feeder.young:
            self.heard.note_looked_through(self.feeder.organization_id, counts)

    # --- who must not be mailed ------------------------------------------------------------

    def _suppressions(self, sending: Sending, stream: str, first: date) -> bool:
        """Suppressions we never heard of, each with its message if that is ours; if any is left."""
        entries = self._unless_closed(
            sending, lambda known: self.history.suppressions(known, stream, first)
        )
        if entries is None:
            return False
        unheard = self.feeder.unheard(of_suppression(stream, entry) for entry in entries)
        for body, seen in unheard[:LOOKED_UP]:
            bodies = self._of_its_message(sending, stream, seen, entries)
            self.feeder.feed(bodies or [body])
        return len(unheard) > LOOKED_UP

    def _of_its_message(
        self, sending: Sending, stream: str, seen: Observation, entries: Sequence[Record]
    ) -> list[bytes]:
        """The webhooks of the one message of ours that this observation is about."""
        found = self.history.messages_to(sending, stream, str(seen.recipient))
        ids = [str(message.get("MessageID")) for message in found]
        ours = self.heard.ours(self.feeder.organization_id, ids)
        for message_id in ids:
            details = self.history.details(sending, message_id) if message_id in ours else None
            bodies = of_events(details, entries) if details else []
            if any(understand(body, self.feeder.settled).key == seen.key for body in bodies):
                return bodies
        return []
