"""The effects process: sender threads, resolver and registrar, wired and kept running."""

from __future__ import annotations

import random
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from domain.contact.unsubscribe import make_token
from infra.bootstrap import Core
from infra.campaign_content import LoggedContents
from infra.clock import MovableClock
from infra.healing.heard import PostgresHeard
from infra.healing.history import PostmarkHistory
from infra.healing.intake import KafkaIntake
from infra.heartbeat import Heartbeat
from infra.keys import ERASURES
from infra.ledger.ledger import LedgerSettings, PostgresLedger
from infra.ledger.lookbacks import PostgresMarks
from infra.ledger.state import measure
from infra.local.processes import heartbeat_file
from infra.people.errands import CHANNEL
from infra.people.housekeeping import EVERY, Housekeeper
from infra.people.wiring import housekeeper, messenger
from infra.postmark import Postmark, Timeouts
from infra.postmark_webhooks import PostmarkWebhooks
from infra.senders import LoggedSenders, PostgresRegistrations
from infra.settings import Settings
from infra.wakeups import Wakeups
from streams.effects.errands import Messenger
from streams.effects.healing.healer import Healer
from streams.effects.loops import Bell, Loop, watch
from streams.effects.metrics import SEND_RATE, count_events
from streams.effects.registration import Registrar
from streams.effects.replies import ReplyWorker
from streams.effects.sending.lookback import LookBack
from streams.effects.sending.mails import MailShop, OwnLink
from streams.effects.sending.pace import Paces
from streams.effects.sending.resolver import Resolver
from streams.effects.sending.rota import Rota
from streams.effects.sending.sender import Sender

SENDER_THREADS = 3
REPLY_THREADS = 4
POLL = 0.25
HEALING_POLL = 5.0
LOOKING_POLL = 1.0
LONGEST_LOOK = 600.0
"""Seconds for the pages of one search."""
MOST_QUESTIONS = 1_000
"""More than one step of healing asks the provider, however much is missing."""


