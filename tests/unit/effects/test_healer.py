"""The healer: what it asks, what it puts back, and what it does when nobody answers."""
# ruff: noqa: ARG002 - fakes take what their ports take

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from uuid import uuid4

import pytest

from streams.effects.healing.healer import FIRST_PAUSE, LONGEST_PAUSE, Healer
from streams.effects.healing.ports import (
    Audit,
    BatchAudit,
    IntakeAwayError,
    MailHistory,
    Page,
    Record,
)
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Route, Sending
from streams.steps.gaps import LOOKS, SEARCHABLE, Count
from streams.steps.webhooks import understand

NOW = datetime(2026, 1, 6, 12, tzinfo=UTC)
TODAY = date(2026, 1, 6)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
ORGANIZATION = "o"
SENDING = Sending(ORGANIZATION, "token", "broadcast", "outbound", "Postmark", "u", "p", 1)
EVERY, AFTER = timedelta(minutes=15), timedelta(minutes=30)


def opened(message: str, ago: timedelta = timedelta(hours=1), **more: Any) -> dict[str, Any]:
    return {"MessageID": message, "Recipient": "a@example.com", "UserAgent": "Mail",
            "ReceivedAt": (NOW - ago).isoformat(), **more}  # fmt: skip


@dataclass
class Memory:
    """A Heard that remembers what it was told."""

    audits: list[Audit] = field(default_factory=list)
    batches: list[BatchAudit] = field(default_factory=list)
    counted: dict[tuple[str, date], int] = field(default_factory=dict)
    looked: list[Count] = field(default_factory=list)
    keys: set[bytes] = field(default_factory=set)
    messages: set[str] = field(default_factory=set)
    events: dict[str, dict[str, int]] = field(default_factory=dict)
    finished: list[tuple[timedelta, dict[str, int]]] = field(default_factory=list)
    postponed: list[tuple[timedelta, str]] = field(default_factory=list)
    kept: list[tuple[BatchAudit, timedelta | None, dict[str, int]]] = field(default_factory=list)
    every_message: bool = False
    ways: list[Route] = field(default_factory=list)

    def routes(self, organization_id: str) -> Sequence[Route]:
        return self.ways

    def now(self) -> datetime:
        return NOW

    def take(self) -> Audit | None:
        return self.audits.pop() if self.audits else None

    def take_batch(self) -> BatchAudit | None:
        return self.batches.pop() if self.batches else None

    def counts(self, organization_id: str) -> Mapping[tuple[str, date], int]:
        return self.counted

    def looked_through(self, organization_id: str) -> Sequence[Count]:
        return self.looked

    def note_looked_through(self, organization_id: str, counts: Iterable[Count]) -> None:
        self.looked += counts

    def unheard(self, organization_id: str, keys: Collection[bytes]) -> set[bytes]:
        return set(keys) - self.keys

    def ours(self, organization_id: str, message_ids: Collection[str]) -> set[str]:
        return set(message_ids) & self.messages

    def recorded(
        self, organization_id: str, delivery_ids: Collection[str]
    ) -> Mapping[str, Mapping[str, int]]:
        return {each: self.events.get(each, {}) for each in delivery_ids}

    def watch_batches(self, organization_id: str, before: datetime) -> None:
        assert before == NOW - AFTER

    def watch_every_message(self, organization_id: str) -> None:
        self.every_message = True

    def finish(self, audit: Audit, again: timedelta, found: Mapping[str, int]) -> None:
        self.finished.append((again, dict(found)))

    def postpone(self, audit: Audit, delay: timedelta, problem: str) -> None:
        self.postponed.append((delay, problem))

    def keep_batch(
        self, batch: BatchAudit, again: timedelta | None, found: Mapping[str, int]
    ) -> None:
        self.kept.append((batch, again, dict(found)))


