"""Reports from the analytics store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, ServicesOf, allow
from api.requests import read, required
from domain.shared.errors import InvalidValueError
from projections.queries.campaigns import get_campaign

router = APIRouter(prefix="/v1/analytics", tags=["analytics"])
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
    found = await run_in_threadpool(
        services.analytics.report, str(caller.organization_id), since, until
    )
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
    return await run_in_threadpool(
        services.analytics.campaign, str(caller.organization_id), str(campaign_id)
    )


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
