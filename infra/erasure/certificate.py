"""What an erasure did, as a signed statement: what is gone, what goes when, and what remains."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from domain.shared.canonical import canonical_json
from infra.signing import Signer, is_signed

KIND: Final = "nudge-erasure/1"
PURPOSE: Final = "nudge-erasure-certificate"
WEBHOOKS: Final = "kafka:postmark-webhooks"
WEBHOOK_LETTERS: Final = "kafka:postmark-webhooks-dlq"
WAITING: Final = "postgres:state.webhook_waiting"
ANSWERS: Final = "postgres:state.idempotency"
EXPIRING: Final[tuple[tuple[str, str, timedelta], ...]] = (
    (WEBHOOKS, "raw webhooks, as the provider sent them", timedelta(days=7)),
    (WEBHOOK_LETTERS, "raw webhooks that could not be understood", timedelta(days=7)),
    (WAITING, "raw webhooks that wait for their message", timedelta(minutes=10)),
    (ANSWERS, "answers kept for repeats, under the organization's key", timedelta(hours=24)),
)
"""Where personal data may still be, what it is, and how long at most."""
REMAINS: Final[tuple[tuple[str, str], ...]] = (
    ("postgres:log.mailable", "keyed hash of the address, so that it is never mailed again"),
    (
        "postgres:log.events, kafka:*-events",
        "what was sealed, which nobody can open any more",
    ),
    (
        "deliveries and counts",
        "that something was sent, to a keyed hash, so that no e-mail goes there twice",
    ),
    ("the organization's own words", "names that its people typed, in conversations and mails"),
    ("key backups made before", "the wrapped key, until `nudge backup prune` or they are deleted"),
    ("the provider", "what was sent, by its own rules"),
)


@dataclass(frozen=True, slots=True)
class Erasure:
    """What the log says of one erasure. `addresses` are the hashes of all the person ever had."""

    organization_id: str
    contact_id: str
    position: int
    erased_at: datetime
    actor: str
    references: tuple[str, ...]
    addresses: tuple[bytes, ...]


class CertificateError(Exception):
    """This is no certificate of ours, or it was changed; the message says which."""


def statement_of(erasure: Erasure) -> dict[str, Any]:
    """The certificate's text."""
    return {
        "kind": KIND,
        "organization_id": erasure.organization_id,
        "contact_id": erasure.contact_id,
        "erased_at": instant_text(erasure.erased_at),
        "position": erasure.position,
        "actor": erasure.actor,
        "keys_destroyed": sorted({erasure.contact_id, *erasure.references}),
        "address_hashes": [address.hex() for address in erasure.addresses],
        "expires": [
            {"where": where, "what": what, "until": instant_text(erasure.erased_at + after)}
            for where, what, after in EXPIRING
        ],
        "remains": [{"where": where, "what": what} for where, what in REMAINS],
    }


def certify(erasure: Erasure, signer: Signer) -> dict[str, Any]:
    """The signed certificate; the same for the same erasure."""
    return sign_statement(statement_of(erasure), PURPOSE, signer)


def read_certificate(document: Any, public_key: bytes | None = None) -> Mapping[str, Any]:
    """The certificate's text, its signature checked; `public_key`: whose it must be.

    Raises CertificateError.
    """
    return read_signed(document, {KIND: PURPOSE}, "an erasure", public_key)


def sign_statement(statement: Mapping[str, Any], purpose: str, signer: Signer) -> dict[str, Any]:
    """The statement with its signature; `read_signed` reads it."""
    signature = signer.sign(purpose, canonical_json(statement).encode())
    return {
        "certificate": statement,
        "public_key": signer.public_key.hex(),
        "signature": signature.hex(),
    }


def read_signed(
    document: Any, purposes: Mapping[str, str], of: str, public_key: bytes | None = None
) -> Mapping[str, Any]:
    """A signed statement of one of these kinds, each signed for a purpose of its own.

    `of`: what it should be a certificate of, for who is told that it is none. Raises
    CertificateError.
    """
    try:
        statement, named = document["certificate"], bytes.fromhex(document["public_key"])
        signature, kind = bytes.fromhex(document["signature"]), statement["kind"]
        purpose = purposes.get(kind, PURPOSE)
        signed = is_signed(named, purpose, canonical_json(statement).encode(), signature)
    except (TypeError, KeyError, ValueError):
        raise CertificateError(f"this is no certificate of {of}") from None
    if not signed:
        raise CertificateError("the certificate was changed: its signature does not fit")
    if public_key is not None and named != public_key:
        raise CertificateError(f"another installation's certificate: signed by {named.hex()}")
    if kind not in purposes:
        raise CertificateError(f"the certificate is of an unknown kind: {kind!r}")
    found: Mapping[str, Any] = statement
    return found


def erasure_of(statement: Mapping[str, Any]) -> Erasure:
    """The erasure that a checked certificate tells of."""
    contact = statement["contact_id"]
    return Erasure(
        statement["organization_id"],
        contact,
        statement["position"],
        datetime.fromisoformat(statement["erased_at"]),
        statement["actor"],
        tuple(each for each in statement["keys_destroyed"] if each != contact),
        tuple(bytes.fromhex(each) for each in statement["address_hashes"]),
    )


def instant_text(moment: datetime) -> str:
    """The moment as certificates say it: RFC 3339 in UTC."""
    return moment.isoformat().replace("+00:00", "Z")
