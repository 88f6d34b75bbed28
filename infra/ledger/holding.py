"""Sends over the month's quota: the campaign is held back, with the reason, for a person."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid5

from domain.campaign.aggregate import Campaign
from domain.organization.quotas import SENDS_REACHED, month_of, why_held_back
from domain.shared.errors import RuleViolatedError
from domain.shared.meta import Meta
from infra.ledger.rows import ACTOR
from infra.quotas import sends_left, sends_limit
from infra.transactions import PostgresTransaction
from streams.effects.ports import Lane

_RUN = "SELECT 1 FROM state.runs WHERE campaign_id = %s FOR UPDATE"
_PAUSE = "UPDATE state.runs SET state = 'paused' WHERE campaign_id = %s AND state = 'running'"


def hold_back(transaction: PostgresTransaction, lane: Lane, now: datetime) -> bool:
    """Pause the campaign, unless the quota allows sends again; whether it is paused now.

    A campaign of which a person released single deliveries is over and cannot be paused: these
    stay intended, and are sent once the quota allows it.
    """
    connection = transaction.connection
    connection.execute(_RUN, (lane.campaign_id,))
    month = month_of(now)
    limit = sends_limit(connection, lane.organization_id)
    if limit is None or sends_left(connection, lane.organization_id, month):
        return False
    campaign = transaction.load(Campaign, UUID(lane.campaign_id))
    try:
        campaign.pause(_meta(campaign, now), SENDS_REACHED, why_held_back(limit, month))
    except RuleViolatedError:
        return False
    connection.execute(_PAUSE, (lane.campaign_id,))
    transaction.save(campaign)
    return True


def _meta(campaign: Campaign, now: datetime) -> Meta:
    cause = uuid5(campaign.id, f"quota {campaign.version}")
    return Meta(campaign.organization_id, ACTOR, cause, cause, now)
