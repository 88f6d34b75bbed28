"""The sender: claims a batch, hands it over, records what became of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import structlog

from domain.campaign.content.brief import ContentError
from domain.delivery.decisions import (
    Ambiguous,
    Answered,
    BatchOutcome,
    Call,
    Pause,
    Refused,
    Returned,
    Verdict,
    judge,
)
from domain.shared.faults import FaultPoint, Reach, unarmed
from streams.effects.metrics import BLOCKED, CALL_SECONDS, FAILURES
from streams.effects.ports import Claim, Lane, Ledger, MailProvider, Recipient, Senders, Sending
from streams.effects.sending.mails import MailShop
from streams.effects.sending.pace import Pace, Paces
from streams.effects.sending.rota import Rota

NOT_RENDERED = -1
"""The error code of a delivery whose mail could not be made for this person."""
ASIDE = 10.0
"""Seconds for which a campaign is left alone after something unforeseen."""
TOO_LATE = Returned("lease_too_short")
_log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Made:
    """The messages of a claim, for those recipients for whom one could be made."""

    messages: Sequence[dict[str, Any]]
    sent: Sequence[bool]


@dataclass(frozen=True, slots=True)
class Sender:
    """One of several threads' work; all share these parts. `clock` in seconds, going forward.

    `sleep` waits for so many of them.
    """

    ledger: Ledger
    senders: Senders
    shop: MailShop
    provider: MailProvider
    paces: Paces
    rota: Rota
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    reach: Reach = unarmed

    def step(self) -> bool:
        """Serve one campaign; whether there was anything to do.

        Raises psycopg.OperationalError when the store is away.
        """
        for lane in self.rota.in_order(self.ledger.waiting(), self.clock()):
            try:
                served = self._serve(lane)
            except psycopg.OperationalError:
                raise
            except Exception as error:  # noqa: BLE001 - one bad campaign must not stop the others
                FAILURES.inc()
                _log.exception("a campaign is put aside", campaign=lane.campaign_id, error=error)
                self.rota.put_aside(lane, self.clock() + ASIDE)
                continue
            if served:
                return True
        return False

    def _serve(self, lane: Lane) -> bool:
        sending = self.senders.sending(lane.organization_id)
        if sending is None or sending.handling is None:
            BLOCKED.inc()  # who makes the unsubscribe link is not known yet
            self.rota.put_aside(lane, self.clock() + 0.5)
            return False
        pace = self.paces.of(lane.organization_id, sending.stream)
        limit = pace.start(self.clock())
        if not limit:
            return False
        self.rota.served(lane)
        used = 0
        self.reach(FaultPoint.SENDER_BEFORE_CLAIM)
        try:
            claim = self.ledger.claim(lane, sending.route, limit)
            used = len(claim.recipients)
        finally:
            pace.give_back(limit - used)
        if claim.recipients:
            self.reach(FaultPoint.SENDER_AFTER_CLAIM)
            self._deliver(sending, claim, pace)
        return claim.looked_at > 0

    def _deliver(self, sending: Sending, claim: Claim, pace: Pace) -> None:
        try:
            made = self._made(sending, claim)
        except ContentError as error:
            self._record(claim, _unusable(claim, error))
            return
        outcome = BatchOutcome(())
        if made.messages:
            outcome = self._sent(sending, claim, made.messages)
        if outcome.back_off or _all_unknown(outcome):
            pace.back_off(self.clock())
        elif TOO_LATE in outcome.verdicts:
            pace.too_slow()
        else:
            pace.succeeded()
        self._record(claim, _merged(outcome, made.sent))

    def _sent(
        self, sending: Sending, claim: Claim, messages: Sequence[dict[str, Any]]
    ) -> BatchOutcome:
        size = len(messages)
        if not self.ledger.hand_over(claim.batch_id):
            return BatchOutcome((TOO_LATE,) * size)
        with CALL_SECONDS.time():
            call = self.provider.send(sending, messages)
        self.reach(FaultPoint.SENDER_AFTER_ANSWER)
        outcome = judge(call, size)
        if claim.lane.kind == "test" and outcome.pause is not None:
            return _final(outcome, call)
        return outcome

    def _made(self, sending: Sending, claim: Claim) -> Made:
        """Raises ContentError when the mail itself, not one person's, is of no use."""
        for step in {recipient.step for recipient in claim.recipients}:
            self.shop.template(claim, step)
        found = [self._message(sending, claim, recipient) for recipient in claim.recipients]
        return Made([m for m in found if m is not None], [m is not None for m in found])

    def _message(
        self, sending: Sending, claim: Claim, recipient: Recipient
    ) -> dict[str, Any] | None:
        try:
            return self.shop.message(sending, claim, recipient)
        except ContentError:
            return None

    def _record(self, claim: Claim, outcome: BatchOutcome) -> None:
        """What was learnt must not be lost: try until the resolver would know better anyway."""
        attempts = 8
        for attempt in range(attempts):
            try:
                self.ledger.record(claim, outcome)
                self.reach(FaultPoint.SENDER_AFTER_COMMIT)
            except psycopg.OperationalError:
                if attempt == attempts - 1:
                    raise
                self.sleep(min(0.1 * 2.0**attempt, 2.0))
            else:
                return


def _merged(outcome: BatchOutcome, sent: Sequence[bool]) -> BatchOutcome:
    """Verdicts for every recipient, those whose mail could not be made included."""
    verdicts = iter(outcome.verdicts)
    refused: Verdict = Refused(NOT_RENDERED)
    return replace(outcome, verdicts=tuple(next(verdicts) if ok else refused for ok in sent))


def _unusable(claim: Claim, error: ContentError) -> BatchOutcome:
    """A mail nobody can get: the campaign waits for a person, a test is over."""
    size = len(claim.recipients)
    if claim.lane.kind == "test":
        return BatchOutcome((Refused(NOT_RENDERED),) * size)
    return BatchOutcome((Returned(error.code),) * size, Pause(error.code, str(error)))


def _final(outcome: BatchOutcome, call: Call) -> BatchOutcome:
    """A test that was refused is not tried again: there is no campaign to pause."""
    body = call.body if isinstance(call, Answered) else None
    answers = body if isinstance(body, list) else [body] * len(outcome.verdicts)
    return BatchOutcome(
        tuple(
            Refused(_code(answer)) if isinstance(verdict, Returned) else verdict
            for verdict, answer in zip(outcome.verdicts, answers, strict=True)
        )
    )


def _code(answer: object) -> int:
    code = answer.get("ErrorCode") if isinstance(answer, Mapping) else None
    return code if isinstance(code, int) else NOT_RENDERED


def _all_unknown(outcome: BatchOutcome) -> bool:
    """A provider that loses one batch may lose the next: do not hurry to make more doubt."""
    verdicts = outcome.verdicts
    return bool(verdicts) and all(isinstance(verdict, Ambiguous) for verdict in verdicts)