@dataclass
class Provider:
    """A MailHistory with everything in lists; `asked` counts questions by name."""

    days: dict[str, dict[date, int]] = field(default_factory=dict)
    read: dict[str, list[Record]] = field(default_factory=dict)
    bounced: list[Record] = field(default_factory=list)
    suppressed: list[Record] = field(default_factory=list)
    sent: list[Record] = field(default_factory=list)
    detailed: dict[str, Record] = field(default_factory=dict)
    error: Exception | None = None
    asked: list[str] = field(default_factory=list)

    def _ask(self, name: str) -> None:
        self.asked.append(name)
        if self.error:
            raise self.error

    def daily(self, sending: Sending, kind: str, first: date) -> Mapping[date, int]:
        self._ask("daily")
        return self.days.get(kind, {})

    def reads(self, sending: Sending, kind: str, offset: int) -> Page:
        self._ask("reads")
        found = self.read.get(kind, [])
        return Page(len(found), found[offset : offset + 500])

    def reads_of(self, sending: Sending, kind: str, message_id: str) -> Sequence[Record]:
        self._ask("reads_of")
        return [r for r in self.read.get(kind, []) if r["MessageID"] == message_id]

    def bounces(self, sending: Sending, first: date, offset: int) -> Page:
        self._ask("bounces")
        return Page(len(self.bounced), self.bounced[offset : offset + 500])

    def bounces_of(self, sending: Sending, message_id: str) -> Sequence[Record]:
        self._ask("bounces_of")
        return [b for b in self.bounced if b["MessageID"] == message_id]

    def suppressions(
        self, sending: Sending, stream: str, first: date, recipient: str | None = None
    ) -> Sequence[Record]:
        self._ask("suppressions")
        return self.suppressed if stream == "broadcast" else []

    def batch(self, sending: Sending, stream: str, batch_id: str, offset: int) -> Page:
        self._ask("batch")
        return Page(len(self.sent), self.sent[offset : offset + 2])

    def messages_to(self, sending: Sending, stream: str, recipient: str) -> Sequence[Record]:
        self._ask("messages_to")
        return self.sent

    def details(self, sending: Sending, message_id: str) -> Record | None:
        self._ask("details")
        return self.detailed.get(message_id)


