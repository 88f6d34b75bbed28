"""A WebSocket is somebody's for as long as their token is good."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import pytest

from infra.people.access_tokens import AccessTokens
from tests.support.people import Entrance, Member

FRAME = {"type": "context_update", "context": {"page": "home"}}


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
