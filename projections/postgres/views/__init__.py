"""All views, by what they are called in `state.positions` and in the `views` schema."""

from __future__ import annotations

from typing import Any, Final

from projections.postgres.view import View
from projections.postgres.views import (
    analysts,
    api_keys,
    businesses,
    campaigns,
    contacts,
    conversations,
    deliveries,
    invitations,
    organizations,
    postmark_connections,
    security_events,
    turns,
    users,
    workflows,
)

ALL_VIEWS: Final[tuple[View[Any], ...]] = (
    organizations.VIEW,
    api_keys.VIEW,
    postmark_connections.VIEW,
    businesses.VIEW,
    analysts.VIEW,
    conversations.VIEW,
    turns.VIEW,
    campaigns.VIEW,
    workflows.VIEW,
    contacts.VIEW,
    deliveries.VIEW,
    users.VIEW,
    invitations.VIEW,
    security_events.VIEW,
)
