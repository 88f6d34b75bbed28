"""One history: a campaign sent by processes that die and freeze, then counted at the provider."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from random import Random
from typing import Any, Final, cast
from uuid import UUID, uuid5

import psycopg

from domain.campaign.values import Content, Email
from domain.campaign.values import Sender as From
from domain.delivery.decisions import Policy
from domain.delivery.states import UNSETTLED, State, is_possible
from infra.ledger.rows import Change
from streams.effects.ports import CampaignContent, Claim, Lane, Recipient, Route, Sending
from streams.effects.sending.mails import MailShop
from streams.effects.sending.pace import Paces
from streams.effects.sending.resolver import Resolver
from streams.effects.sending.rota import Rota
from streams.effects.sending.sender import Sender
from tests.simulation.books import Books
from tests.simulation.hub import Hub, Process, Task
from tests.simulation.post import Post

LANE: Final = Lane(str(UUID(int=1)), str(UUID(int=2)), "campaign")
_SENDING: Final = Sending(LANE.organization_id, "token", "broadcast", "outbound", "Postmark",
                          "u", "p", 1)  # fmt: skip
_IDS: Final = UUID(int=3)
_READS: Final = {"waiting", "due_lookups"}
_LONGEST: Final = 200_000.0


@dataclass(frozen=True)
class Rules:
    """The world of a history. Times in seconds, as the product's defaults.

    `lag`: of the provider's search, at most. `freeze`: the longest a process is frozen without
    being killed for it. What holds of the product holds while lease + lag < settling, and
    freeze < lease + call + settling.
    """

    policy: Policy = "resend"
    lease: float = 60.0
    call: float = 30.0
    settling: float = 600.0
    lag: float = 400.0
    freeze: float = 680.0
    people: int = 3
    batch: int = 2
    webhooks: bool = True
    resolver: bool = True
    kill_chance: float = 0.03
    freeze_chance: float = 0.02


@dataclass
class Outcome:
    """What is wrong in the end; all empty in a good history."""

    twice: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    untrue: list[str] = field(default_factory=list)
    killed: int = 0
    frozen: int = 0
    ambiguous: int = 0
    held: int = 0
    trace: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Nobody twice, nobody missing, and the ledger says what the provider knows."""
        return not (self.twice or self.missing or self.untrue)


class _Transactions:
    """The books as a process sees them: each call may be interrupted before and after, and the
    store may go away on either side of the commit."""

    def __init__(self, world: World) -> None:
        self._world = world

    def __getattr__(self, name: str) -> Callable[..., Any]:
        world, method = self._world, getattr(self._world.books, name)

        def transaction(*given: Any) -> Any:
            world.hub.pause(before)
            world.store_may_be_away()
            result = method(*given)
            if name not in _READS:
                world.hub.pause(after)
            world.store_may_be_away()
            return result

        before, after = f"before {name}", f"after {name}"
        self.__dict__[name] = transaction
        return transaction


class _Connections:
    def sending(self, organization_id: str) -> Sending:  # noqa: ARG002
        return _SENDING

    def sent_by(self, organization_id: str, route: Route) -> Sending:  # noqa: ARG002
        return replace(_SENDING, connection=route.connection, stream=route.stream)


class _Shelf:
    def content(self, lane: Lane, content_hash: str) -> CampaignContent:  # noqa: ARG002
        email = Email(1, 0, "Hi", "", "<body><p>Hi {{ unsubscribe_url }}</p></body>", "Hi")
        sender = From("A", "a@example.com", "1 Oak St")
        return CampaignContent("welcome", Content("n", {}, (email,), sender))


class _Envelopes(MailShop):
    """Mails of which only the ids are made: the rest is no part of what is played."""

    def message(self, sending: Sending, claim: Claim, recipient: Recipient) -> dict[str, Any]:
        ids = {"delivery_id": recipient.delivery_id, "batch_id": claim.batch_id}
        return {"Metadata": ids, "MessageStream": sending.stream}


_SHOP: Final = _Envelopes.of(_Shelf(), lambda delivery, _address: delivery)


