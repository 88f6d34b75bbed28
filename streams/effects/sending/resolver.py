"""The resolver: ends leases that are over, and asks the provider what it took."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from domain.delivery.decisions import Policy
from streams.effects.ports import (
    Ledger,
    MailProvider,
    OpenBatch,
    ProviderAwayError,
    ProviderRefusedError,
    Senders,
)

SHORTEST_SETTLING = timedelta(seconds=1)
RETRY = timedelta(seconds=5)
REFUSED_RETRY = timedelta(minutes=1)
REFUSED_FOR_GOOD = timedelta(days=1)
"""After so long nobody is expected to give a server's token back. What was sent there in doubt is
never sent again by itself: it is held, whatever the policy."""
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Resolver:
    """Runs beside the senders; several of them do each other no harm.

    A step begins no look-up after `turn` seconds (by `clock`): a provider that lets everybody wait
    for its answers would else make it so long that the whole process is taken for stuck.
    """

    ledger: Ledger
    senders: Senders
    provider: MailProvider
    policy: Policy
    settling: timedelta
    turn: float = 5.0
    clock: Callable[[], float] = time.monotonic

    def step(self) -> bool:
        """End what is over and look up what is due; whether there was anything to do."""
        expired = self.ledger.expire()
        due = self.ledger.due_lookups()
        until = self.clock() + self.turn
        for batch in due:
            self._look_up(batch)
            if self.clock() >= until:
                break  # the next step goes on with the others
        return bool(expired or due)

    def _look_up(self, batch: OpenBatch) -> None:
        sending = self.senders.sent_by(batch.organization_id, batch.route)
        try:
            if sending is None:
                raise ProviderRefusedError("not_connected", "that connection is not known")
            found = self.provider.find(sending, batch.batch_id)
        except ProviderRefusedError as error:
            self._refused(batch, error)
            return
        except ProviderAwayError as error:
            _log.warning("a batch could not be looked up", batch=batch.batch_id, reason=str(error))
            self.ledger.postpone(batch, RETRY)
            return
        again_after = max(self.settling, SHORTEST_SETTLING)
        self.ledger.record_lookup(batch, found, self.policy, again_after)

    def _refused(self, batch: OpenBatch, error: ProviderRefusedError) -> None:
        given_up = batch.age >= REFUSED_FOR_GOOD
        _log.warning(
            "the server of a batch lets nobody look it up",
            batch=batch.batch_id, reason=error.detail[:200], held=given_up,
        )  # fmt: skip
        if given_up:
            self.ledger.hold(batch)
        else:
            self.ledger.postpone(batch, REFUSED_RETRY)
