"""Operations: is it alive, is it ready, what does it measure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from api.ports import Services
from api.recent import Recent

router = APIRouter(tags=["operations"])
_NOT_READY: Final[dict[str, Any]] = {
    "description": "A store that is needed is away.",
    "content": {"application/json": {"example": {"status": "unavailable"}}},
}


class Probes:
    """The stores asked for all who probe: nobody has to show who they are, and none is refused."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self.needed = Recent(self._needed)
        self.all = Recent(self._all)

    def _needed(self) -> Mapping[str, str | None]:
        return self._services.readiness.needed()

    def _all(self) -> Mapping[str, str | None]:
        return self._services.readiness.all()


@router.get("/health")
@router.get("/health/live")
async def live() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}


@router.get("/health/ready", responses={503: _NOT_READY})
async def ready(request: Request) -> JSONResponse:
    """Whether requests can be carried out: 503 while the store that decides is away.

    As of at most a second ago.
    """
    probes: Probes = request.app.state.probes
    checks = await probes.needed()
    well = all(problem is None for problem in checks.values())
    return JSONResponse({"status": "ok" if well else "unavailable"}, 200 if well else 503)


@router.get("/health/detailed")
async def detailed(request: Request) -> dict[str, Any]:
    """Every dependency by name, as of at most a second ago."""
    probes: Probes = request.app.state.probes
    checks = await probes.all()
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
