"""Webhooks become delivery events and suppressions, in any order and however often they come."""

from __future__ import annotations

import random
from typing import Any
from uuid import uuid4

import pytest

from streams.steps.webhooks import UnreadableWebhookError
from tests.integration.reactions.conftest import World
from tests.integration.reactions.webhook_bodies import Postbox, body

ANN = "c-0@example.com"


class Sent:
    """One delivery to ANN that a sender has claimed."""

    def __init__(self, world: World) -> None:
        (self.contact,) = world.contacts(1)
        self.campaign = world.approved()
        world.run()
        self.delivery = world.sends(self.campaign)[self.contact][0]
        self.message, self.batch = str(uuid4()), str(uuid4())
        self.postbox = Postbox(world.organization)
        self.world = world
        world.sql.execute(
            "INSERT INTO state.send_batches (batch_id, organization_id, campaign_id,"
            " message_stream, size, claimed_at, lease_until, resolve_at, state)"
            " VALUES (%s, %s, %s, 'broadcast', 1, now(), now(), now(), 'open')",
            (self.batch, world.organization, self.campaign),
        )
        world.sql.execute(
            "UPDATE state.sends SET state = 'claimed', batch_id = %s WHERE delivery_id = %s",
            (self.batch, self.delivery),
        )

    def body(self, kind: str, **more: Any) -> bytes:
        return body(kind, ANN, self.message, self.delivery, **more)

    def post(self, *bodies: bytes) -> None:
        self.world.reactions.handle(self.postbox.batch(bodies))

    def types(self) -> list[str]:
        return self.world.types(self.delivery)

    def standing(self) -> tuple[str | None, int]:
        query = "SELECT suppression, position FROM log.mailable WHERE address_hmac = %s"
        suppression, position = self.world.rows(query, self.world.address(ANN))[0]
        return suppression, position


@pytest.fixture
def sent(world: World) -> Sent:
    return Sent(world)


def test_a_webhook_confirms_a_claimed_delivery_before_it_tells_more(sent: Sent) -> None:
    sent.post(sent.body("Delivery"))

    assert sent.types() == ["DeliveryIntended", "DeliveryAccepted", "Delivered"]
    query = "SELECT state, message_id, version FROM state.sends WHERE delivery_id = %s"
    assert sent.world.rows(query, sent.delivery) == [("accepted", sent.message, 3)]


def test_without_metadata_the_message_id_tells_which_delivery_it_was(sent: Sent) -> None:
    sent.post(sent.body("Delivery"))

    sent.post(body("Open", ANN, sent.message, None, UserAgent="Mail"))

    assert sent.types()[-1] == "Opened"


def test_repeated_webhooks_are_recorded_once_but_true_repeats_count(sent: Sent) -> None:
    first = sent.body("Open", ReceivedAt="2026-01-05T10:00:00Z")
    second = sent.body("Open", ReceivedAt="2026-01-05T11:00:00Z")

    sent.post(first, first, second)
    sent.post(second, first)

    assert sent.types().count("Opened") == 2


def test_every_order_of_the_same_webhooks_leaves_the_same(sent: Sent) -> None:
    bodies = [
        sent.body("Delivery"),
        sent.body("Open", ReceivedAt="2026-01-05T09:10:00Z"),
        sent.body("Click", ReceivedAt="2026-01-05T09:11:00Z", OriginalLink="https://a.example"),
        sent.body(
            "Bounce", ID=7, Type="HardBounce", Inactive=True, BouncedAt="2026-01-05T09:12:00Z"
        ),
        sent.body(
            "SubscriptionChange", SuppressSending=False, Origin="Customer",
            ChangedAt="2026-01-05T09:20:00Z",
        ),
        sent.body(
            "SubscriptionChange", SuppressSending=True, Origin="Recipient",
            SuppressionReason="ManualSuppression", ChangedAt="2026-01-05T09:15:00Z",
        ),
    ]  # fmt: skip
    random.Random(3).shuffle(bodies)
    for each in [*bodies, *bodies]:
        sent.post(each)

    assert sorted(sent.types()[2:]) == [
        "Bounced", "Clicked", "Delivered", "Opened", "SubscriptionChanged", "SubscriptionChanged",
    ]  # fmt: skip
    assert sent.types()[1] == "DeliveryAccepted"
    assert sent.standing()[0] == "unsubscribed"


def test_a_hard_bounce_suppresses_the_contact_at_once(sent: Sent) -> None:
    sent.post(sent.body("Bounce", ID=1, Type="HardBounce", Inactive=True))

    suppression, position = sent.standing()
    assert suppression == "hard_bounced"
    assert sent.world.types(sent.contact)[-1] == "AddressSuppressed"
    query = "SELECT max(position) FROM log.events WHERE stream_id = %s"
    assert sent.world.rows(query, sent.contact) == [(position,)]


