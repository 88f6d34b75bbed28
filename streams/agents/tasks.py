"""Events that give work to others: replies to write, webhooks to register, tests to send."""

from __future__ import annotations

from schemas.codec import Event, to_datetime
from streams.agents.ports import Fact, WorkerTransaction


def turn_received(tx: WorkerTransaction, event: Event) -> None:
    """Somebody said something: a reply is to be given."""
    tx.connection.execute(
        "INSERT INTO state.reply_tasks (turn_id, organization_id, conversation_id, number,"
        " received_at) VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
        (
            event.data["turn_id"],
            event.organization_id,
            event.stream_id,
            event.data["number"],
            to_datetime(event.occurred_at),
        ),
    )
    tx.connection.execute("NOTIFY nudge_replies")


def postmark_connected(tx: WorkerTransaction, event: Event) -> None:
    """An organization sends through another server: its webhook is to be registered there."""
    tx.connection.execute(
        "INSERT INTO state.registration_tasks AS t (organization_id, version) VALUES (%s, %s)"
        " ON CONFLICT (organization_id) DO UPDATE SET version = excluded.version,"
        " state = 'waiting', attempts = 0, next_try = now() WHERE t.version < excluded.version",
        (event.organization_id, event.version),
    )
    tx.connection.execute("NOTIFY nudge_registrations")


def test_send_requested(tx: WorkerTransaction, event: Event) -> None:
    """Somebody wants to see the mail: one delivery to the reference that stands for the mailbox."""
    data = event.data
    new = tx.connection.execute(
        "INSERT INTO state.sends (delivery_id, organization_id, campaign_id, step, contact_id,"
        " kind, state, version, correlation_id) VALUES (%s, %s, %s, %s, %s, 'test', 'intended', 1,"
        " %s) ON CONFLICT DO NOTHING RETURNING delivery_id",
        (
            data["delivery_id"], event.organization_id, event.stream_id, data["step"],
            data["reference"], event.correlation_id,
        ),
    ).fetchone()  # fmt: skip
    if new is None:
        return
    tx.add(
        Fact(
            "DeliveryIntended",
            data["delivery_id"],
            1,
            {
                "campaign_id": event.stream_id,
                "step": data["step"],
                "contact_id": data["reference"],
                "kind": "test",
                "mailbox_provider": None,
            },
            event.organization_id,
            event.correlation_id,
            event.event_id,
        )
    )
    tx.connection.execute("NOTIFY nudge_sends")
