"""Errands for people: the product's own mails, a new organization's server, failed log-ins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal, NamedTuple, Protocol

import psycopg
import structlog

from domain.delivery.decisions import Accepted, Call, Refused, Returned, judge
from streams.effects.metrics import ERRANDS
from streams.effects.ports import ProviderAwayError, Sending

Kind = Literal["signup", "reset", "invitation", "password_changed", "login_failed", "connect"]
FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
LOOK_AGAIN: Final = timedelta(seconds=5)
_log = structlog.get_logger()


class Errand(NamedTuple):
    """Something to do. `handed_over_for`: seconds since a call for it began, if one did.

    `details` never appear in a log: addresses are among them.
    """

    errand_id: str
    organization_id: str
    kind: Kind
    details: Mapping[str, str]
    attempts: int
    handed_over_for: float | None


class ErrandBook(Protocol):
    """The errands still to be done. Each method is one transaction."""

    def take(self) -> Errand | None:
        """One that is due, for a minute this caller's alone; None when there is none."""
        ...

    def hand_over(self, errand: Errand) -> bool:
        """Note that the call starts now; False when the lease no longer outlasts it."""
        ...

    def postpone(self, errand: Errand, delay: timedelta, *, not_sent: bool = False) -> None:
        """Look at it again later; `not_sent`: it is certain that the call sent nothing."""
        ...

    def done(self, errand: Errand) -> None:
        """Forget it, and what it held."""
        ...


class Clerk(Protocol):
    """What errands are about. Each method is safe to call again."""

    def message(self, errand: Errand, stream: str) -> Mapping[str, Any] | None:
        """The mail as the provider takes it; None when nobody is to get one."""
        ...

    def note_failure(self, errand: Errand) -> None:
        """A failed log-in, as an event of the user's organization; of nobody's, nothing."""
        ...

    def connect(self, errand: Errand) -> None:
        """Give a new organization its server. Raises ProviderAwayError."""
        ...


class OwnServer(Protocol):
    """The product's own server at the provider."""

    def sending(self) -> Sending:
        """How to send through it. Raises ProviderAwayError while there is none."""
        ...


class OwnMails(Protocol):
    """The provider's calls."""

    def send(self, sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call: ...

    def find(self, sending: Sending, batch_id: str) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Messenger:
    """Does errands, one a step. A mail of unknown fate is looked up, and sent again only after
    `settling` without a trace of it."""

    book: ErrandBook
    clerk: Clerk
    server: OwnServer
    provider: OwnMails
    settling: timedelta

    def step(self) -> bool:
        """Do one errand; whether there was one."""
        errand = self.book.take()
        if errand is None:
            return False
        try:
            result = self._carry_out(errand)
        except ProviderAwayError:
            result = "away"
            self.book.postpone(errand, _pause(errand))
        except psycopg.OperationalError:
            raise
        except Exception:  # noqa: BLE001 - one bad errand must not keep others from theirs
            result = "failed"
            _log.exception("an errand failed", kind=errand.kind, errand=errand.errand_id)
            self.book.postpone(errand, LONGEST_PAUSE)
        ERRANDS.labels(errand.kind, result).inc()
        return True

    def _carry_out(self, errand: Errand) -> str:
        match errand.kind:
            case "connect":
                self.clerk.connect(errand)
            case "login_failed":
                self.clerk.note_failure(errand)
            case _:
                return self._mail(errand)
        self.book.done(errand)
        return "done"

    def _mail(self, errand: Errand) -> str:
        server = self.server.sending()
        message = self.clerk.message(errand, server.stream)
        if message is None:
            self.book.done(errand)
            return "nobody"
        if errand.handed_over_for is not None:
            if self.provider.find(server, errand.errand_id):
                self.book.done(errand)
                return "found"
            if errand.handed_over_for < self.settling.total_seconds():
                self.book.postpone(errand, LOOK_AGAIN)
                return "unknown"
        if not self.book.hand_over(errand):
            return "too late"
        return self._sent(errand, self.provider.send(server, [message]))

    def _sent(self, errand: Errand, call: Call) -> str:
        verdict = judge(call, 1).verdicts[0]
        match verdict:
            case Accepted():
                self.book.done(errand)
                return "sent"
            case Refused(code):
                _log.warning("a mail was refused", kind=errand.kind, error_code=code)
                self.book.done(errand)
                return "refused"
            case Returned(reason):
                _log.warning("a mail was not sent", kind=errand.kind, reason=reason)
                self.book.postpone(errand, _pause(errand), not_sent=True)
                return "returned"
        self.book.postpone(errand, LOOK_AGAIN)
        return "unknown"


def _pause(errand: Errand) -> timedelta:
    doubled: timedelta = FIRST_PAUSE * 2 ** min(errand.attempts, 16)
    return min(doubled, LONGEST_PAUSE)
