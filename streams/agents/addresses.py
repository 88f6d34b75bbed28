"""What webhooks say about addresses, acted on at once: suppressed, or mailable again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast

from domain.contact.commands import SuppressionReason
from domain.contact.mailable import Note, Standing
from domain.contact.values import EmailAddress
from domain.ports import NewId
from domain.shared.errors import InvalidValueError
from schemas.codec import to_datetime
from streams.agents.ports import Fact, HashAddress, Place, WorkerTransaction
from streams.ports import TransientError
from streams.steps.suppression import NO_SIGNS, Change, Signs, change, with_signs
from streams.steps.webhooks import OF_THE_PERSON, Sign

_PRESENT = """
    SELECT contact_id, organization_id, address_hmac FROM log.mailable
    WHERE contact_id = ANY(%s::uuid[])
"""
_READ = """
    SELECT organization_id, address_hmac, complained, unsubscribed, hard_bounced, inactive,
           lifted, returned
    FROM state.address_signals JOIN unnest(%s::uuid[], %s::bytea[]) AS u (o, h)
      ON organization_id = o AND address_hmac = h
"""
_WRITE = """
    INSERT INTO state.address_signals (organization_id, address_hmac, complained, unsubscribed,
        hard_bounced, inactive, lifted, returned)
    SELECT * FROM unnest(%s::uuid[], %s::bytea[], %s::timestamptz[], %s::timestamptz[],
        %s::timestamptz[], %s::timestamptz[], %s::timestamptz[], %s::timestamptz[])
    ON CONFLICT (organization_id, address_hmac) DO UPDATE SET
        complained = excluded.complained, unsubscribed = excluded.unsubscribed,
        hard_bounced = excluded.hard_bounced, inactive = excluded.inactive,
        lifted = excluded.lifted, returned = excluded.returned
"""


class Heard(NamedTuple):
    """A sign about an address, if it is one. `at` in microseconds.

    `contact_id`: whose mail it was, where the sign is to be heard about the contact too.
    """

    organization_id: str
    recipient: str | None
    sign: Sign | None
    at: int
    delivery_id: str | None
    correlation_id: str
    causation_id: str
    contact_id: str | None


class Addresses:
    """Turns signs into suppressions and reactivations. Stateless but for what it was made of."""

    def __init__(self, hash_address: HashAddress, new_id: NewId) -> None:
        self._hash = hash_address
        self._new_id = new_id

    def hear(self, tx: WorkerTransaction, heard: Sequence[Heard]) -> None:
        """Act on the signs among these. Locks the addresses' rows, all at once."""
        by_place: dict[Place, list[Heard]] = {}
        for each in heard:
            place = self._place(each)
            if place:
                by_place.setdefault(place, []).append(each)
        if not by_place:
            return
        moved = _moved(tx, by_place)
        for place, (_, signs) in moved.items():
            by_place.setdefault(place, []).extend(signs)
        standings = tx.take(by_place)
        if any(standings[place].contact_id != contact for place, (contact, _) in moved.items()):
            raise TransientError("a contact's address changed meanwhile")
        known = _read(tx, by_place)
        after = {p: with_signs(known.get(p, NO_SIGNS), _signs(h)) for p, h in by_place.items()}
        _write(tx, {p: s for p, s in after.items() if s != known.get(p)})
        since = _decided_at(tx, standings)
        changes = {
            place: change(
                cast("SuppressionReason | None", standings[place].suppression),
                known.get(place, NO_SIGNS), after[place], since.get(standings[place].position),
            )
            for place in by_place
        }  # fmt: skip
        self._record(tx, standings, {p: c for p, c in changes.items() if any(c)}, by_place)

    def _place(self, each: Heard) -> Place | None:
        if each.sign is None or each.recipient is None:
            return None
        try:
            address = EmailAddress.parse(each.recipient)
        except InvalidValueError:
            return None  # nothing we could ever mail
        return each.organization_id, self._hash(address.normalised)

    def _record(
        self,
        tx: WorkerTransaction,
        standings: dict[Place, Standing],
        changes: dict[Place, Change],
        by_place: dict[Place, list[Heard]],
    ) -> None:
        contacts = [c for place in changes if (c := standings[place].contact_id)]
        versions = tx.versions(contacts) if contacts else {}
        for place, what in changes.items():
            standing = standings[place]
            stream = standing.contact_id or str(self._new_id())
            facts = _facts(place, standing, stream, versions.get(stream, 0), what, by_place[place])
            tx.add(*facts)
            note = Note(place[1], standing.contact_id, standing.consent, what.suppress, stream)
            tx.note(place[0], note)


def _moved(
    tx: WorkerTransaction, by_place: dict[Place, list[Heard]]
) -> dict[Place, tuple[str, list[Heard]]]:
    """Where contacts are now who said no at an address that they had before, and what they said.

    A no of the person holds for the new address too, as if the address had changed after it; what
    is wrong with the old mailbox does not.
    """
    said: dict[str, list[tuple[Place, Heard]]] = {}
    for place, heard in by_place.items():
        for each in heard:
            if each.contact_id and each.sign in OF_THE_PERSON:
                said.setdefault(each.contact_id, []).append((place, each))
    if not said:
        return {}
    found: dict[Place, tuple[str, list[Heard]]] = {}
    for contact, organization, address in tx.connection.execute(_PRESENT, (list(said),)).fetchall():
        present = organization, bytes(address)
        elsewhere = [each for place, each in said[contact] if place != present]
        if elsewhere:
            found[present] = contact, elsewhere
    return found


def _facts(
    place: Place,
    standing: Standing,
    stream: str,
    version: int,
    what: Change,
    heard: Sequence[Heard],
) -> list[Fact]:
    last = heard[-1]
    about = {"address_hmac": place[1], "contact_id": standing.contact_id, "origin": "webhook"}
    facts: list[Fact] = []

    def add(event_type: str, **more: str | None) -> None:
        facts.append(
            Fact(
                event_type, stream, version + len(facts) + 1, {**about, **more}, place[0],
                last.correlation_id, last.causation_id,
            )
        )  # fmt: skip

    if what.reactivate:
        add("AddressReactivated")
    if what.suppress:
        add("AddressSuppressed", reason=what.suppress, delivery_id=last.delivery_id)
    return facts


def _signs(heard: Sequence[Heard]) -> list[tuple[Sign, datetime]]:
    return [(each.sign, to_datetime(each.at)) for each in heard if each.sign]


def _columns(places: Sequence[Place]) -> tuple[list[str], list[bytes]]:
    return [place[0] for place in places], [place[1] for place in places]


def _read(tx: WorkerTransaction, places: dict[Place, list[Heard]]) -> dict[Place, Signs]:
    rows = tx.connection.execute(_READ, _columns(list(places))).fetchall()
    return {(row[0], bytes(row[1])): Signs(*row[2:]) for row in rows}


def _write(tx: WorkerTransaction, signs: dict[Place, Signs]) -> None:
    if signs:
        times = [list(column) for column in zip(*signs.values(), strict=True)]
        tx.connection.execute(_WRITE, (*_columns(list(signs)), *times))


def _decided_at(tx: WorkerTransaction, standings: dict[Place, Standing]) -> dict[int, datetime]:
    """When each present suppression was recorded, by its position."""
    positions = [s.position for s in standings.values() if s.suppression]
    if not positions:
        return {}
    return dict(
        tx.connection.execute(
            "SELECT position, recorded_at FROM log.events WHERE position = ANY(%s)", (positions,)
        ).fetchall()
    )
