"""One comparison of an organization: counts by day first, then lists of the days that differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from streams.effects.healing.feeding import Feeder
from streams.effects.healing.ports import Heard, MailHistory, Record
from streams.effects.ports import Sending
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


@dataclass(frozen=True, slots=True)
class Round:
    """What a comparison works with."""

    heard: Heard
    history: MailHistory
    feeder: Feeder
    sending: Sending

    def run(self, now: datetime) -> bool:
        """Compare everything but single messages; whether nothing was left for the next time."""
        first = first_day(now, self.feeder.since)
        ours = self.heard.counts(self.feeder.organization_id)
        looked = self.heard.looked_through(self.feeder.organization_id)
        for kind in _READS:
            theirs = self.history.daily(self.sending, kind, first)
            days = to_look_through(counted(kind, theirs, ours, first), looked)
            if days:
                self._list_reads(kind, days)
        self._bounces(first, ours, looked)
        streams = dict.fromkeys((self.sending.stream, self.sending.transactional_stream))
        left = [self._suppressions(stream, first) for stream in streams]
        return not any(left)

    def _list_reads(self, kind: Kind, days: Sequence[Count]) -> None:
        """Every open or click since the first of these days, as far as the list goes."""
        self.feeder.young = False
        begin, offset = day_begins(days[0].day), 0
        while True:
            page = self.history.reads(self.sending, kind, offset)
            self.feeder.feed(of_read(kind, record) for record in page.items)
            offset += len(page.items)
            oldest = parsed_time(page.items[-1].get("ReceivedAt")) if page.items else None
            if oldest is None or oldest < begin or offset >= page.total:
                break
            if offset >= SEARCHABLE:
                self.heard.watch_every_message(self.feeder.organization_id)
                break
        self._note(days)

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
        page = self.history.bounces(self.sending, first, 0)
        count = Count("Bounce", first, page.total, heard)
        if not to_look_through([count], looked):
            return
        offset = 0
        while page.items:
            self.feeder.feed(map(of_bounce, page.items))
            offset += len(page.items)
            if offset >= min(page.total, SEARCHABLE):
                break
            page = self.history.bounces(self.sending, first, offset)
        self._note([count])

    def _note(self, counts: Sequence[Count]) -> None:
        if not self.feeder.young:
            self.heard.note_looked_through(self.feeder.organization_id, counts)

    # --- who must not be mailed ------------------------------------------------------------

    def _suppressions(self, stream: str, first: date) -> bool:
        """Suppressions we never heard of, each with its message if that is ours; if any is left."""
        entries = self.history.suppressions(self.sending, stream, first)
        unheard = self.feeder.unheard(of_suppression(stream, entry) for entry in entries)
        for body, seen in unheard[:LOOKED_UP]:
            bodies = self._of_its_message(stream, seen, entries)
            self.feeder.feed(bodies or [body])
        return len(unheard) > LOOKED_UP

    def _of_its_message(
        self, stream: str, seen: Observation, entries: Sequence[Record]
    ) -> list[bytes]:
        """The webhooks of the one message of ours that this observation is about."""
        found = self.history.messages_to(self.sending, stream, str(seen.recipient))
        ids = [str(message.get("MessageID")) for message in found]
        ours = self.heard.ours(self.feeder.organization_id, ids)
        for message_id in ids:
            details = self.history.details(self.sending, message_id) if message_id in ours else None
            bodies = of_events(details, entries) if details else []
            if any(understand(body, self.feeder.settled).key == seen.key for body in bodies):
                return bodies
        return []
