"""Runs and their steps in Postgres: locked when loaded, written whole."""

from __future__ import annotations

from typing import Any

from psycopg import sql

from streams.agents.ports import Connection
from streams.workflows.run import Run, Step

_RUN = """
    SELECT campaign_id, organization_id, workflow_id, state, orchestrator, content_hash,
           approval_position, workflow_version, correlation_id, causation_id, stopped_position,
           ended
    FROM state.runs WHERE campaign_id = %s::uuid FOR UPDATE
"""
_BEGUN = (
    "campaign_id", "organization_id", "workflow_id", "state", "orchestrator", "content_hash",
    "approval_position", "workflow_version", "correlation_id", "causation_id",
)  # fmt: skip
_STEPS = """
    SELECT step, delay, state, due_at, wait_position
    FROM state.run_steps WHERE campaign_id = %s::uuid ORDER BY step FOR UPDATE
"""
_STORE_RUN = """
    INSERT INTO state.runs (campaign_id, organization_id, workflow_id, state, orchestrator,
        content_hash, approval_position, workflow_version, correlation_id, causation_id,
        stopped_position, ended, steps)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (campaign_id) DO UPDATE SET workflow_id = excluded.workflow_id,
        state = excluded.state, orchestrator = excluded.orchestrator,
        content_hash = excluded.content_hash, approval_position = excluded.approval_position,
        workflow_version = excluded.workflow_version, correlation_id = excluded.correlation_id,
        causation_id = excluded.causation_id, stopped_position = excluded.stopped_position,
        ended = excluded.ended, steps = excluded.steps
"""
_STORE_STEP = """
    INSERT INTO state.run_steps (campaign_id, step, organization_id, delay, due_at, state,
        wait_position)
    VALUES (%s, %s, %s, %s, %s, %s, %s)
    ON CONFLICT (campaign_id, step) DO UPDATE SET delay = excluded.delay,
        due_at = excluded.due_at, state = excluded.state, wait_position = excluded.wait_position
"""


def load_run(connection: Connection, campaign_id: str, *, skip_locked: bool = False) -> Run | None:
    """The run of a campaign, it and its steps locked; None when there is none, or when
    `skip_locked` and somebody else holds it."""
    query = sql.SQL(_RUN + " SKIP LOCKED" if skip_locked else _RUN)
    row: Any = connection.execute(query, (campaign_id,)).fetchone()
    if row is None:
        return None
    steps = connection.execute(_STEPS, (campaign_id,)).fetchall()
    stopped_position, ended = row[10:]
    begun: dict[str, Any] = dict(zip(_BEGUN, row, strict=False))
    return Run(
        **begun,
        steps=tuple(Step(*step) for step in steps),
        stopped_position=stopped_position,
        ended=ended,
    )


def store_run(connection: Connection, run: Run) -> None:
    """Write the run; steps of an earlier approval that it no longer has are removed."""
    connection.execute(
        _STORE_RUN,
        (
            run.campaign_id, run.organization_id, run.workflow_id, run.state, run.orchestrator,
            run.content_hash, run.approval_position, run.workflow_version, run.correlation_id,
            run.causation_id, run.stopped_position, run.ended, len(run.steps),
        ),
    )  # fmt: skip
    connection.execute(
        "DELETE FROM state.run_steps WHERE campaign_id = %s AND step > %s",
        (run.campaign_id, len(run.steps)),
    )
    for step in run.steps:
        connection.execute(
            _STORE_STEP,
            (
                run.campaign_id, step.number, run.organization_id, step.delay, step.due_at,
                step.state, step.wait_position,
            ),
        )  # fmt: skip
