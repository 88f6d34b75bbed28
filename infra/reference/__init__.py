"""Pages of the reference that are made from the code: `python -m infra.reference`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from infra.reference.analysts import analysts_page
from infra.reference.commands import cli_page
from infra.reference.delivery_states import delivery_states_page
from infra.reference.endpoints import api_page
from infra.reference.environment import settings_page
from infra.reference.permissions import permissions_page
from infra.reference.problems import errors_page
from infra.reference.retention import retention_page
from infra.reference.series import metrics_page

PAGES: Final[dict[str, Callable[[], str]]] = {
    "analysts.md": analysts_page,
    "api.md": api_page,
    "cli.md": cli_page,
    "delivery-states.md": delivery_states_page,
    "errors.md": errors_page,
    "metrics.md": metrics_page,
    "permissions.md": permissions_page,
    "retention.md": retention_page,
    "settings.md": settings_page,
}
"""File name in docs/reference -> what it holds. The pages of events and topics: `schemas.pages`."""
