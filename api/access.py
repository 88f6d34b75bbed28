"""What the application asks of its callers: every way in with its permissions, by its routes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import RouteContext, iter_route_contexts

from api.auth import Allowed
from api.gateway import frames
from api.gateway.endpoint import TO_BEGIN, TO_JOIN, talk
from domain.access.permissions import Permission

OPEN: Final = (
    "/health*",
    "/metrics",
    "/openapi.json",
    "/asyncapi.json",
    "/registry/*",
    "/u/*",
    "/a/*",
    "/v1/auth/*",
    "/v1/invitations/accept",
    "/.well-known/jwks.json",
    "/docs*",
    "/v1/webhooks/postmark",
)
"""Paths that nobody needs a token for; webhooks bring credentials of their own."""


@dataclass(frozen=True, slots=True)
class Door:
    """One way in: an endpoint, or a frame of the WebSocket. `needed` is empty for an open one.

    `sometimes` is needed for some requests only.
    """

    method: str
    path: str
    needed: tuple[Permission, ...] = ()
    sometimes: tuple[Permission, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it is on the list of those that need no token."""
        return any(fnmatchcase(self.path, pattern) for pattern in OPEN)


def doors(app: FastAPI) -> list[Door]:
    """Every way into the application, in the order of its routes."""
    return [door for context in iter_route_contexts(app.routes) for door in _doors_of(context)]


def undeclared(found: Iterable[Door]) -> list[Door]:
    """Ways in that do not say who may use them, and open ones that say so all the same."""
    return [door for door in found if door.open == bool(door.needed)]


def _doors_of(context: RouteContext) -> Iterator[Door]:
    path = context.path or ""
    allowed = list(_allowed(getattr(context, "dependant", None)))
    needed = tuple(name for each in allowed for name in each.needed)
    sometimes = tuple(name for each in allowed for name in each.sometimes)
    if context.endpoint is talk:
        yield Door("WEBSOCKET", path, (TO_JOIN,), (TO_BEGIN,))
        for kind, permission in frames.NEEDS.items():
            yield Door("FRAME", f"{path} {frames.type_of(kind)}", (permission,))
        return
    for method in sorted((context.methods or {"ANY"}) - {"HEAD"}):
        yield Door(method, path, needed, sometimes)


def _allowed(dependant: Dependant | None) -> Iterator[Allowed]:
    if dependant is None:
        return
    if isinstance(dependant.call, Allowed):
        yield dependant.call
    for inner in dependant.dependencies:
        yield from _allowed(inner)
