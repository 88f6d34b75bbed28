"""An effects process that says how far its first batch has come and then stands still.

`python -m tests.support.stalling_effects POINT`: POINT is `claimed` (before the hand-over),
`handed_over` (before the call) or `answered` (before the outcome is recorded). It waits there to
be killed.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from domain.delivery.decisions import BatchOutcome, Call
from infra.bootstrap import Core
from infra.effects import Effects
from infra.ledger.ledger import PostgresLedger
from infra.settings import load_settings
from streams.effects.ports import Claim, MailProvider, Sending


def stall(point: str) -> None:
    """Announce the point, then wait for the end."""
    sys.stdout.write(f"{point}\n")
    sys.stdout.flush()
    time.sleep(600)


class StallingLedger(PostgresLedger):
    """Stands still before a hand-over or before an outcome is recorded."""

    point = ""

    def hand_over(self, batch_id: str) -> bool:
        if self.point == "claimed":
            stall(self.point)
        return super().hand_over(batch_id)

    def record(self, claim: Claim, outcome: BatchOutcome) -> None:
        if self.point == "answered":
            stall(self.point)
        super().record(claim, outcome)


class StallingProvider:
    """Stands still before the call."""

    def __init__(self, provider: MailProvider) -> None:
        self._provider = provider

    def send(self, sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:
        stall("handed_over")
        return self._provider.send(sending, messages)

    def find(self, sending: Sending, batch_id: str) -> Mapping[str, str]:
        return self._provider.find(sending, batch_id)


def main() -> None:
    """Run until killed."""
    point = sys.argv[1]
    effects = Effects.of(Core.of(load_settings(), "effects"))
    sender = effects.sender
    real = sender.ledger
    assert isinstance(real, PostgresLedger)
    ledger = StallingLedger(real.commands, real.hasher, real.settings, real.new_id)
    ledger.point = point
    provider = StallingProvider(sender.provider) if point == "handed_over" else sender.provider
    stalling = replace(sender, ledger=ledger, provider=provider)
    replace(effects, sender=stalling, threads=1, reply_threads=0).run(
        threading.Event(), lambda: None
    )


if __name__ == "__main__":
    main()
