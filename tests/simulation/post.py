"""A provider in memory that fails in every way a provider can, and remembers what it took."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any, Final

from domain.delivery.decisions import Answered, Call, Lost, NotSent
from streams.effects.ports import ProviderAwayError, Sending
from tests.simulation.hub import Hub

FATES: Final = {
    "ok": 10, "no_connection": 1, "rate_limit": 1, "maintenance": 1, "bad_request": 1,
    "error_500": 1, "error_after_taking": 1, "lost": 2, "lost_after_taking": 3, "late": 1,
    "nonsense": 1,
}  # fmt: skip
"""What may become of a call, and how likely it is while the provider misbehaves."""
_TAKES: Final = {"ok", "error_after_taking", "lost_after_taking", "late", "nonsense"}
LATE: Final = 20.0
"""Seconds by which the provider may take what it was sent after we have hung up."""


@dataclass(frozen=True)
class Taken:
    """One message that the provider accepted."""

    message_id: str
    batch_id: str
    stream: str
    visible_at: float


@dataclass
class Post:
    """The MailProvider. `lag`: seconds until the search shows a message. `call`: our time-out.

    `on_taken` is told of every message, for webhooks.
    """

    hub: Hub
    rng: Random
    call: float
    lag: float
    on_taken: Callable[[str, str, str], None]
    misbehaves: bool = True
    taken: dict[str, list[Taken]] = field(default_factory=dict)
    under_way: int = 0
    _ids: count[int] = field(default_factory=lambda: count(1))

    def send(self, sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:  # noqa: ARG002
        self.hub.pause("before the call")
        fate = self._fate()
        self.hub.note(f"call: {fate}, {len(messages)} messages")
        if fate == "no_connection":
            return NotSent("no connection")
        answers = self._answers(messages)
        if fate in _TAKES:
            arrives = self.rng.uniform(0.0, LATE) + (self.call if fate == "late" else 0.0)
            self._post(messages, answers, self.hub.now + arrives)
        lost = fate.startswith("lost") or fate == "late"
        self.hub.sleep(self.call if lost else LATE + self.rng.uniform(0.0, self.call - LATE))
        self.hub.pause("after the answer")
        return _answer(fate, answers)

    def find(self, sending: Sending, batch_id: str) -> Mapping[str, str]:
        self.hub.pause("before the search")
        if self.misbehaves and self.rng.random() < 0.2:
            raise ProviderAwayError("search is away")
        found = {
            delivery: each.message_id
            for delivery, taken in self.taken.items()
            for each in taken
            if (each.batch_id, each.stream) == (batch_id, sending.stream)
            and each.visible_at <= self.hub.now
        }
        self.hub.pause("after the search")
        return found

    def _fate(self) -> str:
        if not self.misbehaves:
            return "ok"
        return self.rng.choices([*FATES], [*FATES.values()])[0]

    def _answers(self, messages: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        refuse = self.misbehaves
        return [
            {"ErrorCode": 406, "Message": "inactive"}
            if refuse and self.rng.random() < 0.1
            else {"ErrorCode": 0, "MessageID": f"m{next(self._ids)}"}
            for _ in messages
        ]

    def _post(
        self,
        messages: Sequence[Mapping[str, Any]],
        answers: Sequence[Mapping[str, Any]],
        arrives: float,
    ) -> None:
        """The request is on its way: it is taken then, whatever becomes of the sender."""
        self.under_way += 1

        def take() -> None:
            self.under_way -= 1
            for message, answer in zip(messages, answers, strict=True):
                if answer["ErrorCode"] == 0:
                    self._take(message, answer["MessageID"])

        self.hub.at(arrives, take)

    def _take(self, message: Mapping[str, Any], message_id: str) -> None:
        delivery, batch = (message["Metadata"][name] for name in ("delivery_id", "batch_id"))
        visible = self.hub.now + self.rng.uniform(0.0, self.lag)
        taken = Taken(message_id, batch, message["MessageStream"], visible)
        self.taken.setdefault(delivery, []).append(taken)
        self.hub.note(f"provider takes {delivery[-4:]} as {message_id}")
        self.on_taken(delivery, batch, message_id)


def _answer(fate: str, answers: list[dict[str, Any]]) -> Call:
    match fate:
        case "rate_limit":
            return Answered(429, {})
        case "maintenance":
            return Answered(503, {"ErrorCode": 100, "Message": "maintenance"})
        case "bad_request":
            return Answered(422, {"ErrorCode": 10, "Message": "bad token"})
        case "error_500" | "error_after_taking":
            return Answered(500, None)
        case "nonsense":
            return Answered(200, answers[1:])
        case "lost" | "lost_after_taking" | "late":
            return Lost("deadline")
    return Answered(200, answers)
