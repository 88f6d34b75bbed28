"""Whether a contact may be mailed at this instant, and if not, the one reason that is told."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final, Literal, get_args

from domain.delivery.states import UNSETTLED, State

WithheldReason = Literal[
    "no_consent", "unsubscribed", "hard_bounced", "complained", "inactive_at_provider",
    "deleted", "erased", "cancelled",
]  # fmt: skip
WITHHELD_REASONS: Final[tuple[WithheldReason, ...]] = get_args(WithheldReason)
_SUPPRESSIONS: Final = frozenset(WITHHELD_REASONS) - {"no_consent", "cancelled"}
SAME_ADDRESS: Final[WithheldReason] = "cancelled"
"""Why a delivery is withheld whose address got the same e-mail as another contact's: its proof is
the event of that other delivery, where a campaign that was cancelled has its cancellation."""


def decide(consent: str | None, suppression: str | None) -> WithheldReason | None:
    """Why the contact must not be mailed, or None when it may.

    Both as the table of mailable addresses has them; `consent` None: it has no row for the
    contact, who is gone. A suppression is told before a missing consent, which it outlasts.
    A suppression of a kind we do not know is refused (ValueError), never overlooked.
    """
    if suppression is not None:
        for known in WITHHELD_REASONS:
            if suppression == known and known in _SUPPRESSIONS:
                return known
        raise ValueError(f"{suppression!r} is no reason for a suppression")
    if consent is None:
        return "deleted"
    return None if consent == "granted" else "no_consent"


def beside(others: Collection[State]) -> Literal["send", "wait", "withhold"]:
    """What becomes of a delivery whose address others of the same step were claimed for.

    It waits as long as it is not known whether one of them got there: nobody is mailed twice, and
    nobody is forgotten when nothing left.
    """
    if any(other in UNSETTLED - {"intended"} for other in others):
        return "wait"
    return "send" if all(other in ("intended", "refused") for other in others) else "withhold"
