"""The page of the API: endpoints from the OpenAPI document."""

from __future__ import annotations

from collections import defaultdict
from types import SimpleNamespace
from typing import cast

from fastapi import FastAPI

from api.app import build_app
from api.ports import Services
from infra.reference.sources import NOTE, page, table


def api_page() -> str:
    """Conventions in short, and every endpoint."""
    groups: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path, methods in application().openapi()["paths"].items():
        for method, operation in methods.items():
            said = operation.get("description", "").partition("\n\n")[0]
            groups[operation["tags"][0]].append((f"`{method.upper()} {path}`", said))
    parts = []
    for group, rows in groups.items():
        parts += [f"## {group.capitalize()}", table(("endpoint", "does"), rows)]
    return page("# API", NOTE, _CONVENTIONS, *parts)


def application() -> FastAPI:
    """The application for looking at: its routes say everything; no services are behind it."""
    unused = SimpleNamespace(
        reads=None, sockets=SimpleNamespace(connections=0), cors_origins=(), public_url=""
    )
    return build_app(cast("Services", unused))


_CONVENTIONS = """\
Fields, types and examples: `/openapi.json`, readable at `/docs`. The WebSocket has
[a page of its own](websocket.md).

- **Key**: `Authorization: Bearer <API key or access token>`. Open without: `/health*`, `/metrics`,
  `/openapi.json`, `/asyncapi.json`, `/registry/*`, `/v1/auth/*`, `/v1/invitations/accept`,
  `/.well-known/jwks.json`, `/u/*`, `/a/*`. Webhooks use HTTP basic authentication.
- **People**: [how to](../how-to/people.md) sign up, log in, invite and revoke.
- **Permissions**: a caller may do what [their permissions](permissions.md) say; else 403
  `not_allowed`, which names the missing one.
- **Errors**: `application/problem+json` with a stable `code`; [all codes](errors.md).
- **Doing it once**: `Idempotency-Key` on a POST. The same key and body give the same answer for 24
  hours, with `Idempotency-Replayed: true`; another body gives 422 `idempotency_key_reused`.
- **Reading what you wrote**: a write answers with `Nudge-Position`; a read with
  `Nudge-Min-Position: <that>` waits for it, at most 5 seconds
  ([why](../explanation/consistency.md)).
- **Changing**: PATCH takes `If-Match` with the `ETag` of the read; a stale one gives 412.
- **Lists**: `?page=1&limit=50` (at most 500) or `?after=`, `?sort=-created_at`, filters by field;
  `{"items", "page", "limit", "total", "next_after"}`.
- **Tracing**: `X-Request-Id` is accepted or made, returned, logged, and the correlation id of every
  event that follows."""
