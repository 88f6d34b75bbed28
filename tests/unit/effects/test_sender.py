"""What the sender records for each way a call can go, and that one bad campaign stops no other."""
# ruff: noqa: ARG002 - fakes take what the ports pass

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from domain.campaign.content.brief import ContentError
from domain.campaign.values import Content, Email
from domain.campaign.values import Sender as From
from domain.delivery.decisions import (
    Accepted,
    Ambiguous,
    Answered,
    BatchOutcome,
    Call,
    Lost,
    NotSent,
    Policy,
    Refused,
    Returned,
)
from streams.effects.ports import (
    CampaignContent,
    Claim,
    Lane,
    OpenBatch,
    ProviderAwayError,
    ProviderRefusedError,
    Recipient,
    Route,
    Sending,
)
from streams.effects.sending.mails import MailShop
from streams.effects.sending.pace import Paces
from streams.effects.sending.resolver import REFUSED_RETRY, RETRY, Resolver
from streams.effects.sending.rota import Rota
from streams.effects.sending.sender import NOT_RENDERED, Sender

SENDING = Sending("o", "token", "broadcast", "outbound", "Postmark", "u", "p", 1)
A, B, TEST = Lane("o", "a", "campaign"), Lane("o", "b", "campaign"), Lane("o", "a", "test")
TOO_MUCH = "{% for i in (1..times) %}{% for j in (1..times) %}x{% endfor %}{% endfor %}"


@dataclass
class Books:
    """A ledger in memory: one batch of people for each lane, claimed once."""

    lanes: list[Lane]
    people: list[Mapping[str, object]] = field(default_factory=lambda: [{}, {}])
    handed: bool = True
    recorded: dict[Lane, BatchOutcome] = field(default_factory=dict)
    due: list[OpenBatch] = field(default_factory=list)
    looked_up: list[tuple[Mapping[str, str], timedelta]] = field(default_factory=list)
    postponed: list[tuple[OpenBatch, timedelta]] = field(default_factory=list)
    held: list[OpenBatch] = field(default_factory=list)

    def waiting(self) -> Sequence[Lane]:
        return [lane for lane in self.lanes if lane not in self.recorded]

    def claim(self, lane: Lane, route: Route, limit: int) -> Claim:
        people = [
            Recipient(f"d{n}", 1, f"c{n}", f"p{n}@example.com", b"", fields)
            for n, fields in enumerate(self.people)
        ]
        return Claim("batch", lane, lane.campaign_id, tuple(people), len(people))

    def hand_over(self, batch_id: str) -> bool:
        return self.handed

    def record(self, claim: Claim, outcome: BatchOutcome) -> None:
        self.recorded[claim.lane] = outcome

    def expire(self) -> int:
        return 0

    def due_lookups(self) -> Sequence[OpenBatch]:
        return self.due

    def record_lookup(
        self, batch: OpenBatch, found: Mapping[str, str], policy: Policy, again_after: timedelta
    ) -> None:
        self.looked_up.append((found, again_after))

    def postpone(self, batch: OpenBatch, delay: timedelta) -> None:
        self.postponed.append((batch, delay))

    def hold(self, batch: OpenBatch) -> None:
        self.held.append(batch)


@dataclass
class Provider:
    """Answers with `call`, or accepts everything."""

    call: Call | None = None
    sent: list[Mapping[str, Any]] = field(default_factory=list)
    found: Mapping[str, str] | None = None
    closed: bool = False
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def send(self, sending: Sending, messages: Sequence[Mapping[str, Any]]) -> Call:
        self.sent += messages
        items = [{"ErrorCode": 0, "MessageID": m["Metadata"]["delivery_id"]} for m in messages]
        return self.call or Answered(200, items)

    def find(self, sending: Sending, batch_id: str) -> Mapping[str, str]:
        self.asked.append((sending.server_token, sending.stream, batch_id))
        if self.closed:
            raise ProviderRefusedError("http_401", "no such server")
        if self.found is None:
            raise ProviderAwayError("gone fishing")
        return self.found


