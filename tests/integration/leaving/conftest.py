"""Two organizations with everything, one of which leaves."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import pytest
from clickhouse_connect.driver.client import Client

from infra.leaving.checking import in_postgres
from projections.clickhouse.connect import connect
from streams.recognition.offline import OfflineRecognizer
from tests.conftest import fresh_database
from tests.support.api import Api, running_api
from tests.support.isolation.belongings import Belongings
from tests.support.isolation.occupants import Occupant, analyse, furnish
from tests.support.services import Services
from tests.support.story import Story


@dataclass(frozen=True)
class House:
    """Two occupants of one database."""

    api: Api
    story: Story
    staying: Occupant
    leaving: Occupant
    analytics: str
    """The name of its database in ClickHouse."""

    def left(self, occupant: Occupant) -> dict[str, int]:
        """Place in Postgres -> how much this occupant has there; empty ones are left out."""
        with self.api.worker.pool.connection() as connection:
            found = in_postgres(connection, occupant.tenant.organization_id)
        return {place: count for place, count in found.items() if count}

    def events(self, occupant: Occupant) -> int:
        """How many events the log has of this occupant."""
        query = "SELECT count(*) FROM log.events WHERE organization_id = %s"
        count = Belongings(self.api, occupant).query(query, occupant.tenant.organization_id)
        return int(count[0][0])

    def clickhouse(self) -> AbstractContextManager[Client]:
        """A client of the house's own database in ClickHouse."""
        at = self.api.core.addresses
        login = at.clickhouse_url, at.clickhouse_username, at.clickhouse_password
        return connect(*login, database=self.analytics)

    def analyse(self) -> None:
        """What is new in the log written to ClickHouse."""
        analyse(self.api, self.story, self.analytics)


@dataclass(frozen=True)
class Deletion:
    """What the deletion answered, and what there was before and after."""

    document: dict[str, Any]
    before: dict[str, int]
    events_before: int
    refused: dict[str, int]
    refusals_left: dict[str, int]
    others_before: dict[str, str]
    others_after: dict[str, str]


Ask = Callable[[str], Any]


@pytest.fixture(scope="module")
def house(stack: Services, offline: OfflineRecognizer) -> Iterator[House]:
    with fresh_database(stack) as database, running_api(stack, database) as api:
        story = Story(api)
        leaving = furnish(story, offline, "swallow")
        staying = furnish(story, offline, "sparrow")
        made = House(api, story, staying, leaving, f"leaving_{uuid.uuid4().hex}")
        made.analyse()
        yield made
        with made.clickhouse() as client:
            client.command(f"DROP DATABASE {made.analytics} SYNC")
        story.close()


@pytest.fixture(scope="module")
def ask_to_delete(house: House) -> Ask:
    """Ask for the deletion with a query."""

    def ask(query: str) -> Any:
        key = house.leaving.tenant.api_key
        return house.api.request("DELETE", f"/v1/organization{query}", key=key)

    return ask


@pytest.fixture(scope="module")
def deletion(house: House, ask_to_delete: Ask) -> Deletion:
    """The leaving one is deleted, after it was asked wrongly in every way."""
    others, identity = Belongings(house.api, house.staying), house.leaving.tenant.organization_id
    before, events = house.left(house.leaving), house.events(house.leaving)
    refused = {
        query: ask_to_delete(query).status_code
        for query in (
            "", "?confirm=", "?confirm=yes", f"?confirm={uuid.uuid4()}",
            f"?confirm={house.staying.tenant.organization_id}",
        )
    }  # fmt: skip
    refusals_left, others_before = house.left(house.leaving), others.state
    answer = ask_to_delete(f"?confirm={identity}")
    assert answer.status_code == 200, answer.text
    return Deletion(
        answer.json(), before, events, refused, refusals_left, others_before, others.state
    )
