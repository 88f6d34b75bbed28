"""Quotas: how many contacts an organization may have, and how many deliveries it may send a month.

A delivery counts once, in the calendar month (UTC) of the claim that is still its own: one that is
given back, unsent, counts no longer. Test mails do not count: they have a limit of their own.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final, Protocol

from domain.shared.errors import InvalidValueError, RuleViolatedError

SENDS_REACHED: Final = "sends_quota_reached"
"""Why a campaign is paused whose sends are over the quota."""
LARGEST: Final = 10**12


@dataclass(frozen=True, slots=True)
class Quota:
    """What an operator allows; None: any number."""

    contacts: int | None = None
    sends_a_month: int | None = None


UNLIMITED: Final = Quota()


class Allowance(Protocol):
    """What is left of the quota, inside one transaction."""

    def add_contact(self) -> None:
        """One contact more. Raises RuleViolatedError `contacts_quota_reached`.

        Comes after the addresses of the transaction are taken.
        """
        ...

    def remove_contact(self) -> None:
        """One contact less."""
        ...


def checked(quota: Quota) -> Quota:
    """The quota. Raises InvalidValueError for a number below nothing, or absurdly large."""
    for field, value in (("contacts", quota.contacts), ("sends_a_month", quota.sends_a_month)):
        if value is not None and not 0 <= value <= LARGEST:
            raise InvalidValueError(field, "invalid_quota", f"A quota is 0 to {LARGEST:,}.")
    return quota


def admitted(limit: int | None, used: int, wanted: int) -> int:
    """How many of `wanted` fit below the limit; none once it is exceeded."""
    return wanted if limit is None else max(0, min(wanted, limit - used))


def ensure_contact_fits(limit: int | None, used: int) -> None:
    """Raise RuleViolatedError unless one contact more is within the quota."""
    if not admitted(limit, used, 1):
        raise RuleViolatedError(
            "contacts_quota_reached",
            f"The organization may have {limit:,} contacts and has {used:,}. Delete some, or ask"
            " the operator for more.",
        )


def month_of(moment: datetime) -> date:
    """The month (UTC) in which something counts, as its first day. `moment` is aware."""
    return moment.astimezone(UTC).date().replace(day=1)


def why_held_back(limit: int, month: date) -> str:
    """What a person reads of a campaign whose sends are held back."""
    return (
        f"All {limit:,} sends of {month:%B %Y} are used. Nothing is lost: resume the campaign next"
        " month, or once the operator has raised the quota (nudge org quota)."
    )
