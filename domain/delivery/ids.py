"""The identity of a delivery: the same e-mail to the same contact is the same delivery."""

from __future__ import annotations

from uuid import UUID, uuid5


def delivery_id(campaign_id: str, step: int, contact_id: str) -> str:
    """uuid5 of campaign, step and contact, so that intending it twice is the same stream.

    Ids are UUID text in lower case, as everywhere outside aggregates.
    """
    return str(uuid5(UUID(campaign_id), f"{step}:{contact_id}"))
