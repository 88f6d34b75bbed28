"""Killing the product's processes in the middle of a campaign, and keeping account of it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from infra.local.state import ProcessStatus, running_state
from infra.postgres import Connection, connect
from tests.support.whole_stack import WholeStack, eventually

_NOW = """
    SELECT clock_timestamp(),
        (SELECT count(*) FROM state.sends WHERE campaign_id = %(id)s AND state = 'claimed'),
        (SELECT count(*) FROM state.sends WHERE campaign_id = %(id)s AND state = 'ambiguous')
"""
_FIRST_CLAIM = """
    SELECT min(e.recorded_at) FROM state.sends s JOIN log.events e ON e.stream_id = s.delivery_id
    WHERE s.campaign_id = %s AND e.type = 'DeliveryClaimed'
"""
_LAST_OUTCOME = """
    SELECT max(e.recorded_at) FROM state.sends s JOIN log.events e ON e.stream_id = s.delivery_id
    WHERE s.campaign_id = %s AND e.type = ANY(ARRAY['DeliveryAccepted', 'DeliveryRefused',
        'DeliveryWithheld', 'DeliveryHeld'])
"""


@dataclass(frozen=True)
class Kill:
    """One kill -9 (or freeze), and what it met."""

    role: str
    at: datetime
    claims_open: int
    ambiguous: int


@dataclass
class Killer:
    """Kills roles while one campaign is being sent."""

    stack: WholeStack
    campaign_id: str
    ledger: Connection
    kills: list[Kill] = field(default_factory=list)

    @classmethod
    @contextmanager
    def of(
        cls, stack: WholeStack, campaign_id: str, kills: Sequence[Kill] = ()
    ) -> Iterator[Killer]:
        """One whose connection is closed in the end; `kills`: what happened before."""
        with connect(stack.addresses.postgres_worker_url, autocommit=True) as ledger:
            yield cls(stack, campaign_id, ledger, list(kills))

    # --- when ------------------------------------------------------------------------------

    @property
    def first_claim(self) -> datetime | None:
        return self._moment(_FIRST_CLAIM)

    @property
    def last_outcome(self) -> datetime | None:
        return self._moment(_LAST_OUTCOME)

    def open(self) -> bool:
        """Whether the campaign still has deliveries without an outcome."""
        row = self.ledger.execute(
            "SELECT EXISTS (SELECT 1 FROM state.sends WHERE campaign_id = %s"
            " AND state IN ('intended', 'claimed', 'ambiguous'))",
            (self.campaign_id,),
        ).fetchone()
        return bool(row and row[0])

    # --- kill ------------------------------------------------------------------------------

    def kill(self, role: str, *, with_claims: bool = False, seconds: float = 60) -> Kill:
        """kill -9 of a role that is ready; with `with_claims` at a moment when claims are open."""
        return self._signal(role, signal.SIGKILL, with_claims=with_claims, seconds=seconds)

    def freeze(self, role: str, *, with_claims: bool = False, seconds: float = 60) -> Kill:
        """The same with SIGSTOP: it lives, and does nothing any more."""
        return self._signal(role, signal.SIGSTOP, with_claims=with_claims, seconds=seconds)

    def _signal(
        self, role: str, number: signal.Signals, *, with_claims: bool, seconds: float
    ) -> Kill:
        victim = eventually(lambda: self._ready(role), seconds=seconds, what=f"a ready {role}")
        assert victim.pid is not None
        deadline = time.monotonic() + seconds
        at, claims, ambiguous = self._now()
        while with_claims and not claims:
            assert time.monotonic() < deadline, "there was no open claim"
            at, claims, ambiguous = self._now()
        os.kill(victim.pid, number)
        self.kills.append(Kill(role, at, claims, ambiguous))
        return self.kills[-1]

    def all_back(self) -> bool:
        """Whether every process is ready again."""
        return all_ready(self.stack)

    def restarts(self, role: str) -> int:
        """How often the supervisor has started it again."""
        return next(p.restarts for p in self._processes() if role in p.roles)

    def _ready(self, role: str) -> ProcessStatus | None:
        found = next(p for p in self._processes() if role in p.roles)
        return found if found.state == "ready" else None

    def _processes(self) -> Sequence[ProcessStatus]:
        state = running_state(self.stack.data_dir)
        assert state is not None, "the supervisor is gone"
        return state.processes

    def _now(self) -> tuple[datetime, int, int]:
        row = self.ledger.execute(_NOW, {"id": self.campaign_id}).fetchone()
        assert row is not None
        return row[0], row[1], row[2]

    def _moment(self, query: str) -> datetime | None:
        row = self.ledger.execute(query.encode(), (self.campaign_id,)).fetchone()
        return row[0] if row else None


def all_ready(stack: WholeStack) -> bool:
    """Whether every process of the product is ready."""
    state = running_state(stack.data_dir)
    return state is not None and state.ready


def table_of(kills: Sequence[Kill], first_claim: datetime) -> str:
    """The kills, a line each: seconds after the first claim, role, claims open, ambiguous."""
    lines = ["    s role              open  ambiguous"]
    for kill in kills:
        after = (kill.at - first_claim).total_seconds()
        lines.append(f"{after:5.1f} {kill.role:<17} {kill.claims_open:>4} {kill.ambiguous:>10}")
    return "\n".join(lines)


def wait_for_end(holds: Callable[[], bool], seconds: float, what: str) -> None:
    """Look every half second, so that waiting takes no work from what is waited for."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.5)
