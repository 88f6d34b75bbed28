"""Every endpoint and frame says who may use it, and every permission is asked for somewhere."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from typing import Final, get_args

import pytest
from fastapi import APIRouter, FastAPI, WebSocket
from pydantic import BaseModel

from api.access import OPEN, Door, doors, undeclared
from api.auth import Caller, allow
from api.gateway import frames
from domain.access.permissions import MEANS, PERMISSIONS, ROLE_NAMES, ROLES, Permission
from infra.reference.endpoints import application

AWAITED: Final[frozenset[Permission]] = frozenset()
"""Permissions whose endpoints are being built; empty before a release."""


def unused_permissions(found: Iterable[Door]) -> set[Permission]:
    """Permissions that no way in asks for."""
    asked = {name for door in found for name in (*door.needed, *door.sometimes)}
    return set(PERMISSIONS) - asked


def test_every_way_in_says_who_may_use_it() -> None:
    assert undeclared(doors(application())) == []


def test_every_permission_is_asked_for_somewhere() -> None:
    assert unused_permissions(doors(application())) <= AWAITED


def test_every_kind_of_frame_says_who_may_send_it() -> None:
    assert set(frames.NEEDS) == set(get_args(frames.Incoming))


def test_the_list_of_open_ways_in_names_nothing_that_is_not_there() -> None:
    paths = [door.path for door in doors(application())]

    assert [pattern for pattern in OPEN if not fnmatch.filter(paths, pattern)] == []


def test_every_permission_has_a_meaning_and_somebody_who_holds_it() -> None:
    assert set(MEANS) == set(PERMISSIONS)
    assert set(ROLES) == set(ROLE_NAMES)
    assert frozenset().union(*ROLES.values()) == set(PERMISSIONS) == ROLES["owner"]


def with_a_hole(planted: str) -> FastAPI:
    """The application with a way in that says nothing about who may use it."""
    app, router = application(), APIRouter()

    if planted == "endpoint":

        @router.get("/v1/hole")
        async def hole(caller: Caller) -> str:
            return caller.actor

    elif planted == "socket":

        @router.websocket("/v1/hole")
        async def socket_hole(socket: WebSocket) -> None:
            await socket.accept()

    elif planted == "mount":
        app.mount("/v1/hole", FastAPI(openapi_url=None, docs_url=None, redoc_url=None))
    elif planted == "open with a permission":

        @router.get("/u/hole", dependencies=[allow("contacts:read")])
        async def asked_too_much() -> str:
            return ""

    app.include_router(router)
    return app


@pytest.mark.parametrize("planted", ["endpoint", "socket", "mount", "open with a permission"])
def test_a_way_in_that_says_nothing_is_found(planted: str) -> None:
    assert [door.path for door in undeclared(doors(with_a_hole(planted)))] == [
        "/u/hole" if planted.startswith("open") else "/v1/hole"
    ]


def test_a_permission_that_nothing_asks_for_is_found() -> None:
    without_import = [door for door in doors(application()) if "contacts:read" not in door.needed]
    without = [door for door in without_import if "contacts:read" not in door.sometimes]

    assert "contacts:read" in unused_permissions(without)


def test_a_frame_without_a_permission_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    class Planted(BaseModel):
        type: str

    monkeypatch.setattr(frames, "Incoming", frames.Incoming | Planted)

    with pytest.raises(AssertionError):
        test_every_kind_of_frame_says_who_may_send_it()
