"""What may be asked of an organization and a business."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID


@dataclass(frozen=True, slots=True)
class IssueApiKey:
    """`secret_hash` is the SHA-256 of the secret, which is shown once and never kept."""

    key_id: UUID
    secret_hash: bytes
    prefix: str
    scopes: tuple[str, ...] = ("*",)
    name: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ReplaceApiKey:
    """The successor has the key's name and scopes; the key is accepted for `overlap` more."""

    key_id: UUID
    successor_id: UUID
    secret_hash: bytes
    prefix: str
    overlap: timedelta
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ConnectPostmark:
    server_token: str
    webhook_username: str
    webhook_password: str
    webhook_password_hash: bytes
    broadcast_stream: str = "broadcast"
    transactional_stream: str = "outbound"


@dataclass(frozen=True, slots=True)
class RecordRegistration:
    message_stream: str
    webhook_id: str
    unsubscribe_handling: str


@dataclass(frozen=True, slots=True)
class AttestConsent:
    import_id: UUID
    source: str


@dataclass(frozen=True, slots=True)
class AssignAttributeRole:
    role: str
    attribute: str


@dataclass(frozen=True, slots=True)
class Profile:
    """A business as it describes itself; texts may be empty, `timezone` is an IANA name."""

    name: str
    industry: str = ""
    business_model: str = ""
    brand_voice: str = ""
    target_audience: str = ""
    website: str = ""
    timezone: str = "UTC"
    sender_name: str = ""
    sender_email: str = ""
    postal_address: str = ""
