"""Operations: is it alive, is it ready, what does it measure."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.concurrency import run_in_threadpool

from api.auth import ServicesOf

router = APIRouter(tags=["operations"])
_NOT_READY: Final[dict[str, Any]] = {
    "description": "A store that is needed is away.",
    "content": {"application/json": {"example": {"status": "unavailable"}}},
}


@router.get("/health")
@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/health/ready", responses={503: _NOT_READY})
async def ready(services: ServicesOf) -> JSONResponse:
    """Whether requests can be carried out: 503 while the store that decides is away."""
    checks = await run_in_threadpool(services.readiness.needed)
    well = all(problem is None for problem in checks.values())
    return JSONResponse({"status": "ok" if well else "unavailable"}, 200 if well else 503)


@router.get("/health/detailed")
async def detailed(services: ServicesOf) -> dict[str, Any]:
    """Every dependency by name."""
    checks = await run_in_threadpool(services.readiness.all)
    return {
        "status": "ok" if all(problem is None for problem in checks.values()) else "unavailable",
        "checks": {
            name: {"status": "ok" if problem is None else "unavailable", "detail": problem}
            for name, problem in checks.items()
        },
    }


@router.get("/metrics", response_class=PlainTextResponse)
async def metrics() -> Response:
    """Prometheus's text format."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
