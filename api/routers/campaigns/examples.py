"""Examples of answers about campaigns, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, Final

from projections.postgres.counters import METRICS

_ID: Final = "0b5ee7f8-6f0e-4c77-9f3c-2f0f5a3a7d10"
_CONTACT: Final = "5f3f9a52-1f0f-4a5e-8f0a-1b2c3d4e5f60"
_DELIVERY: Final = "c7a1b6de-9d0f-5b3a-8a53-6f1e2d3c4b5a"
_EMAIL: Final = {
    "subject": "We saved you a seat",
    "preheader": "20 % off this week",
    "html": "<html>...</html>",
    "text": "",
}
CAMPAIGN: Final[dict[str, Any]] = {
    "id": _ID,
    "name": "Spring win-back",
    "type": "win_back",
    "status": "draft",
    "status_reason": None,
    "business_id": "7d0c8f0e-3f4e-4d7e-9a41-0d3f6c2b9f11",
    "conversation_id": None,
    "intent": None,
    "audience": {
        "description": "contacts where last purchase at is more than 60 days ago",
        "conditions": {
            "all": [{"field": "attributes.last_purchase_at", "op": "before_days", "value": 60}]
        },
        "count": 120,
    },
    "emails": [{"step": 1, "delay": None, **_EMAIL}],
    "content": {**_EMAIL, "from_name": "Rosa", "from_email": "rosa@rosas-bakery.example"},
    "schedule": {"at": "2026-12-01T08:00:00Z", "timezone": "Europe/Vienna"},
    "orchestrator": "built_in",
    "workflow": {
        "id": "3a4f7c7e-25f1-4f43-a3ae-87a9c1f0a001",
        "version": 1,
        "nodes": [
            {"id": "trigger", "type": "trigger", "kind": "scheduled", "at": "2026-12-01T08:00:00Z"},
            {"id": "audience", "type": "audience"},
            {"id": "send-1", "type": "send", "step": 1},
            {"id": "end", "type": "end"},
        ],
        "edges": [
            {"from": "trigger", "to": "audience"},
            {"from": "audience", "to": "send-1"},
            {"from": "send-1", "to": "end"},
        ],
    },
    "content_hash": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "forecast": {"recipients": 118, "withheld": {"no_consent": 2}},
    "warnings": [{"code": "no_text", "detail": "There is no text version.", "step": 1}],
    "first_approved_by": None,
    "first_approved_at": None,
    "approved_by": None,
    "approved_at": None,
    "metrics": dict.fromkeys(METRICS, 0),
    "created_at": "2026-11-20T10:00:00Z",
    "updated_at": "2026-11-20T10:00:00Z",
}
DELIVERY: Final[dict[str, Any]] = {
    "id": _DELIVERY,
    "campaign_id": _ID,
    "step": 1,
    "contact_id": _CONTACT,
    "kind": "campaign",
    "state": "delivered",
    "withheld_reason": None,
    "message_id": "b7bc2f4a-e38e-4336-af7d-e6c392c2f817",
    "opened": 1,
    "clicked": 0,
    "opened_by_machine": 0,
    "clicked_by_machine": 0,
    "intended_at": "2026-12-01T08:00:00Z",
    "updated_at": "2026-12-01T08:01:12Z",
}

IN_DOUBT: Final[dict[str, Any]] = {
    "id": _DELIVERY,
    "campaign_id": _ID,
    "step": 1,
    "contact_id": _CONTACT,
    "kind": "campaign",
    "state": "held",
    "batch_id": "4bb24efc-9641-4fc5-9ed1-ca77eabb6e2f",
    "attempt": 1,
    "lookups": 2,
    "claimed_at": "2026-12-01T08:00:01Z",
    "handed_over_at": "2026-12-01T08:00:02Z",
    "next_lookup_at": None,
}


def _response(description: str, example: Any) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"example": example}}}


def _list_of(item: Any) -> dict[str, Any]:
    return {"items": [item], "page": 1, "limit": 50, "total": 1, "next_after": None}


CAMPAIGN_RESPONSE: Final = _response("The campaign.", CAMPAIGN)
LIST_RESPONSE: Final = _response("Campaigns.", _list_of(CAMPAIGN))
TEST_RESPONSE: Final = _response(
    "The test is on its way.", {"delivery_id": _DELIVERY, "step": 1, "left_today": 19}
)
STEP_RESPONSE: Final = _response(
    "The step begins, or began before.", {"intended": 118, "already": 0}
)
AUDIENCE_RESPONSE: Final = _response(
    "Contact ids in order.", {"items": [_CONTACT], "limit": 50, "total": 1, "next_after": None}
)
DELIVERIES_RESPONSE: Final = _response("Deliveries.", _list_of(DELIVERY))
IN_DOUBT_RESPONSE: Final = _response("Deliveries in doubt.", _list_of(IN_DOUBT))
DECIDED_RESPONSE: Final = _response(
    "What the delivery is now.", {"id": _DELIVERY, "state": "intended"}
)
DELIVERY_RESPONSE: Final = _response(
    "The delivery and all that happened to it.",
    {
        **DELIVERY,
        "history": [
            {
                "event": "DeliveryIntended",
                "at": "2026-12-01T08:00:00Z",
                "position": 1042,
                "details": {"mailbox_provider": None},
            }
        ],
    },
)
_EVENT: Final = {
    "event": "ConsentRecorded",
    "position": 208,
    "stream": _CONTACT,
    "version": 3,
    "at": "2026-11-02T10:00:00Z",
    "actor": "key:2c70e12b-7a06-46f9-a279-f427c7b38e73",
}
WHY_NOT_RESPONSE: Final = _response(
    "The first reason with its event, or `got_it`.",
    {
        "campaign_id": _ID,
        "contact_id": _CONTACT,
        "as_of": 1300,
        "got_it": False,
        "reason": {
            "code": "no_consent",
            "detail": "The contact has not agreed to be mailed.",
            "step": 1,
            "event": _EVENT,
            "details": {"withheld_position": 1077},
        },
        "delivery": {"id": _DELIVERY, "step": 1, "state": "withheld"},
    },
)
WHY_RESPONSE: Final = _response(
    "Every cause in order; here one of them.",
    {
        **{name: DELIVERY[name] for name in ("id", "campaign_id", "step", "contact_id", "kind")},
        "state": "delivered",
        "withheld_reason": None,
        "as_of": 1300,
        "chain": [
            {
                "link": "consent",
                **_EVENT,
                "details": {
                    "status": "granted",
                    "source": "newsletter form",
                    "given_at": "2025-11-02T10:00:00Z",
                    "checked_at_position": 1050,
                },
            }
        ],
    },
)