class World:
    """Everything of one history."""

    def __init__(self, seed: int, rules: Rules) -> None:
        self.rng = Random(seed)
        self.rules = rules
        self.hub = Hub(self.rng, self._fault)
        self.books = Books(lambda: self.hub.now, rules.lease, rules.call, rules.settling)
        self.post = Post(self.hub, self.rng, rules.call, rules.lag, self._taken)
        self.outcome = Outcome()
        self.trouble_until = self.rng.uniform(0.0, 1_500.0)
        self.webhooks_under_way = 0

    troubled = True
    """Whether processes still die and the store and the provider misbehave."""

    def play(self) -> Outcome:
        """Send, until everything has an outcome; then count."""
        people = {
            str(uuid5(_IDS, f"d{n}")): str(uuid5(_IDS, f"c{n}")) for n in range(self.rules.people)
        }
        self.books.intend(LANE, people)
        for name in ("one", "two"):
            self._begin(name)
        self.hub.at(self.trouble_until, self._calm)
        if self.rng.random() < 0.5:
            leaver = self.rng.choice([*people.values()])
            self.hub.at(self.rng.uniform(0, 200), lambda: self.books.suppress(leaver))
        self.hub.run(self._over, _LONGEST)
        self._count()
        return self.outcome

    # --- processes ---------------------------------------------------------------------------

    def _begin(self, name: str) -> None:
        process, ledger, rules = Process(name), _Transactions(self), self.rules
        paces, rota = Paces(rules.batch, self.rng.random), Rota()

        def clock() -> float:
            return self.hub.now

        sender = Sender(
            ledger, _Connections(), _SHOP, self.post, paces, rota, clock, self.hub.sleep,
            self.hub.pause,
        )  # fmt: skip
        resolver = Resolver(
            ledger, _Connections(), self.post, rules.policy, timedelta(seconds=rules.settling),
            clock=lambda: 0.0,  # no history may depend on how quick this machine is
        )  # fmt: skip
        for _ in range(2 if name == "one" else 1):
            self.hub.start(process, lambda: self._loop(sender.step))
        if rules.resolver:
            self.hub.start(process, lambda: self._loop(resolver.step))

    def _loop(self, step: Callable[[], bool]) -> None:
        while True:
            try:
                worked = step()
            except psycopg.OperationalError:
                worked = False
            self.hub.sleep(1.0 if worked else self.rng.uniform(1.0, 300.0))

    def store_may_be_away(self) -> None:
        """A transaction may fail before its commit, or after it, which looks the same."""
        if self.troubled and self.rng.random() < 0.01:
            raise psycopg.OperationalError("the store is away")

    def _fault(self, task: Task) -> None:
        """Kill or freeze the process of a task, at times."""
        if not self.troubled:
            return
        chance = self.rng.random()
        if chance < self.rules.kill_chance:
            self.outcome.killed += 1
            self._restart(task.process)
        elif chance < self.rules.kill_chance + self.rules.freeze_chance:
            self._freeze(task.process)

    def _freeze(self, process: Process) -> None:
        """For a while; a freeze that is too long ends in the supervisor's kill."""
        seconds = self.rng.uniform(0.0, 2.0 * self.rules.freeze)
        self.outcome.frozen += 1
        self.hub.note(f"freeze {process.name} for {seconds:.0f} s")
        process.frozen_until = self.hub.now + min(seconds, self.rules.freeze)
        if seconds > self.rules.freeze:
            self.hub.at(process.frozen_until - 0.001, lambda: self._restart(process))

    def _restart(self, process: Process) -> None:
        if process.alive:
            self.hub.kill(process)
            after = self.hub.now + self.rng.uniform(0.2, 30.0)
            self.hub.at(after, lambda: self._begin(process.name))

    def _calm(self) -> None:
        self.troubled = False
        self.post.misbehaves = False
        self._resume()

    def _resume(self) -> None:
        self.books.paused.clear()

    # --- webhooks ----------------------------------------------------------------------------

    def _taken(self, delivery: str, batch: str, message_id: str) -> None:
        """Some webhooks are lost, some come twice, all come when they like."""
        if not self.rules.webhooks or self.rng.random() < 0.3:
            return
        for _ in range(self.rng.choice((1, 1, 2))):
            self.webhooks_under_way += 1
            at = self.hub.now + self.rng.uniform(0.0, 2.0 * self.rules.settling)
            self.hub.at(at, lambda: self._heard(delivery, batch, message_id))

    def _heard(self, delivery: str, batch: str, message_id: str) -> None:
        """As streams/agents/webhooks.py: acceptance is recorded where it is not known yet."""
        self.webhooks_under_way -= 1
        row = self.books.rows[delivery]
        if row.state != "accepted" and is_possible(_state(row.state), "DeliveryAccepted"):
            after = {"batch_id": row.batch_id or batch, "message_id": message_id}
            self.books.apply([Change(row, "DeliveryAccepted", {}, after)])

    # --- the end -----------------------------------------------------------------------------

    def _over(self) -> bool:
        if self.troubled or self.post.under_way or self.webhooks_under_way:
            return False
        if self.books.paused:
            self._resume()
        return not any(_state(row.state) in UNSETTLED for row in self.books.rows.values())

    def _count(self) -> None:
        outcome, books = self.outcome, self.books
        events = [each.event_type for each in books.log]
        outcome.ambiguous = events.count("DeliveryAmbiguous")
        outcome.held = events.count("DeliveryHeld")
        outcome.trace = self.hub.trace or []
        for delivery, row in books.rows.items():
            messages = {each.message_id for each in self.post.taken.get(delivery, [])}
            if len(messages) > 1:
                outcome.twice.append(delivery)
            if _state(row.state) in UNSETTLED:
                outcome.missing.append(delivery)
            elif not _true(row.state, row.message_id, messages):
                outcome.untrue.append(f"{delivery}: {row.state}, provider has {messages}")
        outcome.untrue += _claims_of_the_silent(books)


def _state(state: str) -> State:
    return cast("State", state)


def _true(state: str, message_id: str | None, messages: set[str]) -> bool:
    """Whether the ledger says what the provider knows. Only of a held one nothing is known."""
    if state == "accepted":
        return message_id in messages
    return state == "held" or not messages


def _claims_of_the_silent(books: Books) -> list[str]:
    """No claim lies above the unsubscribe of its contact, and every proof is the last word."""
    last: dict[str, int] = {}
    silent: set[str] = set()
    wrong = []
    for position, event in enumerate(books.log, 1):
        if event.event_type in ("DeliveryIntended", "AddressSuppressed"):
            last[event.contact_id] = position
        if event.event_type == "AddressSuppressed":
            silent.add(event.contact_id)
        if event.event_type == "DeliveryClaimed" and event.contact_id in silent:
            wrong.append(f"claimed at {position} after the unsubscribe")
        if event.proof_position and event.proof_position != last[event.contact_id]:
            wrong.append(f"the proof of {position} is not the last word")
    return wrong


def play(seed: int, rules: Rules = Rules(), *, tell: bool = False) -> Outcome:
    """The history of a seed, always the same."""
    world = World(seed, rules)
    if tell:
        world.hub.trace = []
    try:
        return world.play()
    finally:
        world.hub.end()
