"""An address that moves to another contact while a campaign is sent gets each e-mail once."""

from __future__ import annotations

import random
import re
from collections import Counter
from functools import partial
from uuid import UUID

import pytest

from domain.delivery.decisions import (
    Accepted,
    Ambiguous,
    BatchOutcome,
    Refused,
    Released,
    Returned,
    Verdict,
)
from domain.delivery.ids import delivery_id
from infra.database import MIGRATIONS
from infra.effects import Effects
from infra.ledger.deciding import LedgerDecisions
from infra.postgres import connect
from streams.effects.ports import Claim, Lane, Ledger
from tests.integration.sending.test_claims_and_unsubscribes import at_once, withdraw
from tests.support.moving import move
from tests.support.sending import BROADCAST, Tenant, World


class Two:
    """Two contacts of one campaign; what goes to the first one's address is claimed."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.tenant = world.tenant()
        self.first, self.second = world.contacts(self.tenant, 2)
        self.campaign = world.campaign(self.tenant)
        world.intend(self.tenant, self.campaign, [self.first])
        world.intend(self.tenant, self.campaign, [self.second])
        self.ledger: Ledger = Effects.of(world.core).sender.ledger
        self.lane = Lane(str(self.tenant.id), self.campaign, "campaign")

    def claim(self, limit: int = 10) -> Claim:
        return self.ledger.claim(self.lane, BROADCAST, limit)

    def record(self, claim: Claim, *verdicts: Verdict) -> None:
        self.ledger.record(claim, BatchOutcome(verdicts))

    def swap(self) -> None:
        """The first contact's address becomes the second one's."""
        shift(self.world, self.tenant, self.first, "first@elsewhere.com")
        shift(self.world, self.tenant, self.second, "p0@example.com")

    def state(self, contact: str) -> str:
        query = "SELECT state FROM state.sends WHERE delivery_id = %s"
        return str(self.world.query(query, delivery_id(self.campaign, 1, contact))[0][0])


def shift(world: World, tenant: Tenant, contact: str, email: str) -> None:
    move(world.core.commands, world.core.hasher, contact, email, world.meta(tenant.id))


@pytest.fixture
def two(world: World) -> Two:
    return Two(world)


def mailed(claim: Claim) -> list[str]:
    return [recipient.email for recipient in claim.recipients]


def test_the_second_contact_of_an_address_that_got_the_mail_is_left_out_with_the_proof(
    two: Two,
) -> None:
    claim = two.claim(1)
    assert mailed(claim) == ["p0@example.com"]
    two.record(claim, Accepted("m1"))
    two.swap()

    assert mailed(two.claim()) == []

    assert two.state(two.second) == "withheld"
    kind, data = two.world.events(delivery_id(two.campaign, 1, two.second))[-1]
    assert (kind, data["reason"]) == ("DeliveryWithheld", "cancelled")
    query = "SELECT stream_id, type FROM log.events WHERE position = %s"
    first = delivery_id(two.campaign, 1, two.first)
    assert two.world.query(query, data["proof_position"]) == [(first, "DeliveryAccepted")]


def test_what_was_sent_before_addresses_were_noted_counts_as_well(two: Two) -> None:
    two.record(two.claim(1), Accepted("m1"))
    file = MIGRATIONS / "versions" / "m0020_mailed_addresses.sql"
    noting = re.search(r"UPDATE state\.sends [^;]+;", file.read_text())
    assert noting is not None
    with connect(two.world.core.addresses.postgres_owner_url, autocommit=True) as owner:
        owner.execute("UPDATE state.sends SET address_hmac = NULL")
        owner.execute(noting[0].encode())
    two.swap()

    assert mailed(two.claim()) == []

    assert two.state(two.second) == "withheld"


def test_while_it_is_not_known_whether_the_address_got_it_the_second_one_waits(two: Two) -> None:
    claim = two.claim(1)
    two.swap()
    assert mailed(two.claim()) == []
    assert two.state(two.second) == "intended"

    two.record(claim, Ambiguous("no_outcome"))
    assert mailed(two.claim()) == []
    assert two.state(two.second) == "intended"

    two.record(claim, Accepted("m1"))
    assert mailed(two.claim()) == []
    assert two.state(two.second) == "withheld"


@pytest.mark.parametrize("verdict", [Returned("rate_limited"), Refused(300)])
def test_when_nothing_left_for_the_address_nobody_is_forgotten(two: Two, verdict: Verdict) -> None:
    claim = two.claim(1)
    two.swap()
    two.record(claim, verdict)

    gone = mailed(two.claim())

    assert "p0@example.com" in gone
    again = ["first@elsewhere.com"] if isinstance(verdict, Returned) else []
    assert sorted(gone) == sorted(["p0@example.com", *again])


def test_one_that_was_withheld_in_the_end_never_left_for_its_first_address(two: Two) -> None:
    two.record(two.claim(1), Returned("rate_limited"))
    two.world.run(two.tenant.id, lambda tx: withdraw(two.world, two.tenant, two.first, tx))
    two.swap()

    assert mailed(two.claim(1)) == []
    assert two.state(two.first) == "withheld"
    assert mailed(two.claim()) == ["p0@example.com"]


def test_a_held_one_may_have_left_until_a_person_says_that_it_did_not(two: Two) -> None:
    claim = two.claim(1)
    query = "UPDATE state.sends SET state = 'held' WHERE delivery_id = %s RETURNING 1"
    two.world.query(query, claim.recipients[0].delivery_id)
    meta = two.world.meta(two.tenant.id)
    two.world.run(
        two.tenant.id,
        lambda tx: LedgerDecisions().decide(
            tx, UUID(claim.recipients[0].delivery_id), Released(), meta
        ),
    )
    two.swap()

    assert sorted(mailed(two.claim())) == ["first@elsewhere.com", "p0@example.com"]


def test_the_next_e_mail_and_another_campaign_go_to_the_address(two: Two) -> None:
    claim = two.claim(1)
    two.record(claim, Accepted("m1"))
    query = "UPDATE state.sends SET step = 2 WHERE contact_id = %s RETURNING 1"
    two.world.query(query, two.second)
    two.swap()

    assert mailed(two.claim()) == ["p0@example.com"]

    other = two.world.campaign(two.tenant)
    two.world.intend(two.tenant, other, [two.second])
    lane = Lane(str(two.tenant.id), other, "campaign")
    assert mailed(two.ledger.claim(lane, BROADCAST, 5)) == ["p0@example.com"]


def test_a_test_mail_to_an_address_does_not_take_the_place_of_the_campaigns(two: Two) -> None:
    two.world.test_send(two.tenant, two.campaign, "p0@example.com")
    test = two.ledger.claim(Lane(str(two.tenant.id), two.campaign, "test"), BROADCAST, 1)
    two.record(test, Accepted("m0"))

    assert sorted(mailed(two.claim())) == ["p0@example.com", "p1@example.com"]


@pytest.mark.parametrize("seed", range(2))
def test_however_addresses_move_while_several_claim_none_is_claimed_twice(
    world: World, seed: int
) -> None:
    people = 40
    tenant = world.tenant()
    contacts = world.contacts(tenant, people)
    campaign = world.campaign(tenant)
    for part in range(4):
        world.intend(tenant, campaign, contacts[part::4])
    lane = Lane(str(tenant.id), campaign, "campaign")
    ledger = Effects.of(world.core).sender.ledger
    claimed: list[str] = []

    def claim(rng: random.Random) -> None:
        while lane in ledger.waiting():
            found = ledger.claim(lane, BROADCAST, rng.randint(1, 3))
            claimed.extend(mailed(found))
            verdicts = tuple(Accepted(f"m{r.delivery_id}") for r in found.recipients)
            ledger.record(found, BatchOutcome(verdicts))

    def shuffle(rng: random.Random) -> None:
        has = {contact: f"p{number}@example.com" for number, contact in enumerate(contacts)}
        free = "spare@example.com"
        for contact in rng.sample(contacts, people):
            shift(world, tenant, contact, free)
            has[contact], free = free, has[contact]

    at_once(
        *(partial(claim, random.Random(seed * 10 + n)) for n in range(2)),
        partial(shuffle, random.Random(seed * 10 + 5)),
    )

    assert {address for address, times in Counter(claimed).items() if times > 1} == set()
    assert world.states(campaign).keys() <= {"accepted", "withheld"}
