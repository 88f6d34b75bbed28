"""Businesses: the profiles that conversations are about."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from projections.postgres.view import View, moment, stream_id, texts
from schemas.codec import Event


class BusinessRow(NamedTuple):
    """One business, its sender included; texts that were never given are empty."""

    id: str
    organization_id: str
    name: str
    industry: str
    business_model: str
    brand_voice: str
    target_audience: str
    website: str
    timezone: str
    sender_name: str
    sender_email: str
    postal_address: str
    created_at: datetime
    updated_at: datetime
    position: int
    version: int


_TEXTS = (
    "name", "industry", "business_model", "brand_voice", "target_audience", "website",
    "sender_name", "sender_email", "postal_address",
)  # fmt: skip


def fold(row: BusinessRow | None, event: Event) -> BusinessRow | None:
    """The business after the event; every event carries the whole profile."""
    if row is not None and event.position <= row.position:
        return row  # seen before
    match event.type:
        case "BusinessAdded":
            return _profile(event, created_at=moment(event))
        case "BusinessRevised" if row:
            return _profile(event, created_at=row.created_at)
    return row


def _profile(event: Event, created_at: datetime) -> BusinessRow:
    return BusinessRow(
        id=event.stream_id,
        organization_id=event.organization_id,
        timezone=event.data["timezone"],
        created_at=created_at,
        updated_at=moment(event),
        position=event.position,
        version=event.version,
        **texts(event.data, *_TEXTS),
    )


VIEW = View(
    name="businesses",
    row=BusinessRow,
    events=frozenset({"BusinessAdded", "BusinessRevised"}),
    key_of=stream_id,
    fold=fold,
)
