"""Runs that come to an end: what a cancellation withholds, and when everything has an outcome."""

from __future__ import annotations

from typing import Final

from streams.agents.ports import Fact, WorkerTransaction
from streams.agents.run_store import load_run
from streams.agents.runs import tell
from streams.workflows import run as pm

CHUNK: Final = 900

# `s` is a run that could end: stopped, or with every step expanded; its tests do not count.
_CANDIDATES = """
    SELECT r.campaign_id FROM state.runs r
    WHERE NOT r.ended AND (
        (r.state = 'cancelled' AND (
            EXISTS (SELECT 1 FROM state.sends s WHERE s.campaign_id = r.campaign_id
                    AND s.state = 'intended' AND s.kind = 'campaign')
            OR NOT EXISTS (SELECT 1 FROM state.sends s WHERE s.campaign_id = r.campaign_id
                    AND s.state IN ('intended', 'claimed', 'ambiguous') AND s.kind = 'campaign')))
        OR (r.state IN ('running', 'paused')
            AND NOT EXISTS (SELECT 1 FROM state.run_steps p WHERE p.campaign_id = r.campaign_id
                    AND p.state <> 'expanded')
            AND NOT EXISTS (SELECT 1 FROM state.sends s WHERE s.campaign_id = r.campaign_id
                    AND s.state IN ('intended', 'claimed', 'ambiguous') AND s.kind = 'campaign')))
    ORDER BY r.campaign_id LIMIT %s
"""
_UNSENT = """
    SELECT delivery_id, version, step, contact_id, mailbox_provider FROM state.sends
    WHERE campaign_id = %s::uuid AND state = 'intended' AND kind = 'campaign'
    ORDER BY delivery_id LIMIT %s FOR UPDATE SKIP LOCKED
"""
_WITHHOLD = """
    UPDATE state.sends SET state = 'withheld', version = version + 1
    WHERE delivery_id = ANY(%s::uuid[])
"""
_OPEN = """
    SELECT EXISTS (SELECT 1 FROM state.sends WHERE campaign_id = %(campaign)s::uuid
                   AND state IN ('intended', 'claimed', 'ambiguous') AND kind = 'campaign'),
           (SELECT count(*) FROM state.sends
            WHERE campaign_id = %(campaign)s::uuid AND kind = 'campaign')
"""


def runs_to_close(tx: WorkerTransaction, limit: int) -> list[str]:
    """Campaigns whose run can end now, or has something to withhold."""
    return [campaign for (campaign,) in tx.connection.execute(_CANDIDATES, (limit,)).fetchall()]


def close_run(tx: WorkerTransaction, campaign_id: str) -> bool:
    """Withhold a chunk of a stopped run, or end the run; whether anything changed."""
    run = load_run(tx.connection, campaign_id, skip_locked=True)
    if run is None or run.ended:
        return False
    if run.state == "cancelled" and (withheld := _withhold(tx, run)):
        return bool(withheld)
    row = tx.connection.execute(_OPEN, {"campaign": campaign_id}).fetchone()
    is_open, intended = row or (True, 0)
    if is_open:
        return False
    return tell(tx, run, pm.Settled(intended)) != run


def _withhold(tx: WorkerTransaction, run: pm.Run) -> int:
    rows = tx.connection.execute(_UNSENT, (run.campaign_id, CHUNK)).fetchall()
    tx.connection.execute(_WITHHOLD, ([row[0] for row in rows],))
    tx.add(
        *(
            Fact(
                "DeliveryWithheld",
                delivery,
                version + 1,
                {
                    "campaign_id": run.campaign_id,
                    "step": step,
                    "contact_id": contact,
                    "kind": "campaign",
                    "mailbox_provider": provider,
                    "reason": "cancelled",
                    "proof_position": run.stopped_position,
                },
                run.organization_id,
                run.correlation_id,
                run.causation_id,
            )
            for delivery, version, step, contact, provider in rows
        )
    )
    return len(rows)
