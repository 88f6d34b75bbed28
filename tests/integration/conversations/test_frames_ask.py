"""Frames of the WebSocket are refused to who may not send them, and the session goes on."""

from __future__ import annotations

import json
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect

from api.gateway import frames
from domain.access.permissions import PERMISSIONS
from tests.integration.conversations.test_websocket import Line, closed, receive, send
from tests.integration.conversations.test_websocket import line as line  # the fixture

FRAMES: dict[str, dict[str, Any]] = {
    "text_input": {"text": "hello"},
    "voice_input": {"audio": "", "format": "wav"},
    "campaign_approval": {
        "campaign_id": "0b5ee7f8-6f0e-4c77-9f3c-2f0f5a3a7d10",
        "content_hash": "0" * 64,
        "approved": True,
    },
    "context_update": {"context": {"page": "home"}},
}


def opened(line: Line, *permissions: str, query: str = "") -> ClientConnection:
    headers = {"Authorization": f"Bearer {line.api.key(*permissions)}"}
    return connect(line.url + query, additional_headers=headers)


def begun(line: Line) -> str:
    """A conversation of the organization."""
    with opened(line, *PERMISSIONS) as socket:
        return str(receive(socket, "welcome")["conversation_id"])


def answer_to(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The first frame that follows what is sent."""
    send(socket, type=kind, **FRAMES[kind])
    told: dict[str, Any] = json.loads(socket.recv(timeout=20))
    return told


def test_no_frame_is_carried_out_for_who_may_not(line: Line) -> None:
    talk = begun(line)
    assert set(FRAMES) == {frames.type_of(kind) for kind in frames.NEEDS}

    for kind, needed in frames.NEEDS.items():
        rest = (each for each in PERMISSIONS if each != needed)
        with opened(line, *rest, query=f"?conversation_id={talk}") as socket:
            receive(socket, "welcome")
            refused = answer_to(socket, frames.type_of(kind))

            assert (refused["type"], refused["code"]) == ("error", "not_allowed")
            assert needed in refused["detail"]


@pytest.mark.parametrize(
    ("kind", "first"),
    [
        ("text_input", ("typing_indicator", None)),
        ("voice_input", ("error", "voice_unavailable")),
        ("campaign_approval", ("error", "not_found")),
    ],
)
def test_a_frame_is_carried_out_for_who_may(
    line: Line, kind: str, first: tuple[str, str | None]
) -> None:
    needed = next(each for each in frames.NEEDS if frames.type_of(each) == kind)
    permissions = ("conversations:read", frames.NEEDS[needed])

    with opened(line, *permissions, query=f"?conversation_id={begun(line)}") as socket:
        receive(socket, "welcome")
        told = answer_to(socket, kind)

    assert (told["type"], told.get("code")) == first


def test_a_context_is_kept_for_who_may_talk(line: Line) -> None:
    with opened(line, "conversations:read", "conversations:write") as socket:
        receive(socket, "welcome")
        send(socket, type="context_update", **FRAMES["context_update"])
        assert answer_to(socket, "text_input")["type"] == "typing_indicator"

    assert line.api.get("/v1/events?type=ContextRevised").json()["items"]


@pytest.mark.parametrize(
    ("permissions", "resumes", "missing"),
    [
        (["conversations:write"], False, "conversations:read"),
        (["conversations:read"], False, "conversations:write"),
        (["conversations:write"], True, "conversations:read"),
    ],
)
def test_a_conversation_is_begun_and_resumed_by_who_may(
    line: Line, permissions: list[str], resumes: bool, missing: str
) -> None:
    talk = begun(line)

    with opened(line, *permissions, query=f"?conversation_id={talk}" if resumes else "") as socket:
        refused = json.loads(socket.recv(timeout=20))
        assert refused["code"] == "not_allowed"
        assert missing in refused["detail"]
        assert closed(socket) == (1008, "Not allowed")


def test_who_may_only_read_a_conversation_joins_it(line: Line) -> None:
    talk = begun(line)

    with opened(line, "conversations:read", query=f"?conversation_id={talk}") as socket:
        assert receive(socket, "welcome")["conversation_id"] == talk
        assert answer_to(socket, "text_input")["code"] == "not_allowed"
