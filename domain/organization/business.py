"""The business: the profile a conversation is about, and who its mails come from."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID

from eventsourcing.domain import Aggregate, event

from domain.organization.commands import Profile
from domain.shared.aggregate import Root
from domain.shared.meta import Meta


class Business(Root):
    """One business of an organization."""

    TOPIC = "Business"

    class Created(Aggregate.Created):
        TOPIC = "BusinessAdded"
        meta: Meta
        timezone: str
        name: str
        industry: str
        business_model: str
        brand_voice: str
        target_audience: str
        website: str
        sender_name: str
        sender_email: str
        postal_address: str

    class Revised(Aggregate.Event):
        TOPIC = "BusinessRevised"
        meta: Meta
        timezone: str
        name: str
        industry: str
        business_model: str
        brand_voice: str
        target_audience: str
        website: str
        sender_name: str
        sender_email: str
        postal_address: str

    @classmethod
    def add(cls, business_id: UUID, profile: Profile, meta: Meta) -> Business:
        """A new business."""
        return cls._create(
            cls.Created, id=business_id, timestamp=meta.now, meta=meta, **asdict(profile)
        )

    def revise(self, profile: Profile, meta: Meta) -> None:
        """Describe it as follows from now on; the same description again changes nothing."""
        if profile != self.profile:
            self.record(self.Revised, meta, **asdict(profile))

    @property
    def sender_complete(self) -> bool:
        """Whether mails can go out in its name: address, name and a postal address."""
        p = self.profile
        return bool(p.sender_name and p.sender_email and p.postal_address)

    @event(Created)
    def __init__(
        self,
        meta: Meta,
        timezone: str,
        name: str,
        industry: str,
        business_model: str,
        brand_voice: str,
        target_audience: str,
        website: str,
        sender_name: str,
        sender_email: str,
        postal_address: str,
    ) -> None:
        self.organization_id = meta.organization_id
        self.profile = Profile(
            name=name,
            industry=industry,
            business_model=business_model,
            brand_voice=brand_voice,
            target_audience=target_audience,
            website=website,
            timezone=timezone,
            sender_name=sender_name,
            sender_email=sender_email,
            postal_address=postal_address,
        )

    @event(Revised)
    def _revised(
        self,
        timezone: str,
        name: str,
        industry: str,
        business_model: str,
        brand_voice: str,
        target_audience: str,
        website: str,
        sender_name: str,
        sender_email: str,
        postal_address: str,
    ) -> None:
        self.profile = Profile(
            name=name,
            industry=industry,
            business_model=business_model,
            brand_voice=brand_voice,
            target_audience=target_audience,
            website=website,
            timezone=timezone,
            sender_name=sender_name,
            sender_email=sender_email,
            postal_address=postal_address,
        )
