"""A story told once and relayed to Kafka, for replays that only read it."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import pytest

from tests.conftest import fresh_database
from tests.support.installation import Installation, installed
from tests.support.services import Services


@pytest.fixture(scope="module")
def told(stack: Services) -> Iterator[Installation]:
    prefix = f"t{uuid.uuid4().hex[:10]}-"
    with fresh_database(stack) as database, installed(stack, database, prefix) as made:
        story = made.story
        story.contacts("good", 40)
        story.contacts("no_consent", 5, consent="unknown")
        conversation = story.conversation()
        turn, said = story.say(conversation, "Win back Vienna", "create_campaign")
        campaign = story.drafted((conversation, turn, said))
        story.mark("drafted")
        story.approve(campaign)
        story.send(campaign, lambda _: "accepted")
        story.webhook("Delivery", campaign, story.people["good"][:10])
        story.api.new_tenant()
        made.relayed()
        yield made
