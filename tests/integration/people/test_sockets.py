"""A WebSocket is somebody's for as long as their token is good."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from infra.people.access_tokens import AccessTokens
from tests.support.people import Entrance, Member

FRAME = {"type": "context_update", "context": {"page": "home"}}
APPROVAL = {
    "type": "campaign_approval",
    "campaign_id": "0b5ee7f8-6f0e-4c77-9f3c-2f0f5a3a7d10",
    "content_hash": "0" * 64,
    "approved": True,
}


def log_out(_entrance: Entrance, member: Member) -> None:
    member.browser.post("/v1/auth/logout")


def let_it_expire(entrance: Entrance, _member: Member) -> None:
    entrance.advance(minutes=16)


@pytest.mark.parametrize("end", [log_out, let_it_expire])
def test_a_connection_ends_with_the_token_it_began_with(
    end: Callable[[Entrance, Member], None], entrance: Entrance
) -> None:
    member = entrance.sign_up()
    headers = {"Authorization": f"Bearer {member.access_token}"}
    with entrance.browser().websocket_connect("/v1/ws", headers=headers) as socket:
        assert socket.receive_json()["type"] == "welcome"
        end(entrance, member)
        cast("AccessTokens", entrance.services.people.tokens).forget()
        socket.send_json(FRAME)
        closed = socket.receive()
    assert (closed["code"], closed["reason"]) == (1008, "Authentication required")


def test_a_role_that_may_not_talk_is_told_so(entrance: Entrance) -> None:
    owner = entrance.sign_up()
    analyst = entrance.invited(owner, "analyst")
    headers = {"Authorization": f"Bearer {analyst.access_token}"}
    with entrance.browser().websocket_connect("/v1/ws", headers=headers) as socket:
        assert socket.receive_json()["code"] == "not_allowed"
        assert socket.receive()["code"] == 1008
    assert denied(entrance, owner) == [("not_allowed", f"user:{analyst.user_id}")]


def test_a_frame_that_is_not_allowed_is_recorded_as_a_refused_request_is(
    entrance: Entrance,
) -> None:
    owner = entrance.sign_up()
    marketer = entrance.invited(owner, "marketer")
    headers = {"Authorization": f"Bearer {marketer.access_token}"}
    with entrance.browser().websocket_connect("/v1/ws", headers=headers) as socket:
        assert socket.receive_json()["type"] == "welcome"
        socket.send_json(FRAME)  # a marketer may send this one, and not the next
        socket.send_json(APPROVAL)
        assert socket.receive_json()["code"] == "not_allowed"
    assert denied(entrance, owner) == [("not_allowed", f"user:{marketer.user_id}")]


def denied(entrance: Entrance, owner: Member) -> list[tuple[str, str]]:
    """Refusals for want of a permission, as the owner is told of them."""
    entrance.api.project()
    told = entrance.api.get("/v1/audit?kind=permission_denied", key=owner.access_token)
    return [(each["what"], each["actor"]) for each in told.json()["items"]]
