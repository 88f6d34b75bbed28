"""Claiming: who of the next deliveries may be mailed at this instant, decided under lock."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from domain.campaign.decisions import GO, STOP, may_send
from domain.contact.aggregate import Contact
from domain.contact.values import EmailAddress
from domain.delivery.mailability import decide
from domain.delivery.providers import mailbox_provider
from domain.organization.quotas import month_of
from infra.keys import AddressHasher
from infra.ledger.once import sort_out
from infra.ledger.past import Past
from infra.ledger.rows import COLUMNS, Change, SendRow, apply, withholding
from infra.postgres import Connection
from infra.quotas import admit_sends
from infra.transactions import PostgresTransaction
from schemas.codec import Event, to_micros
from streams.effects.ports import Claim, Lane, Recipient, Route

_RUN = """
    SELECT content_hash, approval_position FROM state.runs
    WHERE campaign_id = %s AND state IN ('running', 'completed') FOR SHARE
"""
_STORY = """
    SELECT type, position FROM log.events WHERE stream_id = %s AND type = ANY(%s) ORDER BY version
"""
_NEXT = f"""
    SELECT {COLUMNS} FROM state.sends
    WHERE campaign_id = %s AND state = 'intended' AND kind = %s
    ORDER BY ordinal LIMIT %s FOR UPDATE SKIP LOCKED
"""  # noqa: S608 - fixed columns
# An address that moved to its contact while we waited for the lock shows up in the second look.
_STANDINGS = """
    SELECT contact_id, address_hmac, consent, suppression, position FROM log.mailable
    WHERE contact_id = ANY(%s::uuid[]) ORDER BY organization_id, address_hmac FOR SHARE
"""
_STANDING_OF_ADDRESS = """
    SELECT contact_id, address_hmac, consent, suppression, position FROM log.mailable
    WHERE organization_id = %s AND address_hmac = %s FOR SHARE
"""
_ERASED = """
    SELECT stream_id, position FROM log.events
    WHERE stream_id = ANY(%s::uuid[]) AND type = 'ContactErased'
"""
_FIELDS = """
    SELECT id, address_hmac, email, first_name, last_name, timezone, attributes, tags
    FROM views.contacts WHERE id = ANY(%s::uuid[]) AND NOT deleted
"""
_OPEN = """
    INSERT INTO state.send_batches (batch_id, organization_id, campaign_id, message_stream,
        connection, size, counted_in, claimed_at, lease_until, resolve_at, state)
    VALUES (%s, %s, %s, %s, %s, %s, %s, now(), now() + %s, now() + %s, 'open')
    RETURNING lease_until
"""
_REQUESTED = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %s AND type = 'TestSendRequested' ORDER BY version DESC
"""


Values = Sequence[tuple[bytes, int]]


class Known(NamedTuple):
    """What the table of mailable addresses says, and the address it says it of."""

    contact_id: str | None
    address_hmac: bytes
    consent: str | None
    suppression: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Terms:
    """`lease`: how long a claim holds; `resolve_after`: from the claim to the first look-up."""

    lease: timedelta
    resolve_after: timedelta