class Connections:
    """Everybody sends the same way."""

    def __init__(self, sending: Sending | None = SENDING) -> None:
        self._sending = sending

    def sending(self, organization_id: str) -> Sending | None:
        return self._sending

    def sent_by(self, organization_id: str, route: Route) -> Sending | None:
        sending = self._sending
        return sending and replace(
            sending, server_token=f"of {route.connection}", stream=route.stream
        )


class Shelf:
    """Content by campaign: `broken` has none, `bug` fails in a way nobody thought of."""

    def content(self, lane: Lane, content_hash: str) -> CampaignContent:
        if content_hash == "broken":
            raise ContentError("content_missing", "gone")
        if content_hash == "bug":
            raise RuntimeError("a bug")
        email = Email(1, 0, "Hi", "", f"<body>{TOO_MUCH}</body>", "")
        content = Content("n", {}, (email,), From("A", "a@example.com", "1 Oak St"))
        return CampaignContent("welcome", content)


def sender(books: Books, provider: Provider, sending: Sending | None = SENDING) -> Sender:
    shop = MailShop.of(Shelf(), lambda delivery, _: delivery)
    paces = Paces(0, lambda: 1.0)
    return Sender(books, Connections(sending), shop, provider, paces, Rota(), lambda: 100.0)


def outcome(call: Call | None, lane: Lane = A, **books: Any) -> BatchOutcome:
    kept = Books([lane], **books)
    sender(kept, Provider(call)).step()
    return kept.recorded[lane]


def test_what_was_accepted_is_recorded_in_order() -> None:
    assert outcome(None).verdicts == (Accepted("d0"), Accepted("d1"))


def test_a_lost_answer_leaves_the_batch_ambiguous() -> None:
    assert outcome(Lost("deadline")).verdicts == (Ambiguous("deadline"),) * 2


def test_what_certainly_sent_nothing_is_returned_and_the_stream_pauses() -> None:
    books = Books([A, B])
    both = sender(books, Provider(NotSent("no route")))

    assert both.step()
    assert books.recorded[A].verdicts == (Returned("no route"),) * 2
    assert not both.step()  # the same stream: not yet
    assert B not in books.recorded


def test_a_refused_batch_pauses_the_campaign() -> None:
    refused = outcome(Answered(401, {"ErrorCode": 10, "Message": "bad token"}))
    assert refused.verdicts == (Returned("http_401"),) * 2
    assert refused.pause is not None
    assert "bad token" in refused.pause.detail


def test_a_refused_test_mail_is_over_and_pauses_nothing() -> None:
    refused = outcome(Answered(401, {"ErrorCode": 10, "Message": "bad token"}), TEST)
    assert refused == BatchOutcome((Refused(10),) * 2)


def test_a_test_mail_of_a_sender_nobody_knows_is_over_too() -> None:
    items = [{"ErrorCode": 400, "Message": "no such sender"}, {"ErrorCode": 0, "MessageID": "m"}]
    refused = outcome(Answered(200, items), TEST)
    assert refused == BatchOutcome((Refused(400), Accepted("m")))


def test_a_call_that_would_outlast_the_lease_is_not_made() -> None:
    assert outcome(None, handed=False).verdicts == (Returned("lease_too_short"),) * 2


def test_a_batch_too_late_for_its_lease_makes_the_next_one_smaller() -> None:
    books, limits = Books([A, B], handed=False), []
    claim = books.claim
    books.claim = lambda lane, route, limit: limits.append(limit) or claim(lane, route, limit)  # type: ignore[method-assign,func-returns-value]

    both = sender(books, Provider())
    both.step()
    both.step()

    assert limits == [500, 250]


def test_one_person_whose_mail_cannot_be_made_does_not_stop_the_others() -> None:
    made = outcome(None, people=[{}, {"times": 500}, {}])
    assert made.verdicts == (Accepted("d0"), Refused(NOT_RENDERED), Accepted("d2"))


