"""A due step becomes intended deliveries, one chunk of contacts in each transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

import structlog

from domain.campaign.aggregate import Campaign
from domain.campaign.decisions import RUNNING
from domain.delivery.ids import delivery_id
from projections.queries.audience import Audience, audience_page
from streams.agents.ports import Fact, WorkerTransaction
from streams.agents.run_store import load_run
from streams.agents.runs import meta_of, tell
from streams.agents.visibility import contacts_visible
from streams.workflows import run as pm

CHUNK: Final = 900
"""Contacts a transaction; with what the step itself records an append stays below 1,000."""

Progress = Literal["idle", "waiting", "more", "done"]
_log = structlog.get_logger("streams.reactions")

_DUE = """
    SELECT s.campaign_id, s.step FROM state.run_steps s JOIN state.runs r USING (campaign_id)
    WHERE s.state IN ('scheduled', 'expanding') AND s.due_at <= %s AND r.state = 'running'
    ORDER BY s.due_at, s.campaign_id LIMIT %s
"""
_MEMBERS = """
    SELECT contact_id FROM state.sends
    WHERE campaign_id = %s::uuid AND step = 1 AND kind = 'campaign'
      AND contact_id > coalesce(%s::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY contact_id LIMIT %s
"""
_INTEND = """
    INSERT INTO state.sends (delivery_id, organization_id, campaign_id, step, contact_id, kind,
        state, version, correlation_id)
    SELECT d, %s::uuid, %s::uuid, %s, c, 'campaign', 'intended', 1, %s::uuid
    FROM unnest(%s::uuid[], %s::uuid[]) AS u (d, c) ORDER BY d
    ON CONFLICT (delivery_id) DO NOTHING RETURNING delivery_id
"""


def due_steps(tx: WorkerTransaction, limit: int) -> list[tuple[str, int]]:
    """Campaign and number of steps whose time has come, the longest waiting first."""
    return tx.connection.execute(_DUE, (tx.now, limit)).fetchall()


def expand_chunk(tx: WorkerTransaction, campaign_id: str, number: int) -> Progress:
    """Intend the next chunk of a due step. `waiting`: the contacts view is not there yet.

    Safe to be called for the same step by several processes: one holds the run, others get idle.
    """
    run = load_run(tx.connection, campaign_id, skip_locked=True)
    run = _came_due(tx, run, number)
    step = run.step(number) if run else None
    if run is None or step is None or step.state != "expanding" or run.state != "running":
        return "idle"
    cursor, intended = _place(tx, campaign_id, number)
    contacts = _members(tx, run, step, cursor)
    if contacts is None:
        return "waiting"
    intended += _intend(tx, run, number, contacts)
    if contacts:
        tx.connection.execute(
            "UPDATE state.run_steps SET cursor = %s, intended = %s"
            " WHERE campaign_id = %s AND step = %s",
            (contacts[-1], intended, campaign_id, number),
        )
        tx.connection.execute("NOTIFY nudge_sends")
    if len(contacts) == CHUNK:
        return "more"
    tell(tx, run, pm.Expanded(number, intended))
    return "done"


def _came_due(tx: WorkerTransaction, run: pm.Run | None, number: int) -> pm.Run | None:
    """A scheduled step notes how far the log is now: the audience is read no earlier."""
    step = run.step(number) if run else None
    if run is None or step is None or step.state != "scheduled":
        return run
    if step.due_at is None or step.due_at > tx.now:
        return None
    row = tx.connection.execute(
        "SELECT coalesce(max(position), 0) FROM log.events WHERE organization_id = %s::uuid",
        (run.organization_id,),
    ).fetchone()
    return tell(tx, run, pm.CameDue(number, row[0] if row else 0))


def _place(tx: WorkerTransaction, campaign_id: str, number: int) -> tuple[str | None, int]:
    row = tx.connection.execute(
        "SELECT cursor, intended FROM state.run_steps WHERE campaign_id = %s AND step = %s",
        (campaign_id, number),
    ).fetchone()
    return row or (None, 0)


def _members(
    tx: WorkerTransaction, run: pm.Run, step: pm.Step, cursor: str | None
) -> Sequence[str] | None:
    """The next contacts of a step in id order; None while they cannot be known yet.

    The audience is settled once, at the first step; later steps go to the same contacts.
    """
    if step.number > 1:
        first = run.step(1)
        if first is None or first.state != "expanded":
            return None
        rows = tx.connection.execute(_MEMBERS, (run.campaign_id, cursor, CHUNK)).fetchall()
        return [contact for (contact,) in rows]
    if not contacts_visible(tx.connection, run.organization_id, step.wait_position):
        return None
    return _audience(tx, run, step, cursor)


def _audience(
    tx: WorkerTransaction, run: pm.Run, step: pm.Step, cursor: str | None
) -> Sequence[str] | None:
    campaign = tx.load(Campaign, run.organization_id, run.campaign_id)
    if campaign.approved_hash != run.content_hash:
        return None  # changed since; the event that says so is on its way
    if not campaign.started:
        if campaign.status not in RUNNING:
            return None  # paused or cancelled since, likewise
        campaign.start_sending(step.number, meta_of(run, tx.now))
        tx.save(campaign)
    audience = Audience(run.organization_id, campaign.content.conditions, step.due_at or tx.now)
    return audience_page(tx.connection, audience, cursor, CHUNK)


def _intend(tx: WorkerTransaction, run: pm.Run, number: int, contacts: Sequence[str]) -> int:
    """Deliveries for those of the contacts that have none at this step; how many."""
    wanted = {delivery_id(run.campaign_id, number, contact): contact for contact in contacts}
    if not wanted:
        return 0
    new = tx.connection.execute(
        _INTEND,
        (
            run.organization_id, run.campaign_id, number, run.correlation_id,
            list(wanted), list(wanted.values()),
        ),
    ).fetchall()  # fmt: skip
    tx.add(*(intended(run, number, each, wanted[each]) for (each,) in new))
    return len(new)


def intended(run: pm.Run, number: int, delivery: str, contact: str) -> Fact:
    """The event that one e-mail shall go to one contact."""
    return Fact(
        "DeliveryIntended",
        delivery,
        1,
        {
            "campaign_id": run.campaign_id,
            "step": number,
            "contact_id": contact,
            "kind": "campaign",
            "mailbox_provider": None,
        },
        run.organization_id,
        run.correlation_id,
        run.causation_id,
    )
