"""People leave and return while several processes claim: no claim lies above an unsubscribe."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID, uuid4

import pytest

from api.ports import Unsubscription
from domain.contact.aggregate import Contact
from domain.contact.handlers import delete_contact, erase_contact, save
from domain.contact.values import Consent
from infra.effects import Effects
from infra.ledger.unsubscribing import LedgerUnsubscriptions
from infra.transactions import PostgresTransaction
from schemas.codec import Event
from streams.effects.ports import Ledger
from tests.support.ledger_truth import ledger_differences
from tests.support.sending import BROADCAST, Tenant, World
from tests.support.truth import claims_of_the_silent, decoded, read_log

PEOPLE, CLAIMERS, LEAVERS = 120, 3, 3


def leave(world: World, tenant: Tenant, contact: str, tx: PostgresTransaction) -> None:
    """By the link of one of the person's mails, which may be on its way to be claimed."""
    query = "SELECT delivery_id FROM state.sends WHERE contact_id = %s ORDER BY 1 LIMIT 1"
    ((delivery,),) = tx.connection.execute(query, (contact,)).fetchall()
    said = Unsubscription(UUID(contact), UUID(delivery), None)
    LedgerUnsubscriptions(uuid4).record(tx, said, world.meta(tenant.id))


def come_back(world: World, tenant: Tenant, contact: str, tx: PostgresTransaction) -> None:
    person = tx.load(Contact, UUID(contact))
    tx.mailable.take([person.address_hmac])
    if person.reactivate("webhook", world.meta(tenant.id), by_the_person=True):
        save(tx, person)


def withdraw(world: World, tenant: Tenant, contact: str, tx: PostgresTransaction) -> None:
    person = tx.load(Contact, UUID(contact))
    tx.mailable.take([person.address_hmac])
    if person.record_consent(Consent("withdrawn", "by mail", None), world.meta(tenant.id)):
        save(tx, person)


def disappear(world: World, tenant: Tenant, contact: str, tx: PostgresTransaction) -> None:
    delete_contact(tx, tx.load(Contact, UUID(contact)), world.meta(tenant.id))


def be_erased(world: World, tenant: Tenant, contact: str, tx: PostgresTransaction) -> None:
    erase_contact(tx, tx.load(Contact, UUID(contact)), [], world.meta(tenant.id))
    world.core.keys.destroy(tx.connection, [contact])


STORIES = (
    (), (leave,), (withdraw,), (disappear,), (leave, come_back), (leave, come_back, leave),
    (withdraw, leave, come_back), (be_erased,), (disappear, be_erased),
)  # fmt: skip
"""What a person may do, in this order, at any moment of the sending."""


def claim_all(ledger: Ledger, rng: random.Random) -> None:
    """Claim in batches of random sizes until nothing is left to claim."""
    while lanes := ledger.waiting():
        for lane in lanes:
            ledger.claim(lane, BROADCAST, rng.randint(1, 7))


def live(world: World, tenant: Tenant, people: Sequence[str], rng: random.Random) -> None:
    """Everybody's story, interleaved."""
    left = {person: list(rng.choice(STORIES)) for person in people}
    while waiting := [person for person, acts in left.items() if acts]:
        person = rng.choice(waiting)
        world.run(tenant.id, partial(left[person].pop(0), world, tenant, person))


def at_once(*work: Callable[[], None]) -> None:
    """Run all of it in threads; raise the first failure."""
    failures: list[BaseException] = []

    def guarded(each: Callable[[], None]) -> None:
        try:
            each()
        except BaseException as error:  # noqa: BLE001 - told to the test
            failures.append(error)

    threads = [threading.Thread(target=guarded, args=(each,), daemon=True) for each in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads), "somebody waits for ever"
    assert not failures, failures


@pytest.mark.parametrize("seed", range(4))
def test_no_claims_position_lies_above_the_unsubscribe_of_its_contact(
    world: World, seed: int
) -> None:
    rng = random.Random(seed)
    tenant = world.tenant()
    contacts = world.contacts(tenant, PEOPLE)
    campaigns = [world.campaign(tenant), world.campaign(tenant)]
    for campaign in campaigns:
        world.intend(tenant, campaign, rng.sample(contacts, PEOPLE))
    ledger = Effects.of(world.core).sender.ledger
    parts = [contacts[n::LEAVERS] for n in range(LEAVERS)]

    at_once(
        *(partial(claim_all, ledger, random.Random(seed * 10 + n)) for n in range(CLAIMERS)),
        *(partial(live, world, tenant, part, random.Random(seed * 10 + n + 5))
          for n, part in enumerate(parts)),
    )  # fmt: skip

    events = all_events(world)
    assert claims_of_the_silent(events) == []
    with world.core.pool.connection() as connection:
        assert ledger_differences(connection, events) == []
    told = Counter(event.type for event in events)
    assert told["DeliveryClaimed"] + told["DeliveryWithheld"] == 2 * PEOPLE
    assert min(told["DeliveryWithheld"], claimed_before_leaving(events)) > 0
    assert unfounded_proofs(events) == []
    withheld = [e.data["reason"] for e in events if e.type == "DeliveryWithheld"]
    assert "erased" in withheld


def test_a_ledger_row_that_is_not_its_history_is_noticed(world: World) -> None:
    tenant = world.tenant()
    contacts = world.contacts(tenant, 3)
    campaign = world.campaign(tenant)
    world.intend(tenant, campaign, contacts)
    claim_all(Effects.of(world.core).sender.ledger, random.Random(1))
    events = all_events(world)
    lost, altered, kept = (row[0] for row in world.query("SELECT delivery_id FROM state.sends"))

    def problems() -> dict[str, str]:
        with world.core.pool.connection() as connection:
            return {d.key: d.problem for d in ledger_differences(connection, events)}

    assert problems() == {}
    world.query("DELETE FROM state.sends WHERE delivery_id = %s RETURNING 1", lost)
    world.query(
        "UPDATE state.sends SET state = 'accepted' WHERE delivery_id = %s RETURNING 1", altered
    )
    assert problems() == {lost: "is missing", altered: "state is 'accepted', not 'claimed'"}
    assert kept not in problems()


def all_events(world: World) -> list[Event]:
    with world.core.pool.connection() as connection:
        return decoded(world.core.codec, read_log(connection), world.core.keys)


def claimed_before_leaving(events: Sequence[Event]) -> int:
    """How many people left only after a claim: without any, nothing was put to the test."""
    claimed: set[str] = set()
    late = 0
    for event in events:
        if event.type == "DeliveryClaimed":
            claimed.add(event.data["contact_id"])
        late += event.type == "AddressSuppressed" and event.stream_id in claimed
    return late


def unfounded_proofs(events: Sequence[Event]) -> list[Event]:
    """Deliveries whose proof is not the last word on their contact at that moment."""
    last: dict[str, int] = {}
    found = []
    for event in events:
        if event.topic == "contact-events":
            last[event.stream_id] = event.position
        elif event.type in ("DeliveryWithheld", "DeliveryClaimed"):
            gone = event.data.get("reason") == "deleted"
            known = 0 if gone else last[event.data["contact_id"]]
            if event.data["proof_position"] != known:
                found.append(event)
    return found
