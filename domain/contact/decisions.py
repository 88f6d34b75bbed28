"""Which consent counts, which reason for silence outweighs another, and what may lift one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from domain.contact.commands import SuppressionReason
from domain.contact.values import Consent

RANK: Final[dict[SuppressionReason, int]] = {
    "inactive_at_provider": 0,
    "hard_bounced": 1,
    "unsubscribed": 2,
    "complained": 3,
    "deleted": 4,
    "erased": 5,
}
"""A reason replaces only weaker ones: what a person wants outweighs what a mailbox did."""

OF_THE_MAILBOX: Final[frozenset[SuppressionReason]] = frozenset(
    {"inactive_at_provider", "hard_bounced"}
)
_LONG_AGO: Final = datetime(1, 1, 1, tzinfo=UTC)


def strongest(
    one: SuppressionReason | None, other: SuppressionReason | None
) -> SuppressionReason | None:
    """Of two reasons the one that outweighs the other."""
    if one is None or other is None:
        return one or other
    return max(one, other, key=RANK.__getitem__)


def replaces(new: SuppressionReason, present: SuppressionReason | None) -> bool:
    """Whether a new reason is worth recording over the present one."""
    return present is None or RANK[new] > RANK[present]


def may_lift(present: SuppressionReason | None, *, by_the_person: bool) -> bool:
    """Whether somebody may make the address mailable again.

    The provider, or the organization there, may say a mailbox works again. Only the person can
    take back an unsubscribe. A complaint and a deletion stay.
    """
    if present is None:
        return False
    return present in OF_THE_MAILBOX or (by_the_person and present == "unsubscribed")


def follows_to_new_address(present: SuppressionReason | None) -> SuppressionReason | None:
    """What remains when the person's address changes: not what was wrong with the old mailbox."""
    return None if present in OF_THE_MAILBOX else present


def consent_changes(present: Consent, since: datetime, new: Consent) -> bool:
    """Whether a new statement about consent changes the present one, which stands since `since`.

    Not knowing changes nothing that is known. Having agreed before withdrawing is no new
    agreement, however late we hear of it.
    """
    if new == present or new.status == "unknown":
        return False
    if present.status == "withdrawn" and new.status == "granted":
        return (new.at or _LONG_AGO) > (present.at or since)
    return True