class LateReplies:
    """The reply worker, made in its own threads: nobody's mail waits until an engine is trained."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._lock = threading.Lock()
        self._worker: ReplyWorker | None = None

    def prepare(self) -> None:
        """Make the worker, once for all threads; blocks for seconds on the first start."""
        from infra.replies.wiring import reply_worker  # slow to import: senders do not wait for it

        with self._lock:
            if self._worker is None:
                self._worker = reply_worker(self._core)

    def step(self) -> bool:
        """Answer one turn; whether there was one."""
        return self._worker is not None and self._worker.step()


@dataclass(frozen=True)
class Effects:
    """The parts of the process; `run` keeps them going."""

    core: Core
    sender: Sender
    resolver: Resolver
    lookback: LookBack
    registrar: Registrar
    healer: Healer
    heard: PostgresHeard
    replies: LateReplies
    messenger: Messenger
    housekeeper: Housekeeper
    clock: MovableClock
    threads: int = SENDER_THREADS
    reply_threads: int = REPLY_THREADS

    @classmethod
    def of(cls, core: Core) -> Effects:
        """Everything from the settings."""
        settings = core.settings
        timeouts = Timeouts.within(settings.send_lease.total_seconds())
        senders = LoggedSenders(core.commands)
        ledger = PostgresLedger(
            core.commands,
            core.hasher,
            LedgerSettings(
                lease=settings.send_lease,
                settling=settings.send_settling,
                call=timedelta(seconds=timeouts.total),
            ),
            uuid.uuid4,
            count_events,
            core.reach,
        )
        postmark = Postmark(core.addresses.postmark_url, timeouts, core.reach)
        shop = MailShop.of(LoggedContents(core.commands), _own_links(core))
        SEND_RATE.set(settings.send_rate)
        clock = MovableClock(core.pool)
        paces = Paces(settings.send_rate, random.Random().random)
        heard = PostgresHeard(core.pool, settings.heal_after)
        return cls(
            core,
            Sender(ledger, senders, shop, postmark, paces, Rota(), reach=core.reach),
            Resolver(
                ledger,
                senders,
                postmark,
                settings.ambiguous_policy,
                settings.send_settling,
                turn=timeouts.read / 2,
            ),
            LookBack(
                PostgresMarks(
                    core.commands,
                    core.hasher,
                    settings.send_lease
                    + timedelta(seconds=timeouts.total)
                    + settings.send_settling,
                ),
                senders,
                postmark,
            ),
            Registrar(
                PostgresRegistrations(core.commands),
                senders,
                PostmarkWebhooks(core.addresses.postmark_url),
                webhook_url(settings),
            ),
            Healer(
                heard,
                senders,
                PostmarkHistory(core.addresses.postmark_url, settings.heal_rate),
                KafkaIntake(core.addresses.kafka_bootstrap, settings.topic_prefix),
                settings.heal_every,
                settings.heal_after,
            ),
            heard,
            LateReplies(core),
            messenger(core, clock),
            housekeeper(core),
            clock,
        )

    def run(self, stop: threading.Event, on_ready: Callable[[], None]) -> None:
        """Until `stop`: then every batch under way is finished first. Raises LoopEndedError.

        Sending begins at once; it is ready when sentences can be answered too.
        """

        def prepare() -> None:
            self.replies.prepare()
            on_ready()

        sends, registrations, replies, clockwork = Bell(), Bell(), Bell(), Bell()
        healing, errands, tidying, looking = Bell(), Bell(), Bell(), Bell()
        loops = [
            *(
                Loop(f"sender-{number}", self.sender.step, sends, stop, POLL)
                for number in range(self.threads)
            ),
            *(
                Loop(f"replies-{number}", self.replies.step, replies, stop, POLL, prepare)
                for number in range(self.reply_threads)
            ),
            Loop("resolver", self.resolver.step, clockwork, stop, POLL),
            Loop("lookback", self.lookback.step, looking, stop, LOOKING_POLL, longest=LONGEST_LOOK),
            Loop("registrar", self.registrar.step, registrations, stop, POLL),
            Loop("healer", self.healer.step, healing, stop, HEALING_POLL, longest=self._longest()),
            Loop("messenger", self.messenger.step, errands, stop, POLL, longest=60.0),
            Loop("housekeeper", self.housekeeper.step, tidying, stop, EVERY, longest=2 * EVERY),
            Loop("measuring", self._measure, clockwork, stop, 2.0),
        ]
        channels = {
            "nudge_sends": sends.ring,
            "nudge_registrations": registrations.ring,
            "nudge_replies": replies.ring,
            "nudge_healing": healing.ring,
            CHANNEL: errands.ring,
            ERASURES: self.core.keys.forget,
        }
        beat = Heartbeat(heartbeat_file(self.core.addresses.data_dir, "effects"))
        beat()
        with self.clock, Wakeups(self.core.addresses.postgres_worker_url, channels):
            for loop in loops:
                loop.start()
            if not self.reply_threads:
                on_ready()
            patience = self.core.settings.send_lease.total_seconds()
            try:
                watch(loops, stop, beat, patience)
            finally:
                stop.set()
                for bell in (
                    sends, registrations, replies, clockwork, healing, errands, tidying,
                    looking,
                ):  # fmt: skip
                    bell.ring()
                for loop in loops:
                    loop.join(10)

    def _longest(self) -> float:
        """Seconds that one step of healing may take at the rate that is allowed."""
        rate = self.core.settings.heal_rate
        return 600 + (MOST_QUESTIONS / rate if rate else 0)

    def _measure(self) -> bool:
        return measure(self.core.pool) or self.heard.measure()


def _own_links(core: Core) -> OwnLink:
    """Our unsubscribe link by delivery id and address."""
    base = (core.settings.public_url or core.settings.base_url).rstrip("/")
    secret = core.secret("unsubscribe")
    return lambda delivery_id, address: f"{base}/u/{make_token(secret, delivery_id, address)}"


def webhook_url(settings: Settings) -> str:
    """Where the provider shall post what happens."""
    base = settings.public_url or settings.base_url
    return f"{base.rstrip('/')}/v1/webhooks/postmark"