@dataclass(slots=True)
class Claiming:
    """One claim, inside one transaction."""

    transaction: PostgresTransaction
    lane: Lane
    route: Route
    terms: Terms
    hasher: AddressHasher
    decode: Callable[[Connection, Values], list[Event]]
    batch_id: str
    now: datetime
    held_back: int = 0
    """How many more would have been claimed, had the month's quota allowed it."""

    def run(self, limit: int) -> Claim:
        """Claim or withhold at most `limit` deliveries; some may turn out to have left already."""
        past = Past(self.transaction, self.lane.campaign_id)
        if past.unknown:
            return self._nothing()
        if self.lane.kind == "test":
            return self._test(past)
        content_hash = self._running()
        rows = self._next(limit) if content_hash is not None else []
        if content_hash is None or not rows:
            return self._nothing()
        settled = past.accepted(rows)
        rows = _without(rows, settled)
        known = self._standings([row.contact_id for row in rows])
        settled += past.reached(rows, {who: each.address_hmac for who, each in known.items()})
        rows = _without(rows, settled)
        settled += [change for row in rows if (change := _withheld(row, known[row.contact_id]))]
        rows = _without(rows, settled)
        rows, there_before = sort_out(
            self._connection, rows, {who: each.address_hmac for who, each in known.items()}
        )
        settled += there_before
        claimed = self._admitted(rows)
        past.count(self.lane.organization_id)
        fields = self._fields({row.contact_id: known[row.contact_id] for row in claimed})
        recipients = [self._recipient(row, known[row.contact_id], fields) for row in claimed]
        return self._finish(content_hash, claimed, recipients, known, settled)

    @property
    def _connection(self) -> Connection:
        return self.transaction.connection

    def _nothing(self) -> Claim:
        return Claim(self.batch_id, self.lane, "", (), 0)

    def _running(self) -> str | None:
        """The approved content's hash, unless the campaign is to wait or is over.

        The run hears of a pause from relay, Kafka and reactions, and any of them may be behind:
        the campaign's own events, read in this transaction, have the last word.
        """
        row = self._connection.execute(_RUN, (self.lane.campaign_id,)).fetchone()
        if row is None:
            return None
        story = self._connection.execute(_STORY, (self.lane.campaign_id, [*GO, *STOP])).fetchall()
        return row[0] if may_send(story, row[1]) else None

    def _next(self, limit: int) -> list[SendRow]:
        rows = self._connection.execute(_NEXT, (self.lane.campaign_id, self.lane.kind, limit))
        return [SendRow(*row) for row in rows.fetchall()]

    def _admitted(self, rows: list[SendRow]) -> list[SendRow]:
        """Those for which the quota has room; the rest stays as it is."""
        month = month_of(self.now)
        room = admit_sends(self._connection, self.lane.organization_id, month, len(rows))
        self.held_back = len(rows) - room
        return rows[:room]

    def _standings(self, contacts: Sequence[str]) -> Mapping[str, Known]:
        """What is known of each contact; who has no row is gone."""
        known: dict[str, Known] = {}
        for _ in range(2):
            missing = [contact for contact in contacts if contact not in known]
            if missing:
                for row in self._connection.execute(_STANDINGS, (missing,)).fetchall():
                    known[row[0]] = Known(row[0], bytes(row[1]), *row[2:])
        gone = [contact for contact in contacts if contact not in known]
        erased: dict[str, int] = {}
        if gone:
            erased = dict(self._connection.execute(_ERASED, (gone,)).fetchall())
        for contact in gone:
            reason = "erased" if contact in erased else None
            known[contact] = Known(None, b"", None, reason, erased.get(contact, 0))
        return known

    def _fields(self, known: Mapping[str, Known]) -> Mapping[str, Mapping[str, Any]]:
        """Personal fields by contact, from the view where it has the same address."""
        found: dict[str, Mapping[str, Any]] = {}
        for row in self._connection.execute(_FIELDS, (list(known),)).fetchall():
            if bytes(row[1]) == known[row[0]].address_hmac:
                found[row[0]] = dict(zip(_PERSONAL, row[2:], strict=True))
        for contact in known.keys() - found.keys():
            details = self.transaction.load(Contact, UUID(contact)).details
            found[contact] = {name: getattr(details, name) for name in _PERSONAL}
        return found

    def _recipient(
        self, row: SendRow, known: Known, fields: Mapping[str, Mapping[str, Any]]
    ) -> Recipient:
        personal = fields[row.contact_id]
        return Recipient(
            row.delivery_id,
            row.step,
            row.contact_id,
            personal["email"],
            known.address_hmac,
            personal,
        )

    def _finish(
        self,
        content_hash: str,
        claimed: Sequence[SendRow],
        recipients: Sequence[Recipient],
        known: Mapping[str, Known],
        settled: Sequence[Change],
    ) -> Claim:
        changes = list(settled)
        if claimed:
            lease_until = self._open(len(claimed))
            changes += [
                self._claimed(row, recipient.email, known[row.contact_id], lease_until)
                for row, recipient in zip(claimed, recipients, strict=True)
            ]
        apply(self.transaction, changes, self.now)
        return Claim(self.batch_id, self.lane, content_hash, tuple(recipients), len(changes))

    def _open(self, size: int) -> datetime:
        row = self._connection.execute(
            _OPEN,
            (
                self.batch_id,
                self.lane.organization_id,
                self.lane.campaign_id,
                self.route.stream,
                self.route.connection,
                size,
                month_of(self.now) if self.lane.kind == "campaign" else None,
                self.terms.lease,
                self.terms.resolve_after,
            ),
        ).fetchone()
        lease_until: datetime = row[0] if row else self.now
        return lease_until

    def _claimed(self, row: SendRow, email: str, known: Known, lease_until: datetime) -> Change:
        provider = mailbox_provider(email)
        attempt = row.attempt + 1
        return Change(
            row,
            "DeliveryClaimed",
            {
                "mailbox_provider": provider,
                "batch_id": self.batch_id,
                "lease_until": to_micros(lease_until),
                "proof_position": known.position,
                "attempt": attempt,
            },
            {
                "batch_id": self.batch_id,
                "mailbox_provider": provider,
                "attempt": attempt,
                "address_hmac": known.address_hmac,
            },
        )

    # --- test mails ------------------------------------------------------------------------

    def _test(self, past: Past) -> Claim:
        """One test mail: to any address that is not suppressed, whoever's it is."""
        rows = self._next(1)
        if not rows:
            return self._nothing()
        if settled := past.accepted(rows):
            return self._finish("", [], [], {}, settled)
        row = rows[0]
        content_hash, address = self._requested(row)
        if not address:
            return self._finish(content_hash, [], [], {}, [withholding(row, "erased", 0)])
        known = self._standing(address)
        if reason := decide("granted", known.suppression):
            change = withholding(row, reason, known.position)
            return self._finish(content_hash, [], [], {}, [change])
        fields: Mapping[str, Any] = {}
        if known.contact_id is not None:
            fields = self._fields({known.contact_id: known})[known.contact_id]
        recipient = Recipient(
            row.delivery_id,
            row.step,
            row.contact_id,
            address,
            known.address_hmac,
            {**fields, "email": address},
        )
        return self._finish(content_hash, [row], [recipient], {row.contact_id: known}, [])

    def _requested(self, row: SendRow) -> tuple[str, str]:
        """Content hash and address of the request for this test; an erased address is empty."""
        values = self._connection.execute(_REQUESTED, (row.campaign_id,)).fetchall()
        for event in self.decode(self._connection, values):
            if event.data["delivery_id"] == row.delivery_id:
                return event.data["content_hash"], event.data["address"]
        raise LookupError(f"no TestSendRequested says where delivery {row.delivery_id} goes")

    def _standing(self, address: str) -> Known:
        address_hmac = self.hasher(EmailAddress.parse(address).normalised)
        row = self._connection.execute(
            _STANDING_OF_ADDRESS, (self.lane.organization_id, address_hmac)
        ).fetchone()
        if row is None:
            return Known(None, address_hmac, None, None, 0)
        return Known(row[0], bytes(row[1]), *row[2:])


def _without(rows: Sequence[SendRow], settled: Sequence[Change]) -> list[SendRow]:
    done = {change.row.delivery_id for change in settled}
    return [row for row in rows if row.delivery_id not in done]


_PERSONAL = ("email", "first_name", "last_name", "timezone", "attributes", "tags")


def _withheld(row: SendRow, known: Known) -> Change | None:
    reason = decide(known.consent, known.suppression)
    return None if reason is None else withholding(row, reason, known.position)
