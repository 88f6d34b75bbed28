"""Carries the rows of a file into the log: one transaction a chunk, never over 1,000 events."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, BinaryIO, Final
from uuid import UUID

from api.ports import ImportOrder, Progress
from domain.contact.aggregate import Contact
from domain.contact.handlers import AddContact, HashAddress, begin_contact, save
from domain.contact.mailable import Standing
from domain.contact.tabular import ColumnPlan, ReadRow, Rejection
from domain.contact.values import Consent, ContactDetails, EmailAddress
from domain.organization.aggregate import Organization
from domain.organization.commands import AssignAttributeRole, AttestConsent
from domain.ports import NewId
from domain.shared.errors import InvalidValueError, RuleViolatedError
from infra.imports.reading import CsvRow, JsonRow, read_csv, read_ndjson
from infra.transactions import CommandLog, PostgresTransaction
from schemas.positions import Positions, merge, positions_of

_KNOWN_BY: Final = 8
"""Bytes of an address's hash that are kept for every row of a dry run."""
CHUNK: Final = 250
"""Rows a transaction: a row makes at most four events, an append takes at most 1,000."""


@dataclass
class _Counts:
    lines: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    refused: list[Rejection] = field(default_factory=list)
    positions: Positions = field(default_factory=dict)

    def progress(self) -> Progress:
        return Progress(
            self.lines, self.added, self.changed, self.unchanged, self.rejected, self.positions
        )


@dataclass
class _Tried:
    """What a dry run remembers of addresses that a file names more than once: nothing is stored,
    and a later row is judged by what the earlier ones would have made."""

    repeated: set[bytes]
    contacts: dict[bytes, Contact] = field(default_factory=dict)

    def remember(self, contacts: dict[bytes, Contact]) -> None:
        """Keep those that may be met again."""
        self.contacts |= {a: c for a, c in contacts.items() if a[:_KNOWN_BY] in self.repeated}


class _DryRunError(Exception):
    """Carries what a transaction would have done out of it, so that it is rolled back."""

    def __init__(self, counts: _Counts) -> None:
        super().__init__("dry run")
        self.counts = counts


class ContactImports:
    """The API's Imports over the event log."""

    def __init__(self, commands: CommandLog, hash_address: HashAddress, new_id: NewId) -> None:
        self._commands = commands
        self._hash = hash_address
        self._new_id = new_id

    def run(
        self, spool: BinaryIO, order: ImportOrder, stop: Callable[[], bool]
    ) -> Iterator[Progress | Rejection]:
        """Progress after each chunk, and every rejected line, in order.

        Stops between chunks when `stop` says so; what was stored stays, and the same file again
        changes nothing it has. Raises InvalidValueError before anything is stored.
        """
        tried = _Tried(self._repeated(spool, order) if order.dry_run else set())
        rows, roles = self._rows(spool, order)
        total = _Counts()
        self._prepare(order, roles, total)
        for chunk in _chunks(rows):
            if stop():
                break
            unreadable = [row for row in chunk if isinstance(row, Rejection)]
            rows_read = [row for row in chunk if isinstance(row, ReadRow)]
            done = self._store(rows_read, order, tried, total.added)
            rejections = sorted([*unreadable, *done.refused], key=lambda each: each.line)
            total.lines += len(chunk)
            total.added += done.added
            total.changed += done.changed
            total.unchanged += done.unchanged
            total.rejected += len(rejections)
            total.positions = merge(total.positions, done.positions)
            yield from rejections
            yield total.progress()
        if not total.lines:
            yield total.progress()

    def _repeated(self, spool: BinaryIO, order: ImportOrder) -> set[bytes]:
        """Beginnings of the hashes of addresses that come more than once."""
        seen: set[bytes] = set()
        repeated: set[bytes] = set()
        for row in self._rows(spool, order)[0]:
            if isinstance(row, ReadRow):
                known_by = self._hash(row.address.normalised)[:_KNOWN_BY]
                (repeated if known_by in seen else seen).add(known_by)
        spool.seek(0)
        return repeated

    def _rows(
        self, spool: BinaryIO, order: ImportOrder
    ) -> tuple[Iterator[ReadRow | Rejection], dict[str, str]]:
        if order.content_type == "application/x-ndjson":
            return _json_rows(spool), {}
        header, first = read_csv(spool)
        plan = ColumnPlan.from_header(header)
        for row in first:
            if isinstance(row, CsvRow):
                plan.observe(row.cells)
        plan.decided()
        spool.seek(0)
        _, second = read_csv(spool)
        return _converted(plan, second), plan.roles

    def _prepare(self, order: ImportOrder, roles: dict[str, str], total: _Counts) -> None:
        """Record who vouches for consent and which column is the last purchase, once."""
        if order.dry_run or not (order.attested_source or roles):
            return

        def decide(tx: PostgresTransaction) -> None:
            organization = tx.load(Organization, order.meta.organization_id)
            if order.attested_source is not None:
                attest = AttestConsent(order.import_id, order.attested_source)
                organization.attest_consent(attest, order.meta)
            for role, attribute in roles.items():
                if role not in organization.attribute_roles:
                    assign = AssignAttributeRole(role, attribute)
                    organization.assign_attribute_role(assign, order.meta)
            tx.save(organization)

        _, appended = self._commands.run(order.meta.organization_id, decide)
        total.positions = merge(total.positions, self._positions(appended))

    def _positions(self, appended: Iterable[Any]) -> Positions:
        triples = [(event.type, event.stream_id, event.position) for event in appended]
        return positions_of(triples, self._commands.codec.registry)

    def _store(
        self, rows: list[ReadRow], order: ImportOrder, tried: _Tried, before: int
    ) -> _Counts:
        """`before`: how many contacts earlier chunks have added."""

        def decide(tx: PostgresTransaction) -> _Counts:
            if order.dry_run:
                tx.allowance.assume(before)
            counts = self._decide(tx, rows, order, tried)
            if order.dry_run:
                raise _DryRunError(counts)
            return counts

        try:
            counts, appended = self._commands.run(order.meta.organization_id, decide)
        except _DryRunError as dry:
            return dry.counts
        counts.positions = self._positions(appended)
        return counts

    def _decide(
        self, tx: PostgresTransaction, rows: list[ReadRow], order: ImportOrder, tried: _Tried
    ) -> _Counts:
        counts = _Counts()
        hashed = [(self._hash(row.address.normalised), row) for row in rows]
        standings = tx.mailable.take([address for address, _ in hashed])
        known = {UUID(s.contact_id) for s in standings.values() if s.contact_id}
        contacts = tx.load_many(Contact, known)
        by_address = {contact.address_hmac: contact for contact in contacts.values()}
        by_address |= {a: tried.contacts[a] for a, _ in hashed if a in tried.contacts}
        for address, row in hashed:
            consent = _consent(row.consent, order)
            contact = by_address.get(address)
            if contact is None:
                added = self._added(tx, row, consent, address, standings[address], order)
                if isinstance(added, Rejection):
                    counts.refused.append(added)
                    continue
                by_address[address] = added
                counts.added += 1
            elif self._change(tx, contact, row, consent, order):
                counts.changed += 1
            else:
                counts.unchanged += 1
        tried.remember(by_address)
        return counts

    def _added(
        self,
        tx: PostgresTransaction,
        row: ReadRow,
        consent: Consent,
        address: bytes,
        standing: Standing,
        order: ImportOrder,
    ) -> Contact | Rejection:
        add = AddContact(self._new_id(), row.details, consent, "import")
        try:
            return begin_contact(tx, add, address, standing, order.meta)
        except RuleViolatedError as error:
            return Rejection(row.line, error.code, str(error))

    def _change(
        self,
        tx: PostgresTransaction,
        contact: Contact,
        row: ReadRow,
        consent: Consent,
        order: ImportOrder,
    ) -> bool:
        """A value that the file leaves empty stays as it is."""
        details = merged(contact.details, row.details)
        changed = contact.revise(details, contact.address_hmac, order.meta)
        if consent.status == "granted":
            changed = contact.record_consent(consent, order.meta) or changed
        if changed:
            save(tx, contact)
        return changed


