"""Addresses that somebody typed, replaced by references before anything is recorded."""

from __future__ import annotations

import re
from uuid import UUID

from api.ports import CommandTransaction
from domain.contact.handlers import HashAddress
from domain.contact.values import EmailAddress
from domain.conversation.values import Mention
from domain.ports import NewId
from domain.shared.errors import InvalidValueError

_QUOTES = "\u2018\u2019\u201c\u201d"
_PART = rf"[^\s<>\"'{_QUOTES}(),;:\[\]{{}}|@]+"
_CANDIDATE = re.compile(rf"{_PART}@{_PART}")
_AROUND = ".,!?…*_~`"


def referenced(
    tx: CommandTransaction, text: str, hash_address: HashAddress, new_id: NewId
) -> tuple[str, list[Mention]]:
    """The text with `[[reference]]` for each address, and what the references stand for.

    The contact's id where the address is a contact's; else a new random id.
    """
    found = _addresses(text)
    if not found:
        return text, []
    hashes = {typed: hash_address(address.normalised) for typed, address in found.items()}
    known = {
        bytes(hashed): contact_id
        for hashed, contact_id in tx.connection.execute(
            "SELECT address_hmac, contact_id FROM log.mailable WHERE organization_id = %s"
            " AND address_hmac = ANY(%s) AND contact_id IS NOT NULL",
            (str(tx.organization_id), list(set(hashes.values()))),
        ).fetchall()
    }
    mentions: dict[bytes, Mention] = {}
    for typed, hashed in hashes.items():
        if hashed not in mentions:
            contact_id = known.get(hashed)
            mentions[hashed] = (
                Mention(UUID(contact_id)) if contact_id else Mention(new_id(), found[typed].given)
            )
    replaced = _CANDIDATE.sub(lambda match: _replaced(match[0], hashes, mentions), text)
    return replaced, list(mentions.values())


def _addresses(text: str) -> dict[str, EmailAddress]:
    """Each word that is an address, as it was typed."""
    found: dict[str, EmailAddress] = {}
    for match in _CANDIDATE.finditer(text):
        word = match[0].strip(_AROUND)
        try:
            found[word] = EmailAddress.parse(word)
        except InvalidValueError:
            continue
    return found


def _replaced(word: str, hashes: dict[str, bytes], mentions: dict[bytes, Mention]) -> str:
    typed = word.strip(_AROUND)
    if typed not in hashes:
        return word
    return word.replace(typed, f"[[{mentions[hashes[typed]].reference}]]", 1)
