"""Examples of answers in conversations, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

_TURN: Final = "6d1f9b57-52f1-4ad0-9a5b-3ad0a1b7c001"
_CAMPAIGN: Final = "0b5ee7f8-6f0e-4c77-9f3c-2f0f5a3a7d10"
ANSWER: Final[dict[str, Any]] = {
    "turn_id": _TURN,
    "reply": {
        "type": "ai_response",
        "content": "Here is a win-back campaign, “Win back: 20% off”, with 1 e-mail. ...",
        "timestamp": "2026-11-20T10:00:00Z",
        "metadata": {
            "confidence": 0.99,
            "processing_time_ms": 84,
            "intent": {
                "name": "create_campaign",
                "campaign_type": "win_back",
                "confidence": 0.99,
                "slots": {
                    "audience": {"inactive_days": 60},
                    "offer": {"kind": "percent", "value": 20, "text": "20% off"},
                },
            },
            "suggested_actions": [
                {"action": "approve", "label": "Approve and send", "campaign_id": _CAMPAIGN}
            ],
        },
    },
    "campaign": {
        "id": _CAMPAIGN,
        "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    },
}


def _response(description: str, example: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"example": example}}}


ANSWER_RESPONSE: Final = _response("The answer.", ANSWER)
PENDING_RESPONSE: Final = _response(
    "No answer yet; read the turn at `Location`.", {"turn_id": _TURN, "status": "pending"}
)
