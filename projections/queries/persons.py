"""Everything that is stored about one person, wherever it is."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from domain.contact.values import EmailAddress
from domain.shared.errors import InvalidValueError
from projections.queries.conversations import Decode
from projections.queries.rows import Conn, Row, fetch_all, fetch_one
from schemas.codec import Event, to_datetime

PAGE = 2_000
"""Events of conversations and test mails that are read at a time, however many there are."""
_SEALING = """
    SELECT bytes, position FROM log.events
    WHERE organization_id = %s AND position > %s AND type IN ('TurnReceived', 'TestSendRequested')
    ORDER BY position LIMIT %s
"""
_STREAMS = """
    SELECT bytes, position FROM log.events WHERE stream_id = ANY(%s::uuid[]) ORDER BY position
"""
_HASHES = """
    SELECT bytes, position FROM log.events
    WHERE stream_id = %s AND type IN ('ContactAdded', 'ContactRevised') ORDER BY version
"""
_DELIVERIES = "SELECT * FROM views.deliveries WHERE contact_id = ANY(%s::uuid[]) ORDER BY id"
_TURNS = """
    SELECT id, conversation_id, number, text, reply, received_at FROM views.turns
    WHERE organization_id = %s AND EXISTS (
        SELECT 1 FROM jsonb_array_elements(mentions) AS m WHERE m ->> 'reference' = ANY(%s))
    ORDER BY received_at, id
"""
_STANDINGS = """
    SELECT address_hmac, consent, suppression, position FROM log.mailable
    WHERE organization_id = %s AND address_hmac = ANY(%s) ORDER BY address_hmac
"""
HashAddress = Callable[[str], bytes]


def address_hashes(conn: Conn, decode: Decode, contact_id: str) -> list[bytes]:
    """Hashes of all addresses the contact ever had, oldest first."""
    events = decode(conn, conn.execute(_HASHES, [contact_id]).fetchall())
    return list(dict.fromkeys(event.data["address_hmac"] for event in events))


def references_to(
    conn: Conn,
    decode: Decode,
    organization_id: str,
    addresses: Collection[bytes],
    hash_address: HashAddress,
) -> list[str]:
    """Ids that stood for one of these addresses before it was a contact's, or since.

    Reads every event of the organization that seals a stranger's address.
    """
    wanted, behind = set(addresses), 0
    found: set[str] = set()
    while rows := conn.execute(_SEALING, [organization_id, behind, PAGE]).fetchall():
        behind = rows[-1][1]
        sealed = _sealed(decode(conn, rows))
        found |= {r for r, text in sealed if _hash(text, hash_address) in wanted}
    return sorted(found)


def _sealed(events: Iterable[Event]) -> Iterator[tuple[str, str]]:
    for event in events:
        if event.type == "TestSendRequested":
            yield event.data["reference"], event.data["address"]
        else:
            for mention in event.data["mentions"]:
                yield mention["reference"], mention["address"] or ""


def _hash(text: str, hash_address: HashAddress) -> bytes:
    try:
        return hash_address(EmailAddress.parse(text).normalised) if text else b""
    except InvalidValueError:
        return b""


def everything_about(
    conn: Conn, decode: Decode, organization_id: str, contact_id: str, hash_address: HashAddress
) -> dict[str, Any] | None:
    """All that is known of a contact, deleted or not; None when there is none."""
    row = fetch_one(conn, "SELECT * FROM views.contacts WHERE id = %s", [contact_id])
    if row is None or row["suppression"] == "erased":
        return None
    hashes = address_hashes(conn, decode, contact_id)
    references = references_to(conn, decode, organization_id, hashes, hash_address)
    ids = sorted({contact_id, *references})
    deliveries = fetch_all(conn, _DELIVERIES, [ids])
    streams = [contact_id, *(delivery["id"] for delivery in deliveries)]
    histories = _histories(conn, decode, streams)
    return {
        "contact": row,
        "references": references,
        "standings": fetch_all(conn, _STANDINGS, [organization_id, hashes]),
        "history": histories.get(contact_id, []),
        "deliveries": [
            {**delivery, "history": histories.get(delivery["id"], [])} for delivery in deliveries
        ],
        "turns": fetch_all(conn, _TURNS, [organization_id, ids]),
    }


def _histories(conn: Conn, decode: Decode, streams: list[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for event in decode(conn, conn.execute(_STREAMS, [streams]).fetchall()):
        entry = {
            "event": event.type,
            "at": to_datetime(event.occurred_at),
            "position": event.position,
            "actor": event.actor,
            "details": event.data,
        }
        found.setdefault(event.stream_id, []).append(entry)
    return found
