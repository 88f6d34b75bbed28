"""Fault points: places, named in the code, where a process may be told to die or to freeze.

In normal operation reaching one means nothing. What is injected as `Reach` decides.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import Final


class FaultPoint(StrEnum):
    """Where the product could be interrupted at the worst moment."""

    SENDER_BEFORE_CLAIM = "sender-before-claim"
    SENDER_AFTER_CLAIM = "sender-after-claim"
    SENDER_DURING_CALL = "sender-during-call"
    SENDER_AFTER_ANSWER = "sender-after-answer"
    SENDER_BEFORE_COMMIT = "sender-before-commit"
    SENDER_AFTER_COMMIT = "sender-after-commit"
    RELAY_IN_TRANSACTION = "relay-in-transaction"
    RELAY_AT_COMMIT = "relay-at-commit"
    RELAY_AFTER_COMMIT = "relay-after-commit"
    PROJECTOR_BEFORE_POSITION = "projector-before-position"
    CLICKHOUSE_BEFORE_INSERT = "clickhouse-before-insert"
    REPLY_BEFORE_RECORDING = "reply-before-recording"
    REPLY_AFTER_RECORDING = "reply-after-recording"


MEANINGS: Final[dict[FaultPoint, str]] = {
    FaultPoint.SENDER_BEFORE_CLAIM: "A campaign was chosen, nothing is claimed.",
    FaultPoint.SENDER_AFTER_CLAIM: "A batch is claimed and committed, nothing is handed over.",
    FaultPoint.SENDER_DURING_CALL: "The request has left, no answer has come.",
    FaultPoint.SENDER_AFTER_ANSWER: "The provider has answered, nothing is recorded.",
    FaultPoint.SENDER_BEFORE_COMMIT: "The outcome is written and appended, not committed.",
    FaultPoint.SENDER_AFTER_COMMIT: "The outcome is committed, the sender does not know it yet.",
    FaultPoint.RELAY_IN_TRANSACTION: "Half of a batch is handed to Kafka.",
    FaultPoint.RELAY_AT_COMMIT: "A whole batch and its position are handed to Kafka.",
    FaultPoint.RELAY_AFTER_COMMIT: "Kafka has committed, the relay does not know it yet.",
    FaultPoint.PROJECTOR_BEFORE_POSITION: "Rows and counters are written, the position is not.",
    FaultPoint.CLICKHOUSE_BEFORE_INSERT: "A batch's bounds are recorded, nothing is inserted.",
    FaultPoint.REPLY_BEFORE_RECORDING: "A sentence is understood, nothing is recorded.",
    FaultPoint.REPLY_AFTER_RECORDING: "The reply is committed, the worker does not know it yet.",
}

SENDER_POINTS: Final = tuple(p for p in FaultPoint if p.value.startswith("sender-"))

Reach = Callable[[FaultPoint], None]
"""Called where a fault point stands. May not return."""


def unarmed(point: FaultPoint) -> None:
    """Normal operation."""
