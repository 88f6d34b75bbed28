"""API keys: how long one is accepted, and who may hand out what."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from domain.access.permissions import Permission, permissions_of
from domain.shared.errors import InvalidValueError, RuleViolatedError

LONGEST_LIFE: Final = timedelta(days=5 * 366)
LONGEST_OVERLAP: Final = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as the organization's history tells it. `ends_at`: its expiry, or the end of the
    overlap with its successor, whichever comes first."""

    secret_hash: bytes
    prefix: str
    scopes: tuple[str, ...]
    name: str | None = None
    ends_at: datetime | None = None
    revoked: bool = False
    replaced_by: UUID | None = None

    def in_use(self, now: datetime) -> bool:
        """Whether it is accepted at this moment."""
        return not self.revoked and (self.ends_at is None or now < self.ends_at)


def check_expiry(at: datetime | None, now: datetime) -> None:
    """Raise InvalidValueError unless the time is to come, and within five years."""
    if at is None:
        return
    if at.tzinfo is None:
        raise InvalidValueError("expires_at", "no_zone", "Say the time with its zone.")
    if at <= now:
        raise InvalidValueError("expires_at", "expiry_in_past", "A key expires in the future.")
    if at - now > LONGEST_LIFE:
        raise InvalidValueError("expires_at", "expiry_too_far", "A key lives five years at most.")


def check_overlap(overlap: timedelta) -> None:
    """Raise InvalidValueError for an overlap below nothing or over thirty days."""
    if not timedelta() <= overlap <= LONGEST_OVERLAP:
        raise InvalidValueError("overlap", "overlap_too_long", "Two keys overlap 30 days at most.")


def check_replaceable(key: ApiKey, now: datetime) -> None:
    """Raise RuleViolatedError unless the key is in use and has no successor."""
    if not key.in_use(now):
        raise RuleViolatedError("key_not_in_use", "This key is not in use; make a new one.")
    if key.replaced_by is not None:
        raise RuleViolatedError(
            "key_replaced", f"This key has a successor, {key.replaced_by}; rotate that one."
        )


def end_of_overlap(key: ApiKey, overlap: timedelta, now: datetime) -> datetime:
    """Until when a key that is replaced now is accepted; never longer than before."""
    end = now + overlap
    return end if key.ends_at is None else min(end, key.ends_at)


def beyond(scopes: Collection[str], held: Collection[Permission]) -> list[Permission]:
    """What a key with these scopes could do that somebody with `held` cannot."""
    return sorted(permissions_of(scopes) - frozenset(held))
