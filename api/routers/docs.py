"""`/docs`: the OpenAPI document to read and try; from this server alone, by a strict policy."""

from __future__ import annotations

from importlib import resources
from typing import Final, Literal

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from api.headers import policy

router = APIRouter(prefix="/docs", include_in_schema=False)
_POLICY: Final = policy(
    script_src="'self'", style_src="'self'", img_src="'self' data:", connect_src="'self'"
)
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>NudgeCampaign: API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" href="/docs/favicon-32x32.png"></head>
<body><div id="swagger-ui"></div>
<script src="/docs/swagger-ui-bundle.js"></script><script src="/docs/start.js"></script>
</body></html>
"""
_START: Final = """"use strict";
SwaggerUIBundle({url: "/openapi.json", dom_id: "#swagger-ui", deepLinking: true, filter: true});
"""
_KINDS: Final = {".js": "text/javascript", ".css": "text/css", ".png": "image/png"}
File = Literal["swagger-ui-bundle.js", "swagger-ui.css", "favicon-32x32.png"]


@router.get("", response_class=HTMLResponse)
async def page() -> HTMLResponse:
    """The page; what it runs and how it looks are files of their own."""
    return HTMLResponse(_PAGE, headers={"Content-Security-Policy": _POLICY})


@router.get("/start.js")
async def start() -> Response:
    """What shows the document."""
    return Response(_START, media_type=_KINDS[".js"])


@router.get("/{name}")
def file(name: File) -> Response:
    """A file of Swagger UI, as its package has it."""
    content = resources.files("fastapi_swagger.resources").joinpath(name).read_bytes()
    kind = _KINDS[name[name.rindex(".") :]]
    return Response(content, media_type=kind, headers={"Cache-Control": "public, max-age=3600"})
