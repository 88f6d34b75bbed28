"""The steps of looking back: every page of every server, and nothing kept that does not add up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

from domain.delivery.lookback import SEARCHABLE, Place
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Route, Sending
from streams.effects.sending.lookback import LookBack, Mark, Sent, SentPage

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
CAMPAIGN = str(uuid4())
PAGE = 2


def server(token: str, connection: int) -> Sending:
    return Sending("o", token, "broadcast", "outbound", None, "u", "p", connection, connection)


def messages(count: int) -> list[Sent]:
    return [Sent(str(uuid4()), str(uuid4()), str(uuid4()), NOW) for _ in range(count)]


@dataclass
class Store:
    """One marked campaign; what was kept, postponed and refused."""

    place: Place | None = field(default_factory=Place)
    since: datetime = NOW
    found: list[tuple[Route, Sent]] = field(default_factory=list)
    waits: list[tuple[str, str]] = field(default_factory=list)

    def due(self) -> Mark | None:
        if self.place is None:
            return None
        return Mark(CAMPAIGN, "o", self.since, self.place, NOW)

    def keep(self, mark: Mark, route: Route, sent: Sequence[Sent], onward: Place | None) -> None:
        assert mark.place == self.place
        self.found += [(route, each) for each in sent]
        self.place = onward

    def postpone(self, _mark: Mark, _delay: timedelta, problem: str) -> None:
        self.waits.append(("postponed", problem))

    def refuse(self, _mark: Mark, _delay: timedelta, problem: str) -> None:
        self.waits.append(("refused", problem))


@dataclass
class Provider:
    """Servers by token, each with what a search of it finds; `hidden` are counted, not listed."""

    servers: dict[str, list[Sent]]
    hidden: int = 0
    error: Exception | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    def since(self, _organization_id: str, _moment: datetime) -> Sequence[Sending]:
        return [server(token, number) for number, token in enumerate(self.servers, 1)]

    def sent(
        self, sending: Sending, _campaign_id: str, by: tuple[str, str], _first: date, offset: int
    ) -> SentPage:
        if self.error is not None:
            raise self.error
        self.asked.append((by[0], offset))
        known = self.servers[sending.server_token]
        if by[0] == "campaign_part":
            known = [each for each in known if by[1].endswith(f"-{each.delivery_id[:2]}")]
        page = known[offset : offset + PAGE]
        ids = [each.message_id for each in page]
        return SentPage(len(known) + self.hidden, ids, page)


def looked(store: Store, provider: Provider) -> Store:
    work = LookBack(store, provider, provider)
    while not store.waits and work.step():
        pass
    return store


def test_every_page_of_every_server_is_kept_with_its_way() -> None:
    old, new = messages(5), messages(3)

    store = looked(Store(), Provider({"old": old, "new": new}))

    assert store.place is None
    assert store.found == [
        *((Route(1, "broadcast"), each) for each in old),
        *((Route(2, "broadcast"), each) for each in new),
    ]


def test_a_large_campaign_is_read_in_parts() -> None:
    many = messages(SEARCHABLE + 1)

    provider = Provider({"one": many})
    store = looked(Store(), provider)

    assert store.place is None
    assert {each for _, each in store.found} == set(many)
    assert provider.asked[0] == ("campaign_id", 0)
    assert {field for field, _ in provider.asked[1:]} == {"campaign_part"}


def test_pages_that_do_not_add_up_are_not_believed() -> None:
    store = looked(Store(), Provider({"one": messages(4)}, hidden=1))

    assert (store.place, store.found) == (Place(), [])
    assert store.waits == [("postponed", "its search lists 4 of 5 messages")]


def test_while_the_provider_is_away_or_refuses_the_campaign_waits() -> None:
    for error in (ProviderAwayError("down"), ProviderRefusedError("http_401", "down")):
        store = looked(Store(), Provider({"one": []}, error=error))
        assert (store.place, store.waits) == (Place(), [("postponed", "down")])


def test_without_a_server_to_ask_the_campaign_waits() -> None:
    store = looked(Store(), Provider({}))
    assert store.waits == [("postponed", "no server is connected to ask")]


def test_what_the_provider_has_forgotten_is_for_a_person() -> None:
    provider = Provider({"one": []})
    store = looked(Store(since=NOW - timedelta(days=60)), provider)

    assert provider.asked == []
    assert [kind for kind, _ in store.waits] == ["refused"]
