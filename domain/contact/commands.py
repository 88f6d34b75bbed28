"""What may be asked of a contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

SuppressionReason = Literal[
    "unsubscribed", "hard_bounced", "complained", "inactive_at_provider", "deleted", "erased"
]
Origin = Literal["webhook", "answer", "link", "api", "import", "address_changed"]


@dataclass(frozen=True, slots=True)
class Suppress:
    """Mail the address no more. `delivery_id` is the delivery that told us, if one did."""

    reason: SuppressionReason
    origin: Origin
    delivery_id: UUID | None = None
