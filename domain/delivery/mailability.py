"""Whether a contact may be mailed at this instant, and if not, the one reason that is told."""

from __future__ import annotations

from typing import Final, Literal, get_args

WithheldReason = Literal[
    "no_consent", "unsubscribed", "hard_bounced", "complained", "inactive_at_provider",
    "deleted", "erased", "cancelled",
]  # fmt: skip
WITHHELD_REASONS: Final[tuple[WithheldReason, ...]] = get_args(WithheldReason)
_SUPPRESSIONS: Final = frozenset(WITHHELD_REASONS) - {"no_consent", "cancelled"}


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
