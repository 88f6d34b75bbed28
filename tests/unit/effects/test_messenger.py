"""Errands: nobody's mail is forgotten, and none is sent twice while that can be known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from domain.delivery.decisions import Answered, Call, Lost, NotSent
from streams.effects.errands import LONGEST_PAUSE, LOOK_AGAIN, Errand, Kind, Messenger
from streams.effects.ports import ProviderAwayError, Sending

SETTLING = timedelta(minutes=10)
ACCEPTED = Answered(200, [{"ErrorCode": 0, "MessageID": "m"}])
SERVER = Sending("", "token", "outbound", "outbound", "None", "", "", 0)


def errand(kind: Kind = "reset", handed_over_for: float | None = None) -> Errand:
    return Errand("e1", "o1", kind, {"email": "a@example.com"}, 0, handed_over_for)


@dataclass
class World:
    """One errand, a provider that answers as told, and what was done."""

    waiting: Errand | None
    answer: Call = ACCEPTED
    traces: Mapping[str, str] = field(default_factory=dict)
    somebody: bool = True
    lease_good: bool = True
    server_there: bool = True
    broken: bool = False
    done: list[str] = field(default_factory=list)
    log: list[Any] = field(default_factory=list)

    def take(self) -> Errand | None:
        taken, self.waiting = self.waiting, None
        return taken

    def hand_over(self, _errand: Errand) -> bool:
        return self.lease_good

    def postpone(self, _errand: Errand, delay: timedelta, *, not_sent: bool = False) -> None:
        self.log.append((delay, not_sent))

    def finish(self, errand: Errand) -> None:
        self.done.append(errand.errand_id)

    def message(self, _errand: Errand, stream: str) -> Mapping[str, Any] | None:
        if self.broken:
            raise ValueError("cannot be opened")
        return {"MessageStream": stream} if self.somebody else None

    def note_failure(self, _errand: Errand) -> None:
        self.log.append("noted")

    def connect(self, _errand: Errand) -> None:
        if not self.server_there:
            raise ProviderAwayError("away")
        self.log.append("connected")

    def sending(self) -> Sending:
        if not self.server_there:
            raise ProviderAwayError("away")
        return SERVER

    def send(self, _sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:
        self.log.append(f"sent {len(messages)}")
        return self.answer

    def find(self, _sending: Sending, _batch_id: str) -> Mapping[str, str]:
        return self.traces

    def step(self) -> bool:
        return Messenger(_Book(self), self, self, self, SETTLING).step()


@dataclass
class _Book:
    world: World

    def take(self) -> Errand | None:
        return self.world.take()

    def hand_over(self, errand: Errand) -> bool:
        return self.world.hand_over(errand)

    def postpone(self, errand: Errand, delay: timedelta, *, not_sent: bool = False) -> None:
        self.world.postpone(errand, delay, not_sent=not_sent)

    def done(self, errand: Errand) -> None:
        self.world.finish(errand)


def after(world: World) -> World:
    assert world.step()
    return world


def test_without_an_errand_there_is_nothing_to_do() -> None:
    assert not World(None).step()


def test_a_mail_that_was_accepted_is_done() -> None:
    world = after(World(errand()))
    assert (world.log, world.done) == (["sent 1"], ["e1"])


def test_nobody_gets_a_mail_when_nobody_has_the_address() -> None:
    world = after(World(errand(), somebody=False))
    assert (world.log, world.done) == ([], ["e1"])


def test_a_call_that_sent_nothing_is_made_again() -> None:
    world = after(World(errand(), NotSent("no route")))
    assert (world.log, world.done) == (["sent 1", (timedelta(seconds=1), True)], [])


def test_a_call_without_an_answer_is_looked_up_and_not_repeated() -> None:
    world = after(World(errand(), Lost("timeout")))
    assert (world.log, world.done) == (["sent 1", (LOOK_AGAIN, False)], [])
    found = after(World(errand(handed_over_for=5.0), traces={"e1": "m"}))
    assert (found.log, found.done) == ([], ["e1"])


def test_without_a_trace_it_is_sent_again_only_after_settling() -> None:
    early = after(World(errand(handed_over_for=SETTLING.total_seconds() - 1)))
    assert (early.log, early.done) == ([(LOOK_AGAIN, False)], [])
    late = after(World(errand(handed_over_for=SETTLING.total_seconds())))
    assert (late.log, late.done) == (["sent 1"], ["e1"])


def test_a_lease_that_no_longer_outlasts_the_call_sends_nothing() -> None:
    world = after(World(errand(), lease_good=False))
    assert (world.log, world.done) == ([], [])


def test_what_the_provider_refuses_for_good_is_over() -> None:
    world = after(World(errand(), Answered(200, [{"ErrorCode": 406, "Message": "inactive"}])))
    assert (world.log, world.done) == (["sent 1"], ["e1"])


def test_a_server_that_is_away_is_tried_again() -> None:
    for kind in ("reset", "connect"):
        world = after(World(errand(kind), server_there=False))
        assert (world.log, world.done) == ([(timedelta(seconds=1), False)], [])


def test_an_errand_that_cannot_be_done_keeps_nobody_else_from_theirs() -> None:
    world = after(World(errand(), broken=True))
    assert (world.log, world.done) == ([(LONGEST_PAUSE, False)], [])


def test_servers_are_made_and_failures_noted() -> None:
    assert after(World(errand("connect"))).log == ["connected"]
    assert after(World(errand("login_failed"))).log == ["noted"]
