"""What happens by itself: due steps, runs that end, webhooks tried again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, TypeVar

import structlog

from streams.agents import closing, expansion, metrics, retention, waiting
from streams.agents.addresses import Addresses
from streams.agents.ports import Connection, WorkerLog
from streams.poison import TRANSIENT
from streams.ports import DeadLetters, DeadLettersUnavailableError

_T = TypeVar("_T")
_log = structlog.get_logger("streams.reactions")
_AT_ONCE: Final = 500
"""Campaigns looked at in one round."""
_PATIENCE: Final = 100
"""Rounds for which a campaign that cannot go on is left alone."""
_RARELY: Final = 240
"""Rounds between two looks at what has expired: about a minute when nothing else happens."""
_FAILURES: Final[tuple[type[BaseException], ...]] = (*TRANSIENT, DeadLettersUnavailableError)


@dataclass
class Timers:
    """One round after the other; several processes may run them at once. For one thread."""

    log: WorkerLog
    addresses: Addresses
    dead_letters: DeadLetters
    unknown_message_wait: timedelta
    _resting: dict[str, int] = field(default_factory=dict)
    _rounds: int = 0

    def round(self) -> bool:
        """Do what is due now, one chunk for each campaign; whether there may be more."""
        for campaign in list(self._resting):
            self._resting[campaign] -= 1
            if self._resting[campaign] <= 0:
                del self._resting[campaign]
        more = self._expand()
        more = self._close() or more
        again = self.log.run(
            lambda tx: waiting.try_again(
                tx, self.addresses, self.dead_letters, self.unknown_message_wait
            )
        )
        if self._rounds % _RARELY == 0:
            self.log.run(retention.sweep)
        self._rounds += 1
        return more or again > 0

    def _expand(self) -> bool:
        steps = self.log.run(lambda tx: expansion.due_steps(tx, _AT_ONCE))
        outcomes = [self._expand_one(campaign, number) for campaign, number in steps]
        metrics.STEPS_WAITING.set(outcomes.count("waiting"))
        return "more" in outcomes or "done" in outcomes

    def _expand_one(self, campaign: str, number: int) -> expansion.Progress:
        def decide() -> expansion.Progress:
            return self.log.run(lambda tx: expansion.expand_chunk(tx, campaign, number))

        return self._patiently(campaign, decide, "idle")

    def _close(self) -> bool:
        campaigns = self.log.run(lambda tx: closing.runs_to_close(tx, _AT_ONCE))
        done = [self._close_one(campaign) for campaign in campaigns]
        return any(done)

    def _close_one(self, campaign: str) -> bool:
        return self._patiently(
            campaign, lambda: self.log.run(lambda tx: closing.close_run(tx, campaign)), False
        )

    def _patiently(self, campaign: str, act: Callable[[], _T], otherwise: _T) -> _T:
        """One campaign that cannot go on must not hold up the others."""
        if campaign in self._resting:
            return otherwise
        try:
            return act()
        except _FAILURES:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with one run, others go on
            _log.exception("a run cannot go on", campaign_id=campaign, reason=str(error))
            self._resting[campaign] = _PATIENCE
            return otherwise


def run_timers(
    timers: Timers,
    listen: Callable[[], AbstractContextManager[Connection]],
    stop: threading.Event,
    every: float = 0.25,
) -> None:
    """Rounds until stopped: at once when notified, else every 250 ms. Outlives Postgres.

    `listen` gives an autocommit connection of its own.
    """
    while not stop.is_set():
        try:
            with listen() as connection:
                connection.execute("LISTEN nudge_runs")
                connection.execute("LISTEN nudge_views")
                while not stop.is_set():
                    while timers.round() and not stop.is_set():
                        pass
                    for _ in connection.notifies(timeout=every, stop_after=1):
                        pass
                    stop.wait(0.02)  # a busy view says much; twenty times a second is enough
        except _FAILURES as error:
            _log.warning("timers wait", reason=str(error))
            stop.wait(1.0)
        except Exception as error:  # noqa: BLE001 - a process without timers would look well
            _log.exception("timers wait", reason=str(error))
            stop.wait(1.0)
