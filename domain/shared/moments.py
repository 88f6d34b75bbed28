"""Moments that people give us: with a zone, in UTC, in years that every store can hold."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from domain.shared.errors import InvalidValueError

YEARS: Final = range(1900, 2200)
"""Python, Avro, Postgres and ClickHouse hold all of these; what lies outside is a mistake."""


def utc(moment: datetime, field: str) -> datetime:
    """The same moment in UTC. Raises InvalidValueError without a zone and outside of YEARS."""
    if moment.tzinfo is None:
        raise InvalidValueError(field, "invalid_date", f"Say {field} with its zone.")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        moment = datetime.max.replace(tzinfo=UTC)
    if moment.year not in YEARS:
        raise InvalidValueError(
            field, "invalid_date", f"{field} lies between {YEARS.start} and {YEARS.stop - 1}."
        )
    return moment
