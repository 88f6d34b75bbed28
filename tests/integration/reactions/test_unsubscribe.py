"""The link in a mail: looking changes nothing, posting unsubscribes, and no claim comes after."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID, uuid4

import httpx
import pytest

from api.app import build_app
from domain.contact.unsubscribe import make_token
from infra.web import api_services
from projections.clickhouse.rows.deliveries import COLUMNS
from projections.clickhouse.rows.deliveries import row as analytics_row
from projections.postgres.views import deliveries
from tests.conftest import Database
from tests.integration.reactions.conftest import World
from tests.integration.reactions.test_webhook_door import core_of
from tests.support.services import Services

ANN = "c-0@example.com"


class Mailed:
    """One delivery to ANN, and a client of the API."""

    def __init__(self, world: World, client: httpx.AsyncClient, secret: bytes) -> None:
        self.world, self.client, self.secret = world, client, secret
        (self.contact,) = world.contacts(1)
        self.campaign = world.approved()
        world.run()
        self.delivery = world.sends(self.campaign)[self.contact][0]
        self.link = f"/u/{make_token(secret, self.delivery, world.address(ANN))}"

    def standing(self) -> tuple[str | None, int]:
        query = "SELECT suppression, position FROM log.mailable WHERE contact_id = %s"
        suppression, position = self.world.rows(query, self.contact)[0]
        return suppression, position


@pytest.fixture
async def mailed(
    world: World, stack: Services, database: Database, tmp_path: Path
) -> AsyncIterator[Mailed]:
    core = core_of(stack, database, tmp_path, "", stack.kafka_bootstrap)
    app = build_app(api_services(core))
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://u") as client:
            yield Mailed(world, client, core.secret("unsubscribe"))


async def test_looking_at_the_page_changes_nothing(mailed: Mailed) -> None:
    answer = await mailed.client.get(mailed.link)

    assert answer.status_code == 200
    assert "<form" in answer.text
    assert "<script" not in answer.text
    assert mailed.standing()[0] is None


@pytest.mark.parametrize("data", [{"List-Unsubscribe": "One-Click"}, {}])
async def test_posting_unsubscribes_also_by_one_click(mailed: Mailed, data: dict[str, str]) -> None:
    answer = await mailed.client.post(mailed.link, data=data)

    assert answer.status_code == 200
    suppression, position = mailed.standing()
    assert suppression == "unsubscribed"
    query = "SELECT position FROM log.events WHERE type = 'AddressSuppressed' AND stream_id = %s"
    assert mailed.world.rows(query, mailed.contact) == [(position,)]


async def test_unsubscribing_twice_is_as_good_as_once(mailed: Mailed) -> None:
    for _ in range(2):
        assert (await mailed.client.post(mailed.link)).status_code == 200

    assert mailed.world.types(mailed.contact).count("AddressSuppressed") == 1


@pytest.mark.parametrize("state", ["accepted", "ambiguous", "held", "intended", "refused"])
async def test_the_delivery_whose_link_it_was_tells_of_it_once(mailed: Mailed, state: str) -> None:
    """As a webhook would; also when it is not known yet that it was sent."""
    mailed.world.sql.execute(
        "UPDATE state.sends SET state = %s WHERE delivery_id = %s", (state, mailed.delivery)
    )
    for _ in range(2):
        await mailed.client.post(mailed.link)

    told = mailed.world.types(mailed.delivery)[1:]
    assert told == ([] if state == "refused" else ["SubscriptionChanged"])
    row = "SELECT state, version FROM state.sends WHERE delivery_id = %s"
    assert mailed.world.rows(row, mailed.delivery) == [(state, 1 + len(told))]


async def test_an_unsubscribe_by_link_counts_in_both_stores(mailed: Mailed) -> None:
    await mailed.client.post(mailed.link)

    query = "SELECT bytes, position FROM log.events WHERE stream_id = %s ORDER BY version"
    stored = [(bytes(value), at) for value, at in mailed.world.rows(query, mailed.delivery)]
    row = None
    for event in mailed.world.commands.codec.decode_batch(stored, mailed.world.commands.keys):
        row = deliveries.VIEW.fold(row, event)
        counted = analytics_row(event)
    assert row is not None
    assert row.unsubscribed
    assert counted is not None
    assert counted[COLUMNS.index("event")] == "unsubscribed"
    assert counted[COLUMNS.index("campaign_id")] == mailed.campaign


async def test_links_that_are_none_of_ours_are_404(mailed: Mailed) -> None:
    forged = make_token(b"x" * 32, mailed.delivery)
    unknown = make_token(mailed.secret, str(uuid4()))
    for token in (forged, unknown, "x", "%00", "a" * 5000, forged + "A"):
        for method in ("GET", "POST"):
            assert (await mailed.client.request(method, f"/u/{token}")).status_code == 404
    assert mailed.standing()[0] is None


async def test_the_link_of_a_test_mail_is_404(mailed: Mailed) -> None:
    mailed.world.sql.execute("UPDATE state.sends SET kind = 'test'")

    assert (await mailed.client.get(mailed.link)).status_code == 404
    assert (await mailed.client.post(mailed.link)).status_code == 404


async def test_no_claim_has_a_position_above_the_unsubscribe(mailed: Mailed) -> None:
    """A sender that claims under a share lock as fast as it can, while the person unsubscribes."""
    stop, claims = threading.Event(), list[int]()

    def claim_on() -> None:
        while not stop.is_set():
            position = claim(mailed)
            if position:
                claims.append(position)

    senders = [threading.Thread(target=claim_on) for _ in range(2)]
    for sender in senders:
        sender.start()
    try:
        while len(claims) < 5:
            await mailed.client.get("/health/live")
        await mailed.client.post(mailed.link)
    finally:
        stop.set()
        for sender in senders:
            sender.join()

    suppression, position = mailed.standing()
    assert suppression == "unsubscribed"
    assert claims
    assert max(claims) < position


def claim(mailed: Mailed) -> int | None:
    """What a claim does to the table that decides: share lock, look, append."""
    from domain.organization.aggregate import Organization
    from infra.transactions import PostgresTransaction

    def decide(tx: PostgresTransaction) -> bool:
        row = tx.connection.execute(
            "SELECT suppression FROM log.mailable WHERE contact_id = %s FOR SHARE",
            (mailed.contact,),
        ).fetchone()
        if row is None or row[0] is not None:
            return False
        other = Organization.create("stands for a claim", mailed.world.meta(uuid4()))
        tx.save(other)
        return True

    done, appended = mailed.world.commands.run(UUID(int=7), decide)
    return appended[0].position if done else None
