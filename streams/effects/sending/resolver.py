"""The resolver: ends leases that are over, and asks the provider what it took."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import structlog

from domain.delivery.decisions import Policy
from streams.effects.ports import Ledger, MailProvider, OpenBatch, ProviderAwayError, Senders

SHORTEST_SETTLING = timedelta(seconds=1)
RETRY = timedelta(seconds=5)
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Resolver:
    """Runs beside the senders; several of them do each other no harm."""

    ledger: Ledger
    senders: Senders
    provider: MailProvider
    policy: Policy
    settling: timedelta

    def step(self) -> bool:
        """End what is over and look up what is due; whether there was anything to do."""
        expired = self.ledger.expire()
        due = self.ledger.due_lookups()
        for batch in due:
            self._look_up(batch)
        return bool(expired or due)

    def _look_up(self, batch: OpenBatch) -> None:
        sending = self.senders.sent_by(batch.organization_id, batch.route)
        try:
            if sending is None:
                raise ProviderAwayError("the organization is not connected")
            found = self.provider.find(sending, batch.batch_id)
        except ProviderAwayError as error:
            _log.warning("a batch could not be looked up", batch=batch.batch_id, reason=str(error))
            self.ledger.postpone(batch, RETRY)
            return
        again_after = max(self.settling, SHORTEST_SETTLING)
        self.ledger.record_lookup(batch, found, self.policy, again_after)
