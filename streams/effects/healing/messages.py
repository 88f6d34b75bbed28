"""One message: its details beside our events, and what is missing fetched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from streams.effects.healing.feeding import Feeder
from streams.effects.healing.ports import MailHistory, Record
from streams.effects.ports import Sending
from streams.steps.gaps import has_ended, missing_events
from streams.steps.repairs import of_bounce, of_events, of_read


@dataclass(frozen=True, slots=True)
class Messages:
    """Looks messages up for one organization. `first`: the first day that counts."""

    history: MailHistory
    sending: Sending
    feeder: Feeder
    first: date

    def heal(self, message_id: str, recorded: Mapping[str, int]) -> bool:
        """Put back what our events (`recorded`, by type) lack; whether the message has ended."""
        details = self.history.details(self.sending, message_id)
        if details is None:
            return False
        missing = missing_events(details, recorded)
        bodies = of_events(details, self._reasons(details, missing))
        if "Bounced" in missing:
            bodies += map(of_bounce, self.history.bounces_of(self.sending, message_id))
        for event, kind in (("Opened", "Open"), ("LinkClicked", "Click")):
            if event in missing:
                reads = self.history.reads_of(self.sending, kind, message_id)
                bodies += [of_read(kind, read) for read in reads]
        self.feeder.feed(bodies)
        return has_ended(details)

    def _reasons(self, details: Record, missing: set[str]) -> list[Record]:
        """The suppressions of those who changed their subscription by this message."""
        if "SubscriptionChanged" not in missing:
            return []
        stream = str(details.get("MessageStream"))
        who = {
            str(event.get("Recipient"))
            for event in details.get("MessageEvents") or []
            if event.get("Type") == "SubscriptionChanged"
        }
        return [
            entry
            for recipient in sorted(who)
            for entry in self.history.suppressions(self.sending, stream, self.first, recipient)
        ]