def merged(now: ContactDetails, given: ContactDetails) -> ContactDetails:
    """What is known with what a file gives put in its place; empty values give nothing."""
    return replace(
        now,
        email=given.email,
        first_name=given.first_name or now.first_name,
        last_name=given.last_name or now.last_name,
        timezone=given.timezone or now.timezone,
        attributes={**now.attributes, **given.attributes},
        tags=given.tags or now.tags,
    )


def _consent(given: Consent, order: ImportOrder) -> Consent:
    """What the row claims, else what the importing person vouches for."""
    if given.status != "unknown" or order.attested_source is None:
        return given
    return Consent("granted", order.attested_source, order.meta.now)


def _chunks(rows: Iterator[ReadRow | Rejection]) -> Iterator[list[ReadRow | Rejection]]:
    chunk: list[ReadRow | Rejection] = []
    for row in rows:
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def _converted(
    plan: ColumnPlan, rows: Iterator[CsvRow | Rejection]
) -> Iterator[ReadRow | Rejection]:
    for row in rows:
        found = plan.convert(row.cells, row.line) if isinstance(row, CsvRow) else row
        if isinstance(row, CsvRow) and isinstance(found, Rejection):
            row.give_back()
        yield found


def _json_rows(spool: io.BufferedIOBase | BinaryIO) -> Iterator[ReadRow | Rejection]:
    for row in read_ndjson(spool):  # type: ignore[arg-type]
        yield _json_row(row) if isinstance(row, JsonRow) else row


_JSON_FIELDS: Final = {
    "email", "first_name", "last_name", "timezone", "attributes", "tags", "consent",
}  # fmt: skip


def _json_row(row: JsonRow) -> ReadRow | Rejection:
    """One object in the shape of POST /v1/contacts; `consent` may be left out."""
    if unknown := set(row.value) - _JSON_FIELDS:
        return Rejection(row.line, "unknown_field", f"Unknown field {min(unknown)!r}.")
    try:
        fields = {**row.value}
        consent = fields.pop("consent", None) or {"status": "unknown"}
        details = ContactDetails.of(**{"email": "", **fields})
        given = Consent.of(consent.get("status"), consent.get("source", ""), _given_at(consent))
        return ReadRow(row.line, details, EmailAddress.parse(details.email), given)
    except InvalidValueError as error:
        return Rejection(row.line, error.code, f"{error.field}: {error}")
    except (TypeError, AttributeError, ValueError):
        return Rejection(row.line, "wrong_type", "A field has the wrong type.")


def _given_at(consent: dict[str, Any]) -> datetime | None:
    """When the consent was given. Raises InvalidValueError."""
    said = consent.get("at")
    if said is None:
        return None
    try:
        return datetime.fromisoformat(said)
    except (TypeError, ValueError):
        raise InvalidValueError(
            "consent.at", "invalid_date", "Write a time such as 2026-11-01T09:00:00Z."
        ) from None
