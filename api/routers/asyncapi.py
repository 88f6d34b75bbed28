"""The AsyncAPI document: what is on Kafka, for machines."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from schemas.asyncapi import document

router = APIRouter(tags=["events"])


@router.get("/asyncapi.json")
async def asyncapi(request: Request) -> dict[str, Any]:
    """Topics, events and who reads and writes them, as AsyncAPI 3.0."""
    return document(registry_url=f"{str(request.base_url).rstrip('/')}/registry")