class Door:
    """An Intake that keeps what it was given."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.error: Exception | None = None

    def put_back(self, organization_id: str, bodies: Sequence[bytes]) -> None:
        if self.error:
            raise self.error
        assert organization_id == ORGANIZATION
        self.bodies += map(json.loads, bodies)


class Servers:
    """A MailHistory of several servers, by their tokens."""

    def __init__(self, **servers: Provider) -> None:
        self._servers = servers

    def __getattr__(self, name: str) -> Any:
        def ask(sending: Sending, *more: Any) -> Any:
            return getattr(self._servers[sending.server_token], name)(sending, *more)

        return ask


class Known:
    """Senders of one organization, or of none; `earlier` are connections that were replaced."""

    def __init__(self, sending: Sending | None = SENDING, **earlier: int) -> None:
        self._sending = sending
        self._earlier = {number: token for token, number in earlier.items()}

    def sending(self, organization_id: str) -> Sending | None:
        return self._sending

    def sent_by(self, organization_id: str, route: Route) -> Sending | None:
        token = self._earlier.get(route.connection)
        if self._sending is None or token is None:
            return None
        return replace(
            self._sending, server_token=token, stream=route.stream, connection=route.connection
        )


@dataclass
class Healing:
    """A healer and everything around it."""

    heard: Memory = field(default_factory=Memory)
    provider: Provider = field(default_factory=Provider)
    door: Door = field(default_factory=Door)
    senders: Known = field(default_factory=Known)
    servers: Servers | None = None

    def compare(self, since: datetime = LONG_AGO, failures: int = 0) -> None:
        self.heard.audits.append(Audit(ORGANIZATION, since, failures))
        assert self.step()

    def step(self) -> bool:
        history = cast("MailHistory", self.servers or self.provider)
        return Healer(self.heard, self.senders, history, self.door, EVERY, AFTER).step()

    def with_an_earlier_server(self) -> Provider:
        """Connection 3 replaced connection 2; mails went through both. The earlier server."""
        earlier = Provider()
        self.servers = Servers(token=self.provider, before=earlier)
        self.senders = Known(replace(SENDING, connection=3), before=2)
        self.heard.ways = [Route(3, "broadcast"), Route(2, "old-broadcast"), Route(2, "outbound")]
        return earlier

    def look_up(self, **changes: Any) -> tuple[BatchAudit, timedelta | None, dict[str, int]]:
        batch = BatchAudit("b", ORGANIZATION, LONG_AGO, "broadcast", False, 0, 0, 0, 0)
        self.heard.batches.append(batch._replace(**changes))
        assert self.step()
        return self.heard.kept[-1]


@pytest.fixture
def healing() -> Healing:
    return Healing()


def test_nothing_due_is_nothing_done(healing: Healing) -> None:
    assert not healing.step()
    assert healing.provider.asked == []


def test_equal_counts_cost_a_handful_of_questions(healing: Healing) -> None:
    healing.provider.days = {"Open": {TODAY: 3}}
    healing.heard.counted = {("Open", TODAY): 3}

    healing.compare()

    assert healing.provider.asked == ["daily", "daily", "bounces", "suppressions", "suppressions"]
    assert healing.heard.finished == [(EVERY, {})]
    assert healing.door.bodies == []


def test_a_day_that_differs_is_listed_and_only_what_is_missing_is_put_back(
    healing: Healing,
) -> None:
    mine, heard, foreign = opened("m"), opened("m", timedelta(hours=2)), opened("theirs")
    healing.provider.days, healing.provider.read = (
        {"Open": {TODAY: 3}},
        {"Open": [mine, heard, foreign]},
    )
    healing.heard.messages = {"m"}
    healing.heard.keys = {understand(json.dumps({**heard, "RecordType": "Open"}).encode(), NOW).key}

    healing.compare()

    assert healing.door.bodies == [{**mine, "RecordType": "Open"}]
    assert healing.heard.finished == [(EVERY, {"Open": 1})]
    assert healing.heard.looked == [Count("Open", TODAY, 3, 0)]


def test_a_day_that_never_agrees_is_listed_once(healing: Healing) -> None:
    healing.provider.days = {"Click": {TODAY: 3}}

    healing.compare()
    healing.compare()

    assert healing.provider.asked.count("reads") == 1


def test_what_may_still_be_on_its_way_is_left_alone_and_looked_at_again(healing: Healing) -> None:
    healing.provider.days = {"Open": {TODAY: 1}}
    healing.provider.read = {"Open": [opened("m", AFTER / 2)]}
    healing.heard.messages = {"m"}

    healing.compare()

    assert healing.door.bodies == []
    assert healing.heard.looked == []


def test_what_happened_before_we_could_hear_is_not_ours_to_heal(healing: Healing) -> None:
    healing.provider.days = {"Open": {TODAY: 1}}
    healing.provider.read = {"Open": [opened("m")]}
    healing.heard.messages = {"m"}

    healing.compare(since=NOW - timedelta(minutes=59))

    assert healing.door.bodies == []


def test_a_list_that_ends_too_early_has_every_message_looked_up(healing: Healing) -> None:
    healing.provider.days = {"Open": {TODAY: SEARCHABLE + 1}}
    healing.provider.read = {"Open": [opened("theirs")] * (SEARCHABLE + 1)}

    healing.compare()

    assert healing.heard.every_message
    assert healing.provider.asked.count("reads") == SEARCHABLE / 500


def test_a_list_is_read_no_further_than_the_day_that_differs(healing: Healing) -> None:
    healing.provider.days = {"Open": {TODAY: 1}}
    older = [opened("theirs", timedelta(days=2))] * 2_000
    healing.provider.read = {"Open": [opened("m"), *older]}

    healing.compare()

    assert healing.provider.asked.count("reads") == 1


def test_bounces_and_complaints_that_never_came_are_put_back_as_what_they_are(
    healing: Healing,
) -> None:
    at = (NOW - timedelta(hours=1)).isoformat()
    healing.provider.bounced = [
        {"ID": n, "Type": kind, "MessageID": "m", "Email": "a@example.com", "BouncedAt": at}
        for n, kind in enumerate(("HardBounce", "SpamComplaint"))
    ]
    healing.heard.messages = {"m"}

    healing.compare()

    assert [body["RecordType"] for body in healing.door.bodies] == ["Bounce", "SpamComplaint"]


def left(at: str) -> dict[str, Any]:
    return {"EmailAddress": "a@example.com", "SuppressionReason": "ManualSuppression",
            "Origin": "Recipient", "CreatedAt": at}  # fmt: skip


def test_somebody_who_left_by_a_mail_is_put_back_with_that_mail(healing: Healing) -> None:
    at = (NOW - timedelta(hours=1)).isoformat()
    event = {"Type": "SubscriptionChanged", "Recipient": "a@example.com", "ReceivedAt": at,
             "Details": {"Origin": "Recipient", "SuppressSending": "True"}}  # fmt: skip
    healing.provider.suppressed = [left(at)]
    healing.provider.sent = [{"MessageID": "foreign"}, {"MessageID": "m"}]
    healing.provider.detailed = {
        "m": {"MessageID": "m", "MessageStream": "broadcast", "MessageEvents": [event]}
    }
    healing.heard.messages = {"m"}

    healing.compare()

    (body,) = healing.door.bodies
    assert (body["MessageID"], body["SuppressionReason"]) == ("m", "ManualSuppression")
    assert healing.provider.asked.count("details") == 1


def test_a_suppression_of_no_mail_of_ours_is_put_back_without_one(healing: Healing) -> None:
    healing.provider.suppressed = [left((NOW - timedelta(hours=1)).isoformat())]

    healing.compare()

    (body,) = healing.door.bodies
    assert (body["RecordType"], body["MessageID"]) == ("SubscriptionChange", None)


def message(number: int) -> dict[str, Any]:
    return {"MessageID": f"m{number}", "Metadata": {"delivery_id": str(uuid4())}}


def delivered(number: int, *types: str) -> Record:
    events = [
        {"Type": each, "Recipient": "a@example.com", "ReceivedAt": "2026-01-06T10:00:00Z"}
        for each in types
    ]
    return {"MessageID": f"m{number}", "MessageStream": "broadcast", "MessageEvents": events}


def test_only_messages_that_are_not_known_to_be_delivered_are_looked_up(healing: Healing) -> None:
    sent = [message(0), message(1)]
    healing.provider.sent = list(sent)
    healing.provider.detailed = {"m1": delivered(1, "Delivered")}
    healing.heard.events = {sent[0]["Metadata"]["delivery_id"]: {"Delivered": 1}}
    healing.heard.messages = {"m0", "m1"}

    batch, again, found = healing.look_up()

    assert healing.provider.asked == ["batch", "details"]
    assert [body["MessageID"] for body in healing.door.bodies] == ["m1"]
    assert (again, found, batch.looks) == (None, {"Delivery": 1}, 1)


def test_a_batch_is_looked_up_in_parts_and_goes_on_where_it_stood(healing: Healing) -> None:
    healing.provider.sent = [message(n) for n in range(5)]

    first, again, _ = healing.look_up()
    assert (first.reached, first.silent, again) == (2, 2, timedelta())
    second, again, _ = healing.look_up(reached=first.reached, silent=first.silent)
    assert (second.reached, again) == (4, timedelta())
    last, again, _ = healing.look_up(reached=second.reached, silent=second.silent)

    assert (last.reached, last.silent, last.looks) == (0, 0, 1)
    assert again == AFTER
    assert healing.provider.asked.count("details") == 5


def test_a_batch_looked_through_wholly_fetches_what_single_messages_lack(healing: Healing) -> None:
    sent = message(0)
    healing.provider.sent = [sent]
    healing.provider.detailed = {"m0": delivered(0, "Delivered", "Opened", "Bounced")}
    healing.provider.read = {"Open": [opened("m0")]}
    healing.heard.events = {sent["Metadata"]["delivery_id"]: {"Delivered": 1}}
    healing.heard.messages = {"m0"}

    batch, again, found = healing.look_up(every_message=True)

    assert healing.provider.asked == ["batch", "details", "bounces_of", "reads_of"]
    assert found["Open"] == 1
    assert (batch.every_message, again) == (False, None)


def test_messages_without_our_ids_are_not_ours(healing: Healing) -> None:
    healing.provider.sent = [{"MessageID": "x", "Metadata": None}, {"MessageID": "y"}]

    _, again, _ = healing.look_up()

    assert (healing.provider.asked, again) == (["batch"], None)


@pytest.mark.parametrize(
    "error", [ProviderAwayError("HTTP 500"), ProviderRefusedError("postmark_10", "bad token")]
)
@pytest.mark.parametrize(
    ("failures", "pause"), [(0, FIRST_PAUSE), (1, 2 * FIRST_PAUSE), (40, LONGEST_PAUSE)]
)
def test_a_provider_that_does_not_answer_is_asked_less_and_less_often(
    healing: Healing, error: Exception, failures: int, pause: timedelta
) -> None:
    healing.provider.error = error

    healing.compare(failures=failures)
    batch, again, _ = healing.look_up(failures=failures, reached=4)

    assert healing.heard.postponed == [(pause, str(error))]
    assert (batch.failures, batch.reached, again) == (failures + 1, 4, pause)
    assert healing.heard.finished == []


def test_an_intake_that_is_away_loses_nothing(healing: Healing) -> None:
    healing.provider.days = {"Open": {TODAY: 1}}
    healing.provider.read = {"Open": [opened("m")]}
    healing.heard.messages = {"m"}
    healing.door.error = IntakeAwayError("no broker")

    healing.compare()
    assert healing.heard.postponed == [(FIRST_PAUSE, "no broker")]
    assert healing.heard.looked == []
    healing.door.error = None
    healing.compare(failures=1)

    assert len(healing.door.bodies) == 1


def test_an_organization_without_a_server_waits(healing: Healing) -> None:
    healing.senders = Known(None)

    healing.compare()

    assert healing.heard.postponed == [(FIRST_PAUSE, "The organization has no server.")]


# --- another server was connected ------------------------------------------------------------


def test_what_an_earlier_server_tells_is_counted_and_put_back_too(healing: Healing) -> None:
    earlier = healing.with_an_earlier_server()
    healing.provider.days = {"Open": {TODAY: 2}}
    earlier.days = {"Open": {TODAY: 1}}
    earlier.read = {"Open": [opened("m")]}
    earlier.bounced = [{"ID": 1, "Type": "HardBounce", "MessageID": "m", "Email": "a@example.com",
                        "BouncedAt": (NOW - timedelta(hours=1)).isoformat()}]  # fmt: skip
    healing.heard.counted = {("Open", TODAY): 2}
    healing.heard.messages = {"m"}

    healing.compare()

    assert {body["RecordType"] for body in healing.door.bodies} == {"Open", "Bounce"}
    assert Count("Open", TODAY, 3, 2) in healing.heard.looked
    assert Count("Bounce", date(2025, 11, 22), 1, 0) in healing.heard.looked
    assert earlier.asked.count("suppressions") == 2


def test_an_earlier_server_that_is_closed_to_us_is_left_out(healing: Healing) -> None:
    earlier = healing.with_an_earlier_server()
    earlier.error = ProviderRefusedError("http_401", "no such server")
    healing.provider.days = {"Open": {TODAY: 1}}
    healing.provider.read = {"Open": [opened("m")]}
    healing.heard.messages = {"m"}

    healing.compare()

    assert earlier.asked == ["daily"]
    assert healing.heard.finished == [(EVERY, {"Open": 1})]


def test_an_earlier_server_that_is_away_is_asked_again_with_the_others(healing: Healing) -> None:
    healing.with_an_earlier_server().error = ProviderAwayError("HTTP 500")

    healing.compare()

    assert healing.heard.postponed == [(FIRST_PAUSE, "HTTP 500")]


def test_one_server_of_two_connections_is_counted_once(healing: Healing) -> None:
    healing.with_an_earlier_server()
    healing.senders = Known(replace(SENDING, connection=3), token=2)
    healing.provider.days = {"Open": {TODAY: 3}}
    healing.heard.counted = {("Open", TODAY): 3}

    healing.compare()

    assert "reads" not in healing.provider.asked
    assert healing.provider.asked.count("suppressions") == 3


def test_a_batch_is_looked_up_at_the_server_it_went_through(healing: Healing) -> None:
    earlier = healing.with_an_earlier_server()
    earlier.sent = [{"MessageID": "m", "Metadata": {"delivery_id": str(uuid4())}}]
    earlier.detailed = {
        "m": {"MessageID": "m", "MessageEvents": [
            {"Type": "Delivered", "Recipient": "a@example.com",
             "ReceivedAt": (NOW - timedelta(hours=1)).isoformat()}]}
    }  # fmt: skip
    healing.heard.messages = {"m"}

    _, again, found = healing.look_up(connection=2)

    assert (again, found) == (None, {"Delivery": 1})
    assert healing.provider.asked == []


@pytest.mark.parametrize(
    ("connection", "failures", "ends"), [(2, LOOKS, True), (2, LOOKS - 1, False), (3, LOOKS, False)]
)
def test_a_batch_of_an_earlier_server_that_stays_closed_is_left_alone(
    healing: Healing, connection: int, failures: int, ends: bool
) -> None:
    refused = ProviderRefusedError("http_401", "no such server")
    healing.with_an_earlier_server().error = healing.provider.error = refused

    _, again, _ = healing.look_up(connection=connection, failures=failures)

    assert (again is None) == ends
