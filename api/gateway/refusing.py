"""What the WebSocket refuses, recorded as what a request is refused."""

from __future__ import annotations

from fastapi import WebSocket

from api.auth import Principal
from api.errors import problem_of
from api.security import Refusals


async def note_refusal(socket: WebSocket, principal: Principal | None, error: Exception) -> None:
    """A security event, if an answer with the error's status would make one; never fails."""
    refusals: Refusals = socket.app.state.refusals
    socket.state.principal = principal  # whose it is, as it stands behind every request
    problem = problem_of(error)
    await refusals.note(socket, problem.status, problem.code)
