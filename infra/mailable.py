"""Who may be mailed, in Postgres: rows of `log.mailable`, taken before deciding, written after."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from domain.contact.mailable import Note, Standing
from infra.event_log import Appended
from infra.postgres import Connection
from infra.transactions import PostgresTransaction

Place = tuple[str, bytes]
"""Organization and address hash: the key of a row."""

# DO UPDATE locks every row in the order given, those it inserts and those it finds, and its WHERE
# keeps it from writing the latter.
_TAKE = """
    INSERT INTO log.mailable AS m (organization_id, address_hmac)
    SELECT o, h FROM unnest(%s::uuid[], %s::bytea[]) AS u (o, h) ORDER BY o, h
    ON CONFLICT (organization_id, address_hmac) DO UPDATE SET position = m.position WHERE false
"""
_READ = """
    SELECT organization_id, address_hmac, contact_id, consent, suppression, position
    FROM log.mailable JOIN unnest(%s::uuid[], %s::bytea[]) AS u (o, h)
      ON organization_id = o AND address_hmac = h
"""
_WRITE = """
    UPDATE log.mailable SET contact_id = c, consent = s, suppression = r,
        position = greatest(position, p)
    FROM unnest(%s::uuid[], %s::bytea[], %s::uuid[], %s::text[], %s::text[], %s::bigint[])
        AS u (o, h, c, s, r, p)
    WHERE organization_id = o AND address_hmac = h
"""


class Written(NamedTuple):
    """A row as it shall read."""

    organization_id: str
    note: Note
    position: int


def take_rows(connection: Connection, places: Iterable[Place]) -> dict[Place, Standing]:
    """Lock these rows in key order, making those that are missing, and read them."""
    columns = [list(column) for column in zip(*sorted(set(places)), strict=True)]
    if not columns:
        return {}
    connection.execute(_TAKE, columns)
    rows = connection.execute(_READ, columns).fetchall()
    return {(row[0], bytes(row[1])): Standing(*row[2:]) for row in rows}


def write_rows(connection: Connection, rows: Sequence[Written]) -> None:
    """Write taken rows. One that gives up its contact goes first, so that another can take it."""
    for part in (
        [row for row in rows if row.note.contact_id is None],
        [row for row in rows if row.note.contact_id is not None],
    ):
        if part:
            connection.execute(
                _WRITE,
                (
                    [row.organization_id for row in part],
                    [row.note.address_hmac for row in part],
                    [row.note.contact_id for row in part],
                    [row.note.consent for row in part],
                    [row.note.suppression for row in part],
                    [row.position for row in part],
                ),
            )


def highest_positions(appended: Iterable[Appended]) -> Mapping[str, int]:
    """The highest position by stream."""
    highest: dict[str, int] = {}
    for event in appended:
        highest[event.stream_id] = max(event.position, highest.get(event.stream_id, 0))
    return highest


class PostgresMailable:
    """The Mailable of one transaction: `PostgresMailable(transaction)`."""

    def __init__(self, transaction: PostgresTransaction) -> None:
        self._transaction = transaction
        self._organization = str(transaction.organization_id)
        self._notes: dict[bytes, Note] = {}

    def take(self, address_hmacs: Sequence[bytes]) -> dict[bytes, Standing]:
        """Standings by address hash, locked."""
        places = [(self._organization, address) for address in address_hmacs]
        taken = take_rows(self._transaction.connection, places)
        return {address: standing for (_, address), standing in taken.items()}

    def note(
        self,
        address_hmac: bytes,
        *,
        contact_id: str | None,
        consent: str,
        suppression: str | None,
        stream_id: str,
    ) -> None:
        """Let this stand for a taken address; the last word about an address counts."""
        self.note_many([Note(address_hmac, contact_id, consent, suppression, stream_id)])

    def note_many(self, notes: Sequence[Note]) -> None:
        """The same for many, written in one statement after the append."""
        if notes and not self._notes:
            self._transaction.after_append(self._write)
        self._notes.update((note.address_hmac, note) for note in notes)

    def _write(self) -> None:
        positions = highest_positions(self._transaction.appended)
        notes, self._notes = self._notes, {}
        write_rows(
            self._transaction.connection,
            [
                Written(self._organization, note, positions.get(note.stream_id, 0))
                for note in notes.values()
            ],
        )