def test_content_nobody_can_get_pauses_the_campaign() -> None:
    broken = outcome(None, Lane("o", "broken", "campaign"))
    assert broken.verdicts == (Returned("content_missing"),) * 2
    assert broken.pause is not None
    assert broken.pause.reason == "content_missing"


def test_a_campaign_that_fails_unforeseen_is_put_aside_for_the_others() -> None:
    bug = Lane("o", "bug", "campaign")
    books = Books([bug, A])

    assert sender(books, Provider()).step()

    assert list(books.recorded) == [A]


@pytest.mark.parametrize(
    "sending",
    [None, Sending("o", "token", "broadcast", "outbound", None, "u", "p", 1)],
    ids=["not connected", "webhook not registered"],
)
def test_nothing_is_claimed_before_the_stream_is_known(sending: Sending | None) -> None:
    books, provider = Books([A]), Provider()
    assert not sender(books, provider, sending).step()
    assert (books.recorded, provider.sent) == ({}, [])


def test_a_look_up_is_recorded_and_the_next_is_at_least_a_second_later() -> None:
    books = Books([], due=[OpenBatch("b", "o", 0, Route(2, "broadcast"))])
    found = {"d0": "m0"}
    Resolver(books, Connections(), Provider(found=found), "resend", timedelta(0)).step()
    assert books.looked_up == [(found, timedelta(seconds=1))]


def test_a_provider_that_cannot_look_postpones_the_decision() -> None:
    books = Books([], due=[OpenBatch("b", "o", 1, Route(2, "broadcast"))])
    Resolver(books, Connections(), Provider(), "resend", timedelta(minutes=1)).step()
    assert (books.looked_up, books.postponed) == ([], [(books.due[0], RETRY)])


@pytest.mark.parametrize(("seconds", "asked"), [(0.0, 3), (2.0, 3), (15.0, 1)])
def test_a_provider_that_lets_everybody_wait_does_not_make_a_step_last_for_ever(
    seconds: float, asked: int
) -> None:
    batches = [OpenBatch(name, "o", 0, Route(2, "broadcast")) for name in "abc"]
    books, provider, now = Books([], due=batches), Provider(), [0.0]

    class Slow(Provider):
        def find(self, sending: Sending, batch_id: str) -> Mapping[str, str]:
            now[0] += seconds
            return provider.find(sending, batch_id)

    resolver = Resolver(
        books, Connections(), Slow(), "resend", timedelta(0), turn=5.0, clock=lambda: now[0]
    )

    assert resolver.step()

    assert [batch for _, _, batch in provider.asked] == ["a", "b", "c"][:asked]
    assert [batch.batch_id for batch, _ in books.postponed] == ["a", "b", "c"][:asked]


@pytest.mark.parametrize("connected", [True, False])
@pytest.mark.parametrize("policy", ["resend", "hold"])
def test_a_server_that_is_closed_to_us_for_a_day_leaves_the_decision_to_a_person(
    policy: Policy, connected: bool
) -> None:
    young, old = (
        OpenBatch(name, "o", 1, Route(2, "broadcast"), age)
        for name, age in (("y", timedelta(hours=23)), ("o", timedelta(hours=24)))
    )
    books = Books([], due=[young, old])
    senders = Connections(SENDING if connected else None)

    Resolver(books, senders, Provider(closed=True), policy, timedelta(0)).step()

    assert books.postponed == [(young, REFUSED_RETRY)]
    assert (books.held, books.looked_up) == ([old], [])


def test_a_batch_is_looked_up_where_it_was_sent() -> None:
    books, provider = (
        Books([], due=[OpenBatch("b", "o", 0, Route(2, "earlier"))]),
        Provider(found={}),
    )
    Resolver(books, Connections(), provider, "resend", timedelta(0)).step()
    assert provider.asked == [("of 2", "earlier", "b")]
