"""Frames: what a client may send, and what it gets."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from api.errors import problem_of
from api.routers.conversations.schemas import MessageIn
from domain.access.permissions import Permission

UNKNOWN_TYPE: Final = "Unknown message type"
INVALID_FORMAT: Final = "Invalid message format"
FAILED: Final = "Failed to process your request"

Frame = dict[str, Any]


class TextInput(MessageIn):
    """Something said."""

    type: Literal["text_input"]


class VoiceInput(BaseModel):
    """Something spoken; understood, and not available yet."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["voice_input"]
    audio: str
    format: str


class CampaignApproval(BaseModel):
    """A yes or no to exactly what was shown."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["campaign_approval"]
    campaign_id: UUID
    content_hash: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    approved: bool


class ContextUpdate(BaseModel):
    """What the person is looking at."""

    model_config = ConfigDict(extra="forbid")
    type: Literal["context_update"]
    context: dict[str, Any]


Incoming = TextInput | VoiceInput | CampaignApproval | ContextUpdate
_INCOMING: TypeAdapter[Incoming] = TypeAdapter(Annotated[Incoming, Field(discriminator="type")])


NEEDS: Final[Mapping[type[BaseModel], Permission]] = {
    TextInput: "conversations:write",
    VoiceInput: "conversations:write",
    CampaignApproval: "campaigns:approve",
    ContextUpdate: "conversations:write",
}
"""What whoever sends such a frame has to be allowed."""


def type_of(kind: type[BaseModel]) -> str:
    """The `type` that such a frame carries."""
    name: str = get_args(kind.model_fields["type"].annotation)[0]
    return name


class FrameError(Exception):
    """A frame that cannot be used; `frame` is what the client is told."""

    def __init__(self, frame: Frame) -> None:
        super().__init__(frame["code"])
        self.frame = frame


def incoming(text: str) -> Incoming:
    """The frame of a text message. Raises FrameError."""
    try:
        return _INCOMING.validate_json(text, strict=False)
    except ValidationError as error:
        unknown = any(each["type"] == "union_tag_invalid" for each in error.errors())
        if unknown:
            raise FrameError(error_frame("unknown_message_type", UNKNOWN_TYPE)) from None
        raise FrameError(error_frame("invalid_message_format", INVALID_FORMAT)) from None


def error_frame(code: str, content: str, detail: str = "") -> Frame:
    """Something went wrong; `detail` says more where more can be said."""
    return {
        "type": "error",
        "code": code,
        "content": content,
        **({"detail": detail} if detail else {}),
    }


def failure(error: Exception) -> Frame:
    """An exception as the client is told of it."""
    problem = problem_of(error)
    return error_frame(problem.code, FAILED, problem.detail)


def welcome(session_id: UUID, conversation_id: UUID) -> Frame:
    """The session has begun."""
    return {
        "type": "welcome",
        "session_id": str(session_id),
        "conversation_id": str(conversation_id),
    }


def typing(*, active: bool) -> Frame:
    """An answer is being made, or not any more."""
    return {"type": "typing_indicator", "active": active}


def decided(content: str, intent: str, now: datetime) -> Frame:
    """The answer to a yes or no that was clicked and not said."""
    return {
        "type": "ai_response",
        "content": content,
        "timestamp": now.isoformat().replace("+00:00", "Z"),
        "metadata": {
            "confidence": 1.0,
            "processing_time_ms": 0,
            "intent": {"name": intent, "campaign_type": None, "confidence": 1.0, "slots": {}},
            "suggested_actions": [],
        },
    }
