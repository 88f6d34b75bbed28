"""Reports from the analytics store."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, ServicesOf, allow
from api.requests import read, required
from domain.shared.errors import InvalidValueError, UnavailableError
from projections.queries.campaigns import get_campaign

router = APIRouter(prefix="/v1/analytics", tags=["analytics"])
AT_ONCE: Final = 12
"""Questions to the store at a time: should it let everybody wait, most threads are still free for
everything else."""
LONGEST_TURN: Final = 5.0
_POLL: Final = 0.02
_DEFAULT: Final = timedelta(days=30)
_YEARS: Final = range(2000, 2200)
_COUNTS: Final = {"intended": 118, "accepted": 118, "delivered": 116, "opened": 51, "clicked": 9}
_REPORT: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "Counts of what happened in the period.",
        "content": {
            "application/json": {
                "example": {
                    "from": "2026-11-01T00:00:00Z",
                    "to": "2026-12-01T00:00:00Z",
                    "totals": _COUNTS,
                    "days": [{"day": "2026-11-20", **_COUNTS}],
                    "campaigns": [
                        {"campaign_id": "0b5ee7f8-6f0e-4c77-9f3c-2f0f5a3a7d10", **_COUNTS}
                    ],
                    "mailbox_providers": [{"mailbox_provider": "gmail", **_COUNTS}],
                    "intents": [{"intent": "create_campaign", "turns": 4, "confidence": 0.93}],
                    "replies": {"count": 4, "p50_ms": 120, "p95_ms": 310, "p99_ms": 310},
                }
            }
        },
    }
}


@router.get("/report", responses=_REPORT, dependencies=[allow("analytics:read")])
async def report(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    start: Annotated[str | None, Query(alias="from", description="Date or time (UTC).")] = None,
    end: Annotated[str | None, Query(alias="to", description="Not included.")] = None,
) -> dict[str, Any]:
    """What happened from `from` until before `to`; the last 30 days when nothing is said."""
    until = services.clock() if end is None else _moment(end, "to")
    since = until - _DEFAULT if start is None else _moment(start, "from")
    if since >= until:
        raise InvalidValueError("to", "invalid_period", "`to` must be later than `from`.")
    organization = str(caller.organization_id)
    found = await in_turn(request, lambda: services.analytics.report(organization, since, until))
    return {**found, "from": _instant(since), "to": _instant(until)}


@router.get("/campaigns/{campaign_id}", dependencies=[allow("analytics:read")])
async def campaign(
    request: Request, campaign_id: UUID, caller: Caller, services: ServicesOf
) -> dict[str, Any]:
    """A campaign's metrics, by step too, and why deliveries were withheld."""
    row = await read(
        request, caller, services, ["campaigns"],
        lambda connection: get_campaign(connection, str(campaign_id)),
    )  # fmt: skip
    required(row, "campaign")
    organization = str(caller.organization_id)
    return await in_turn(
        request, lambda: services.analytics.campaign(organization, str(campaign_id))
    )


async def in_turn(request: Request, question: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The store's answer. Raises UnavailableError also when others keep it busy for too long."""
    turns: threading.Semaphore = request.app.state.analytics_turns
    deadline = time.monotonic() + LONGEST_TURN
    while not turns.acquire(blocking=False):
        if time.monotonic() > deadline:
            raise UnavailableError("the analytics store lets others wait already")
        await asyncio.sleep(_POLL)
    try:
        return await run_in_threadpool(question)
    finally:
        turns.release()


def _moment(text: str, field: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.year not in _YEARS:
        raise InvalidValueError(
            field, "invalid_date", f"Write {field} as a date such as 2026-11-01, or a time."
        )
    return moment


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
