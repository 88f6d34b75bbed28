"""What was erased reads as erased, and everything else is still explained."""

from __future__ import annotations

from collections.abc import Iterator
from uuid import UUID

import pytest

from domain.conversation.values import Mention
from tests.conftest import Database
from tests.support.api import running_api
from tests.support.services import Services
from tests.support.story import Story, erase


@pytest.fixture
def story(stack: Services, database: Database) -> Iterator[Story]:
    with running_api(stack, database) as api:
        made = Story(api)
        yield made
        made.close()


def test_a_person_whose_key_is_gone_is_shown_as_erased(story: Story) -> None:
    (ada,), (ben,) = story.contacts("ada", 1), story.contacts("ben", 1, city="Graz")
    campaign = story.drafted()
    story.approve(campaign)
    story.send(campaign, lambda _: "accepted")
    position = story.position
    for contact in (ada, ben):
        erase(story, contact)

    then = story.api.get(f"/v1/contacts/{ada}", params={"as_of": position}).json()
    assert (then["erased"], then["email"], then["attributes"]) == (True, "", {})

    shown = story.api.get(f"/v1/deliveries/{story.delivery(campaign, ada)}/why").json()
    links = {link["link"]: link for link in shown["chain"]}
    (condition,) = links["audience"]["details"]["conditions"]
    assert (condition["known"], condition["met"], condition["erased"]) == (None, None, True)
    assert links["consent"]["details"]["erased"] is True
    assert links["consent"]["details"]["status"] == "granted"
    assert links["hand_over"]["event"] == "DeliveryAccepted"

    asked = {"contact_id": ben}
    reason = story.api.get(f"/v1/campaigns/{campaign}/why-not", params=asked).json()["reason"]
    assert reason["code"] == "not_in_audience"
    assert reason["details"]["erased"] is True


def test_an_organization_whose_key_is_gone_still_has_its_chain(story: Story) -> None:
    (ada,) = story.contacts("ada", 1)
    conversation = story.conversation()
    turn, said = story.say(conversation, "Win back Vienna", "create_campaign")
    campaign = story.drafted((conversation, turn, said))
    story.approve(campaign)
    story.send(campaign, lambda _: "accepted")
    erase(story, story.api.tenant.organization_id)

    shown = story.api.get(f"/v1/deliveries/{story.delivery(campaign, ada)}/why")

    assert shown.status_code == 200, shown.text
    links = {link["link"]: link for link in shown.json()["chain"]}
    assert (links["sentence"]["details"]["text"], links["sentence"]["details"]["erased"]) == (
        "", True,
    )  # fmt: skip
    assert links["audience"]["details"]["erased"] is True
    assert links["approval"]["details"]["approved_by"] == "key:rosa"
    position = story.position
    then = story.api.get(f"/v1/campaigns/{campaign}", params={"as_of": position})
    assert then.status_code == 200, then.text
    assert then.json()["erased"] is True


def test_a_mentioned_address_is_shown_as_long_as_it_is_known(story: Story) -> None:
    (ada,) = story.contacts("ada", 1)
    conversation = story.conversation()
    text = f"A mail for [[{ada}]] and the others"
    turn, said = story.say(conversation, text, "create_campaign", Mention(UUID(ada), None))
    campaign = story.drafted((conversation, turn, said))
    story.approve(campaign)
    path = f"/v1/deliveries/{story.delivery(campaign, ada)}/why"

    def sentence() -> str:
        return str(story.api.get(path).json()["chain"][0]["details"]["text"])

    assert sentence() == "A mail for ada-0@example.com and the others"
    assert story.api.request("DELETE", f"/v1/contacts/{ada}").status_code == 204
    assert sentence() == "A mail for [removed] and the others"