def test_a_mailbox_that_works_again_is_mailable_but_a_complaint_stays(sent: Sent) -> None:
    sent.post(sent.body("Bounce", ID=1, Type="HardBounce", Inactive=True))
    back = {"SuppressSending": False, "Origin": "Customer"}
    sent.post(sent.body("SubscriptionChange", ChangedAt="2026-01-06T09:00:00Z", **back))
    assert sent.standing()[0] is None
    assert sent.world.types(sent.contact)[-1] == "AddressReactivated"

    sent.post(sent.body("SpamComplaint", ID=2, Type="SpamComplaint"))
    sent.post(sent.body("SubscriptionChange", ChangedAt="2026-01-07T09:00:00Z", **back))
    assert sent.standing()[0] == "complained"


def test_an_unknown_type_of_bounce_is_recorded_as_it_is(sent: Sent) -> None:
    sent.post(sent.body("Bounce", ID=1, Type="SomethingNew", Inactive=False))

    assert sent.types()[-1] == "Bounced"
    assert sent.standing()[0] is None


@pytest.mark.parametrize(
    "raw", [b"not json", b"[]", b"{}", b'{"RecordType": "Nonsense"}', b'{"FromFull": {}}', b""]
)
def test_what_cannot_be_understood_is_refused_with_a_reason(sent: Sent, raw: bytes) -> None:
    with pytest.raises(UnreadableWebhookError):
        sent.post(raw)


def test_an_unknown_message_waits_then_is_put_aside_but_acts_on_the_address(sent: Sent) -> None:
    world = sent.world
    raw = body("Bounce", ANN, str(uuid4()), None, ID=9, Type="HardBounce", Inactive=True)

    sent.post(raw)

    assert sent.standing()[0] == "hard_bounced"
    assert world.rows("SELECT body FROM state.webhook_waiting") == [(raw,)]
    world.sql.execute(
        "UPDATE state.webhook_waiting SET first_seen = now() - interval '11 minutes',"
        " next_try = now()"
    )
    world.timers.round()
    ((record, consumer, reason, _),) = world.letters.letters
    assert (record.value, consumer, reason) == (raw, "reactions", "unknown_message")
    assert world.rows("SELECT 1 FROM state.webhook_waiting") == []


def test_a_webhook_that_came_too_early_is_recorded_once_its_message_is_known(sent: Sent) -> None:
    sent.post(body("Delivery", ANN, sent.message, None))
    assert sent.types() == ["DeliveryIntended"]

    sent.world.sql.execute(
        "UPDATE state.sends SET state = 'accepted', message_id = %s WHERE delivery_id = %s",
        (sent.message, sent.delivery),
    )
    sent.world.sql.execute("UPDATE state.webhook_waiting SET next_try = now()")
    sent.world.timers.round()

    assert sent.types()[-1] == "Delivered"
    assert not sent.world.letters.letters


def test_somebody_else_s_delivery_id_matches_nothing(sent: Sent) -> None:
    stranger = uuid4()

    sent.world.reactions.handle(sent.postbox.batch([sent.body("Delivery")], stranger))

    assert sent.types() == ["DeliveryIntended"]
    query = "SELECT organization_id FROM state.webhook_waiting"
    assert sent.world.rows(query) == [(str(stranger),)]


def test_an_address_of_no_contact_is_suppressed_on_a_stream_of_its_own(sent: Sent) -> None:
    raw = body(
        "SubscriptionChange", "nobody@example.com", None, None, SuppressSending=True,
        Origin="Recipient", SuppressionReason="ManualSuppression",
    )  # fmt: skip

    sent.post(raw, raw)
    sent.post(raw)

    query = "SELECT suppression, contact_id FROM log.mailable WHERE address_hmac = %s"
    found = sent.world.rows(query, sent.world.address("nobody@example.com"))
    assert found == [("unsubscribed", None)]
    (count,) = sent.world.rows("SELECT count(*) FROM log.events WHERE type = 'AddressSuppressed'")[
        0
    ]
    assert count == 1
    assert sent.world.rows("SELECT 1 FROM state.webhook_waiting") == []


def test_what_an_erased_person_reads_is_not_recorded(sent: Sent) -> None:
    world = sent.world
    world.sql.execute("DELETE FROM log.subject_keys WHERE subject_id = %s", (sent.contact,))
    world.sql.execute(
        "INSERT INTO log.subject_keys (subject_id, organization_id) VALUES (%s, %s)",
        (sent.contact, world.organization),
    )

    sent.post(sent.body("Open"), sent.body("Delivery"))

    assert sent.types() == ["DeliveryIntended", "DeliveryAccepted", "Delivered"]
