"""Two organizations in one database, furnished once for all tests that swap between them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pytest
from fastapi import FastAPI

from streams.recognition.offline import OfflineRecognizer
from tests.conftest import fresh_database
from tests.support.api import Api, running_api
from tests.support.auditing import sign_everything
from tests.support.isolation.occupants import Occupant, analyse, furnish
from tests.support.isolation.swaps import Swaps
from tests.support.services import Services
from tests.support.story import Story


@dataclass(frozen=True)
class House:
    """Two occupants and the API that both ask."""

    api: Api
    story: Story
    mine: Occupant
    theirs: Occupant

    @property
    def application(self) -> FastAPI:
        return cast("FastAPI", self.api.client.app)

    def swaps(self) -> Swaps:
        return Swaps(self.api, self.api.client, self.mine, self.theirs)


@pytest.fixture(scope="module")
def house(stack: Services, offline: OfflineRecognizer) -> Iterator[House]:
    with fresh_database(stack) as database, running_api(stack, database) as api:
        story = Story(api)
        theirs = furnish(story, offline, "kestrel")
        mine = furnish(story, offline, "plover")
        analyse(api, story)
        sign_everything(api)
        yield House(api, story, mine, theirs)
        story.close()
