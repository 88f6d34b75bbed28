"""What may be asked of a campaign."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from domain.campaign.values import CampaignType, Content
from domain.workflow.graph import Graph


@dataclass(frozen=True, slots=True)
class DraftCampaign:
    """`conversation_id` and `turn_id`: where it was asked for, if it was in a conversation."""

    campaign_id: UUID
    business_id: UUID
    campaign_type: CampaignType
    workflow_id: UUID
    content: Content
    graph: Graph
    conversation_id: UUID | None = None
    turn_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class RequestTest:
    """One e-mail to a mailbox somebody looks at.

    `reference` is a random id that stands for the address wherever the address may not stand.
    """

    delivery_id: UUID
    reference: UUID
    address: str
    step: int = 1
