"""Looking back: a campaign of a restored log asks the provider first what has left already.

The log of a backup knows nothing of what was sent after it. Ids of deliveries are the same again
and stand in the metadata of each message, so the provider's search tells what must not be sent
once more. Its lists end after 10,000 messages and it filters by one metadata field at a time: a
larger campaign is asked for in parts, by the first byte of the delivery's id.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Final, Literal, NamedTuple
from zoneinfo import ZoneInfo

KEPT: Final = timedelta(days=45)
"""How long Postmark keeps messages, unless it is told otherwise."""
SEARCHABLE: Final = 10_000
"""Postmark's lists end here, however many there are."""
PARTS: Final = 256
WHOLE: Final = -1
MARGIN: Final = timedelta(hours=1)
"""By so much our clock may differ from the provider's."""
NOT_LOOKED_BACK: Final = "not_looked_back"
"""Why a campaign is paused of which nobody can tell what has left."""
_ZONE: Final = ZoneInfo("America/New_York")
_WAY_OUT: Final = (
    "Going on could mail people twice. Cancel it, and make a new campaign for those who are left."
)
Field = Literal["campaign_id", "campaign_part"]


class Place(NamedTuple):
    """How far a look back has come: which of the servers, and which part of the campaign there."""

    route: int = 0
    part: int = WHOLE


class NotSearchableError(Exception):
    """The provider can never tell all that was sent; the message says why, and what to do."""


def part_of(campaign_id: str, delivery_id: str) -> str:
    """The metadata by which a part of a campaign is found."""
    return f"{campaign_id}-{delivery_id[:2]}"


def term(campaign_id: str, place: Place) -> tuple[Field, str]:
    """The metadata field to search by, and its value."""
    if place.part == WHOLE:
        return "campaign_id", campaign_id
    return "campaign_part", part_of(campaign_id, f"{place.part:02x}")


def onward(place: Place, total: int) -> Place:
    """Where to look next, when so many messages are there to be found at this place.

    The first part of the same server means that this place was too large and must not be read.
    Raises NotSearchableError for a part that is too large.
    """
    if total > SEARCHABLE and place.part != WHOLE:
        raise NotSearchableError(
            f"More than {SEARCHABLE * PARTS:,} messages of this campaign were sent, too many for"
            f" the provider's search to list. {_WAY_OUT}"
        )
    if total > SEARCHABLE:
        return Place(place.route, 0)
    if place.part == WHOLE or place.part == PARTS - 1:
        return Place(place.route + 1)
    return Place(place.route, place.part + 1)


def is_readable(place: Place, following: Place) -> bool:
    """Whether everything at a place can be listed, given what follows it."""
    return (place.part, following) != (WHOLE, Place(place.route, 0))


def first_day(since: datetime, now: datetime) -> date:
    """The provider's day from which to look. Raises NotSearchableError when it has forgotten it."""
    begin = since - MARGIN
    if now - begin > KEPT:
        raise NotSearchableError(
            f"It was restored from a backup of {since:%Y-%m-%d}, and the provider keeps messages"
            f" for {KEPT.days} days: it can no longer tell all that was sent since. {_WAY_OUT}"
        )
    return begin.astimezone(_ZONE).date()
