"""Who says no is heard at the address that got the mail, and wherever the contact moved since."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from domain.contact.aggregate import Contact
from domain.contact.handlers import delete_contact
from domain.contact.unsubscribe import make_token
from tests.integration.reactions.conftest import World
from tests.integration.reactions.test_unsubscribe import ANN, Mailed, mailed
from tests.integration.reactions.test_webhooks import Sent
from tests.integration.reactions.webhook_bodies import body
from tests.support.moving import move

__all__ = ["mailed"]
ELSEWHERE = "ann@elsewhere.example"
FREE = "nobody@example.com"
NO: dict[str, tuple[str, dict[str, Any]]] = {
    "unsubscribed": ("SubscriptionChange", {
        "SuppressSending": True, "Origin": "Recipient", "SuppressionReason": "ManualSuppression",
    }),
    "complained": ("SpamComplaint", {"ID": 7, "Type": "SpamComplaint"}),
    "hard_bounced": ("Bounce", {"ID": 7, "Type": "HardBounce", "Inactive": True}),
}  # fmt: skip


def moved(world: World, contact: str, email: str) -> None:
    move(world.commands, world.hash, contact, email, world.meta())


def standing(world: World, email: str) -> tuple[str | None, str | None]:
    """Whose the address is, and what stands against it."""
    query = "SELECT contact_id, suppression FROM log.mailable WHERE address_hmac = %s"
    found = world.rows(query, world.address(email))
    return found[0] if found else (None, None)


def said_of(world: World, email: str) -> list[str]:
    """Whether the log says what stands against the address: types of events by which it stands."""
    query = """
        SELECT e.type FROM log.mailable m JOIN log.events e USING (position)
        WHERE m.address_hmac = %s
    """
    return [kind for (kind,) in world.rows(query, world.address(email))]


# --- by the link -----------------------------------------------------------------------------


async def test_the_address_that_got_the_mail_is_silenced_also_when_it_is_anothers_now(
    mailed: Mailed,
) -> None:
    world = mailed.world
    (other,) = world.contacts(1, name="other")
    moved(world, mailed.contact, ELSEWHERE)
    moved(world, other, ANN)

    assert (await mailed.client.post(mailed.link)).status_code == 200

    assert standing(world, ANN) == (other, "unsubscribed")
    assert standing(world, ELSEWHERE) == (mailed.contact, "unsubscribed")
    assert world.types(other)[-1] == "AddressSuppressed"
    assert world.types(mailed.delivery)[-1] == "SubscriptionChanged"


async def test_an_address_that_is_nobodys_any_more_is_silenced_for_whoever_gets_it(
    mailed: Mailed,
) -> None:
    world = mailed.world
    moved(world, mailed.contact, ELSEWHERE)

    for _ in range(2):
        assert (await mailed.client.post(mailed.link)).status_code == 200

    assert standing(world, ANN) == (None, "unsubscribed")
    assert said_of(world, ANN) == ["AddressSuppressed"]
    assert world.types(mailed.delivery).count("SubscriptionChanged") == 1
    (late,) = world.contacts(1, name="late")
    moved(world, late, ANN)
    assert standing(world, ANN) == (late, "unsubscribed")


async def test_the_link_counts_for_its_address_also_when_the_contact_is_gone(
    mailed: Mailed,
) -> None:
    world = mailed.world
    moved(world, mailed.contact, ELSEWHERE)
    world.commands.run(
        world.organization,
        lambda tx: delete_contact(tx, tx.load(Contact, UUID(mailed.contact)), world.meta()),
    )

    assert (await mailed.client.post(mailed.link)).status_code == 200

    assert standing(world, ANN) == (None, "unsubscribed")
    assert standing(world, ELSEWHERE) == (None, "deleted")


async def test_a_link_that_does_not_say_its_address_counts_for_the_contact(mailed: Mailed) -> None:
    """As mails of earlier versions have it."""
    moved(mailed.world, mailed.contact, ELSEWHERE)
    link = f"/u/{make_token(mailed.secret, mailed.delivery)}"

    assert (await mailed.client.post(link)).status_code == 200

    assert standing(mailed.world, ELSEWHERE) == (mailed.contact, "unsubscribed")
    assert standing(mailed.world, ANN) == (None, None)


@pytest.mark.parametrize("first", ["move", "click"])
async def test_whether_the_click_or_the_move_came_first_makes_no_difference(
    mailed: Mailed, first: str
) -> None:
    world = mailed.world
    if first == "move":
        moved(world, mailed.contact, ELSEWHERE)
    await mailed.client.post(mailed.link)
    if first == "click":
        moved(world, mailed.contact, ELSEWHERE)

    assert standing(world, ANN) == (None, "unsubscribed")
    assert standing(world, ELSEWHERE) == (mailed.contact, "unsubscribed")


# --- by a webhook ----------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["move", "webhook"])
@pytest.mark.parametrize(
    ("why", "follows"), [("unsubscribed", True), ("complained", True), ("hard_bounced", False)]
)
def test_a_no_of_the_person_follows_to_the_new_address_and_a_dead_mailbox_does_not(
    world: World, why: str, follows: bool, first: str
) -> None:
    sent = Sent(world)
    kind, more = NO[why]
    acts: list[Callable[[], None]] = [
        lambda: moved(world, sent.contact, ELSEWHERE),
        lambda: sent.post(sent.body(kind, **more)),
    ]
    for act in acts if first == "move" else reversed(acts):
        act()

    assert standing(world, ANN) == (None, why)
    assert standing(world, ELSEWHERE) == (sent.contact, why if follows else None)


def test_a_webhook_that_comes_again_says_nothing_new_of_a_contact_that_came_back(
    world: World,
) -> None:
    sent = Sent(world)
    kind, more = NO["unsubscribed"]
    moved(world, sent.contact, ELSEWHERE)
    sent.post(sent.body(kind, **more))
    back = {"SuppressSending": False, "Origin": "Recipient", "ChangedAt": "2099-01-01T00:00:00Z"}
    sent.post(body("SubscriptionChange", ELSEWHERE, None, None, **back))
    assert standing(world, ELSEWHERE) == (sent.contact, None)

    sent.post(sent.body(kind, **more))

    assert standing(world, ANN) == (None, "unsubscribed")
    assert standing(world, ELSEWHERE) == (sent.contact, None)


def test_a_no_about_one_contacts_mail_silences_nobody_elses_new_address(world: World) -> None:
    sent = Sent(world)
    (other,) = world.contacts(1, name="other")
    moved(world, other, FREE)
    kind, more = NO["complained"]

    sent.post(sent.body(kind, **more), sent.body("Delivery", MessageID=str(uuid4())))

    assert standing(world, FREE) == (other, None)
    assert standing(world, ANN) == (sent.contact, "complained")
