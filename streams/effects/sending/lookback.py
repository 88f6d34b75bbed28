"""Looking back: before a campaign of a restored log sends, the provider tells what it has already.

One step reads what one search can list and keeps it; the last one lets the campaign go on. While
the provider is away or says no, the campaign waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, Protocol

import structlog

from domain.delivery.lookback import (
    NotSearchableError,
    Place,
    first_day,
    is_readable,
    onward,
    term,
)
from streams.effects.metrics import LOOKBACKS
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Route, Sending

AWAY: Final = timedelta(seconds=5)
REFUSED: Final = timedelta(minutes=1)
_log = structlog.get_logger()


class Mark(NamedTuple):
    """A campaign that shall send, and must look back first. `since`: what the log knows ends
    there; `now`: the store's time; `newest_only`: earlier connections were to the same server."""

    campaign_id: str
    organization_id: str
    since: datetime
    place: Place
    now: datetime
    newest_only: bool = False


class Sent(NamedTuple):
    """A message of a campaign that the provider has. `address`: its recipient's, unless it is a
    test mail, which takes nobody's place."""

    delivery_id: str
    batch_id: str
    message_id: str
    accepted_at: datetime
    step: int = 1
    address: str | None = None


class SentPage(NamedTuple):
    """A page of a search: how many there are in all, ids of all on the page, and those of ours."""

    total: int
    message_ids: Sequence[str]
    sent: Sequence[Sent]


class Marks(Protocol):
    """Which campaigns must look back. Each method is one transaction."""

    def due(self) -> Mark | None:
        """One that has something to send and may look back now."""
        ...

    def keep(self, mark: Mark, route: Route, sent: Sequence[Sent], onward: Place | None) -> None:
        """What was found at the mark's place, and where to look next; None: it may send now.

        Nothing happens when somebody else was there meanwhile.
        """
        ...

    def postpone(self, mark: Mark, delay: timedelta, problem: str) -> None:
        """Try again after the delay; until then the campaign waits."""
        ...

    def refuse(self, mark: Mark, delay: timedelta, problem: str) -> None:
        """It can never look back: pause it with the reason. It stays marked."""
        ...


class Connections(Protocol):
    """Where an organization's mails may have gone."""

    def since(self, organization_id: str, moment: datetime) -> Sequence[Sending]:
        """The connection of that moment and all later ones, oldest first: a new one comes last."""
        ...


class SentSearch(Protocol):
    """The provider's search."""

    def sent(
        self, sending: Sending, campaign_id: str, by: tuple[str, str], first: date, offset: int
    ) -> SentPage:
        """A page of a campaign's messages since a day, by one metadata field, newest first.

        Raises ProviderAwayError, ProviderRefusedError.
        """
        ...


@dataclass(frozen=True, slots=True)
class LookBack:
    """Runs beside the senders; several of them do each other no harm."""

    marks: Marks
    connections: Connections
    search: SentSearch

    def step(self) -> bool:
        """Look at one place of one campaign; whether there was any."""
        mark = self.marks.due()
        if mark is None:
            return False
        try:
            self._look(mark)
        except NotSearchableError as error:
            self._waits(mark, "impossible", str(error))
            self.marks.refuse(mark, REFUSED, str(error))
        except ProviderRefusedError as error:
            self._waits(mark, "refused", error.detail)
            self.marks.postpone(mark, REFUSED, error.detail)
        except ProviderAwayError as error:
            self._waits(mark, "away", str(error))
            self.marks.postpone(mark, AWAY, str(error))
        else:
            LOOKBACKS.labels("answered").inc()
        return True

    def _waits(self, mark: Mark, result: str, problem: str) -> None:
        LOOKBACKS.labels(result).inc()
        _log.warning(
            "a restored campaign waits: what it sent already is not known",
            campaign=mark.campaign_id, reason=problem[:200],
        )  # fmt: skip

    def _look(self, mark: Mark) -> None:
        first = first_day(mark.since, mark.now)
        ways = self.connections.since(mark.organization_id, mark.since)
        if mark.newest_only:
            ways = ways[-1:]
        if not ways:
            raise ProviderRefusedError("not_connected", "no server is connected to ask")
        sending = ways[min(mark.place.route, len(ways) - 1)]
        page = self._page(mark, sending, first, 0)
        following = onward(mark.place, page.total)
        sent: Sequence[Sent] = ()
        if is_readable(mark.place, following):
            sent = self._rest(mark, sending, first, page)
        more = following.route < len(ways)
        self.marks.keep(mark, sending.route, sent, following if more else None)

    def _rest(self, mark: Mark, sending: Sending, first: date, page: SentPage) -> Sequence[Sent]:
        """What all pages hold. Nothing is sent meanwhile, so they must add up."""
        sent, seen, offset = list(page.sent), set(page.message_ids), len(page.message_ids)
        while page.message_ids and offset < page.total:
            page = self._page(mark, sending, first, offset)
            sent += page.sent
            seen.update(page.message_ids)
            offset += len(page.message_ids)
        if len(seen) < page.total:
            raise ProviderAwayError(f"its search lists {len(seen)} of {page.total} messages")
        return sent

    def _page(self, mark: Mark, sending: Sending, first: date, offset: int) -> SentPage:
        by = term(mark.campaign_id, mark.place)
        return self.search.sent(sending, mark.campaign_id, by, first, offset)
