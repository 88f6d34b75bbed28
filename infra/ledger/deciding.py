"""Deciding: what a person says about a held delivery, which nobody else may settle."""

from __future__ import annotations

from typing import cast
from uuid import UUID

from api.ports import CommandTransaction
from domain.delivery.decisions import Decision, Released
from domain.delivery.states import State, ensure_held
from domain.shared.errors import NotFoundError, RuleViolatedError
from domain.shared.meta import Meta
from infra.ledger.going_on import begin_again, locked_run
from infra.ledger.outcomes import change
from infra.ledger.rows import SendRow, apply, locked_rows
from infra.postgres import Connection
from infra.transactions import PostgresTransaction

_CAMPAIGN = "SELECT campaign_id, kind FROM state.sends WHERE delivery_id = %s"


class LedgerDecisions:
    """The HeldDeliveries, over the ledger in Postgres, as the login that RLS binds."""

    def decide(
        self, tx: CommandTransaction, delivery_id: UUID, decision: Decision, meta: Meta
    ) -> State:
        """Lock run and row, as claims do; then the row and its event change together."""
        transaction = cast("PostgresTransaction", tx)
        connection = transaction.connection
        found = connection.execute(_CAMPAIGN, (delivery_id,)).fetchone()
        if found is None:
            raise NotFoundError("delivery")
        if isinstance(decision, Released) and found[1] == "campaign":
            _let_go_on(connection, found[0])
        row = _locked(connection, delivery_id)
        ensure_held(cast("State", row.state))
        changed = change(row, decision)
        assert changed is not None  # noqa: S101 - the table lets a held one be decided
        apply(transaction, [changed], meta.now, meta)
        connection.execute("NOTIFY nudge_sends")
        return cast("State", changed.applied().state)


def _locked(connection: Connection, delivery_id: UUID) -> SendRow:
    rows = locked_rows(connection, [str(delivery_id)])
    if not rows:
        raise NotFoundError("delivery")
    return rows[0]


def _let_go_on(connection: Connection, campaign_id: str) -> None:
    """A run that is complete has something to send again; a cancelled one never has."""
    if locked_run(connection, campaign_id) == "cancelled":
        raise RuleViolatedError(
            "campaign_cancelled", "The campaign was cancelled; close the delivery instead."
        )
    begin_again(connection, campaign_id)
