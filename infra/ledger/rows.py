"""Rows of the send ledger, and how many of them change together with their events."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast
from uuid import UUID, uuid5

from domain.delivery.mailability import WithheldReason
from domain.delivery.states import EventType, State, next_state
from domain.shared.meta import Meta
from infra.event_log import Draft
from infra.postgres import Connection
from infra.quotas import give_back_sends
from infra.transactions import PostgresTransaction

ACTOR = "system:effects"


class SendRow(NamedTuple):
    """A delivery as the ledger has it."""

    delivery_id: str
    organization_id: str
    campaign_id: str
    step: int
    contact_id: str
    kind: str
    state: str
    version: int
    batch_id: str | None
    mailbox_provider: str | None
    message_id: str | None
    attempt: int
    correlation_id: str
    address_hmac: bytes | None = None
    """The address it was last claimed for."""


COLUMNS = ", ".join(SendRow._fields)

_CHANGE = """
    UPDATE state.sends AS s SET state = u.state, version = u.version, batch_id = u.batch,
        mailbox_provider = u.provider, message_id = u.message, attempt = u.attempt,
        address_hmac = u.address
    FROM unnest(%s::uuid[], %s::text[], %s::integer[], %s::uuid[], %s::text[], %s::text[],
        %s::integer[], %s::bytea[])
        AS u (id, state, version, batch, provider, message, attempt, address)
    WHERE s.delivery_id = u.id
"""


class Change(NamedTuple):
    """A locked row, the event that happens to it, and what of it changes beside its state."""

    row: SendRow
    event_type: EventType
    data: Mapping[str, Any]
    after: Mapping[str, Any]

    def applied(self) -> SendRow:
        """The row after the event. Raises ImpossibleTransitionError."""
        state = next_state(cast("State", self.row.state), self.event_type)
        return self.row._replace(version=self.row.version + 1, state=state, **self.after)


def locked_rows(connection: Connection, delivery_ids: Sequence[str]) -> list[SendRow]:
    """These rows, locked in key order."""
    return _rows(connection, "delivery_id = ANY(%s::uuid[])", (delivery_ids,))


def locked_rows_of_batch(connection: Connection, batch_id: str, state: str) -> list[SendRow]:
    """A batch's rows in this state, locked in key order."""
    return _rows(connection, "batch_id = %s AND state = %s", (batch_id, state))


def _rows(connection: Connection, where: str, values: tuple[Any, ...]) -> list[SendRow]:
    found = connection.execute(
        f"SELECT {COLUMNS} FROM state.sends WHERE {where} ORDER BY delivery_id FOR UPDATE",  # noqa: S608
        values,
    )
    return [SendRow(*row) for row in found.fetchall()]


def withholding(row: SendRow, reason: WithheldReason, position: int) -> Change:
    """It is not sent, because of the event at this position; 0 when there is none.

    The address it was once claimed for, with nothing sent, is free for another contact's.
    """
    told = {"reason": reason, "proof_position": position}
    return Change(row, "DeliveryWithheld", told, {"address_hmac": None})


def apply(
    transaction: PostgresTransaction,
    changes: Sequence[Change],
    now: datetime,
    by: Meta | None = None,
) -> None:
    """Write the rows as they shall be; their events are appended when the transaction ends.

    `by`: the person's command, if one decided.
    """
    if not changes:
        return
    rows = [change.applied() for change in changes]
    transaction.connection.execute(
        _CHANGE,
        (
            [row.delivery_id for row in rows],
            [row.state for row in rows],
            [row.version for row in rows],
            [row.batch_id for row in rows],
            [row.mailbox_provider for row in rows],
            [row.message_id for row in rows],
            [row.attempt for row in rows],
            [row.address_hmac for row in rows],
        ),
    )
    give_back_sends(transaction.connection, _unsent(changes))
    transaction.add(*_drafts(changes, now, by))


def _unsent(changes: Iterable[Change]) -> list[str]:
    """The batch of each delivery of a campaign that is to be sent after all, or again."""
    return [
        change.row.batch_id
        for change in changes
        if change.event_type in ("DeliveryReturned", "DeliveryReleased")
        and change.row.batch_id is not None
    ]


def _drafts(changes: Iterable[Change], now: datetime, by: Meta | None) -> Iterable[Draft]:
    for row, event_type, data, _ in changes:
        yield Draft(
            type=event_type,
            stream_id=row.delivery_id,
            version=row.version + 1,
            data={
                "campaign_id": row.campaign_id,
                "step": row.step,
                "contact_id": row.contact_id,
                "kind": row.kind,
                **data,
            },
            organization_id=row.organization_id,
            actor=by.actor if by else ACTOR,
            correlation_id=row.correlation_id,
            causation_id=str(by.causation_id if by else _cause(row)),
            now=now,
        )


def _cause(row: SendRow) -> UUID:
    return uuid5(UUID(row.delivery_id), str(row.version))
