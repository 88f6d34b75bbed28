"""Webhooks in Postmark's shapes, as records of the intake topic."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from projections.batch import Batch, Record
from streams.agents.webhooks import TOPIC


def body(
    kind: str, recipient: str, message: str | None, delivery: str | None, **more: Any
) -> bytes:
    """One webhook; `more` are fields that differ from an ordinary one."""
    field = "Email" if kind in ("Bounce", "SpamComplaint") else "Recipient"
    time = {
        "Delivery": "DeliveredAt", "Bounce": "BouncedAt", "SpamComplaint": "BouncedAt",
        "Open": "ReceivedAt", "Click": "ReceivedAt", "SubscriptionChange": "ChangedAt",
    }[kind]  # fmt: skip
    record = {
        "RecordType": kind, "MessageID": message, "MessageStream": "broadcast",
        field: recipient, time: "2026-01-05T09:00:00.1234567Z",
        "Metadata": {"delivery_id": delivery} if delivery else {}, **more,
    }  # fmt: skip
    return json.dumps(record).encode()


class Postbox:
    """The intake topic: each call makes the next batch of its partition."""

    def __init__(self, organization: object) -> None:
        self._organization = str(organization).encode()
        self._offset = 0

    def batch(self, bodies: Sequence[bytes], organization: object = None) -> Batch:
        whose = str(organization).encode() if organization else self._organization
        headers = {
            "organization": whose,
            "received_at": datetime.now(UTC).isoformat().encode(),
        }
        first, self._offset = self._offset, self._offset + len(bodies)
        return Batch(
            TOPIC,
            0,
            tuple(
                Record(TOPIC, 0, offset, None, each, headers)
                for offset, each in enumerate(bodies, start=first)
            ),
        )
