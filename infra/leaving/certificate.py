"""What the deletion of an organization did, as a signed statement, and what stays readable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from infra.erasure.certificate import instant_text, read_signed, sign_statement
from infra.signing import Signer

KIND: Final = "nudge-departure/1"
PURPOSE: Final = "nudge-departure-certificate"
SETTLES: Final = timedelta(minutes=10)
"""After this nothing of the organization is under way any more: everything is swept once more."""
GONE: Final = (
    "every key of the organization and of its people",
    "its API keys, users, sessions and logins of analysts: turned away within a second",
    "its rows in Postgres: read models, who may be mailed, the send ledger, kept answers, quotas",
)
EXPIRES: Final[tuple[tuple[str, str, timedelta], ...]] = (
    ("clickhouse:*", "rows of its events, without personal data", SETTLES),
    ("postgres:*", "rows of what was under way at that moment", SETTLES),
    ("kafka:postmark-webhooks", "raw webhooks, as the provider sent them", timedelta(days=7)),
    ("kafka:postmark-webhooks-dlq", "raw webhooks that nobody understood", timedelta(days=7)),
)
STAYS: Final[tuple[tuple[str, str], ...]] = (
    (
        "postgres:log.events, kafka:*-events",
        "types, ids, times and what is no personal data; what was sealed opens for nobody",
    ),
    ("postgres:log.subject_keys", "ids of subjects, without a key"),
    ("the erasure ledger", "certificates: hashes of addresses of people erased before"),
    ("key backups made before", "wrapped keys, until `nudge backup prune` or they are deleted"),
    ("the provider", "what was sent, by its own rules"),
)


@dataclass(frozen=True, slots=True)
class Kept:
    """Events of one type that stay in the log."""

    type: str
    events: int
    streams: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Departure:
    """What the log says of one deletion."""

    organization_id: str
    position: int
    deleted_at: datetime
    actor: str
    keys_destroyed: int
    kept: Sequence[Kept]


def statement_of(departure: Departure) -> dict[str, Any]:
    """The certificate's text."""
    at = departure.deleted_at
    return {
        "kind": KIND,
        "organization_id": departure.organization_id,
        "deleted_at": instant_text(at),
        "position": departure.position,
        "actor": departure.actor,
        "keys_destroyed": departure.keys_destroyed,
        "gone": list(GONE),
        "expires": [
            {"where": where, "what": what, "until": instant_text(at + after)}
            for where, what, after in EXPIRES
        ],
        "remains": [{"where": where, "what": what} for where, what in STAYS],
        "events": [
            {
                "type": kept.type,
                "events": kept.events,
                "streams": kept.streams,
                "first": instant_text(kept.first),
                "last": instant_text(kept.last),
            }
            for kept in departure.kept
        ],
    }


def certify(departure: Departure, signer: Signer) -> dict[str, Any]:
    """The signed certificate; the same for the same deletion."""
    return sign_statement(statement_of(departure), PURPOSE, signer)


def read_certificate(document: Any, public_key: bytes | None = None) -> Mapping[str, Any]:
    """The certificate's text, its signature checked; `public_key`: whose it must be.

    Raises CertificateError.
    """
    return read_signed(document, {KIND: PURPOSE}, "a deletion", public_key)
