"""Looking back: where to look next, and when nobody can tell any more."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from domain.delivery.lookback import (
    PARTS,
    SEARCHABLE,
    WHOLE,
    NotSearchableError,
    Place,
    first_day,
    is_readable,
    onward,
    part_of,
    term,
)

CAMPAIGN = str(uuid4())
BACKED_UP = datetime(2026, 3, 2, 12, tzinfo=UTC)


def test_what_can_be_listed_is_looked_up_at_once_then_at_the_next_server() -> None:
    assert term(CAMPAIGN, Place()) == ("campaign_id", CAMPAIGN)
    for total in (0, SEARCHABLE):
        following = onward(Place(), total)
        assert following == Place(1)
        assert is_readable(Place(), following)


def test_more_than_can_be_listed_is_looked_up_in_parts_that_miss_no_delivery() -> None:
    place = onward(Place(2), SEARCHABLE + 1)
    assert not is_readable(Place(2), place)

    asked = []
    while place.route == 2:
        asked.append(term(CAMPAIGN, place))
        place = onward(place, SEARCHABLE)
        assert is_readable(Place(2, len(asked) - 1), place)

    assert place == Place(3, WHOLE)
    every = {("campaign_part", part_of(CAMPAIGN, str(UUID(int=n << 120)))) for n in range(PARTS)}
    assert set(asked) == every
    assert len(asked) == PARTS


def test_a_part_that_cannot_be_listed_is_refused_and_says_what_to_do() -> None:
    with pytest.raises(NotSearchableError, match="Cancel it"):
        onward(Place(0, 7), SEARCHABLE + 1)


def test_it_looks_from_the_providers_day_of_the_backup_on_with_a_margin() -> None:
    early = datetime(2026, 3, 2, 5, 30, tzinfo=UTC)  # half an hour into the day in New York
    assert first_day(BACKED_UP, BACKED_UP) == date(2026, 3, 2)
    assert first_day(early, BACKED_UP) == date(2026, 3, 1)


def test_what_the_provider_has_forgotten_is_refused() -> None:
    assert first_day(BACKED_UP, BACKED_UP + timedelta(days=44))
    with pytest.raises(NotSearchableError, match="backup of 2026-03-02"):
        first_day(BACKED_UP, BACKED_UP + timedelta(days=45))
