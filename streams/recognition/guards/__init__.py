"""Words that must be there before anything dangerous is understood, and words that settle it.

A sentence may approve, resume, schedule or touch a person's data only when the classifier and
these patterns agree. All of them read the plain words.
"""

from __future__ import annotations

from typing import Final

from streams.recognition.guards.abuse import refuses
from streams.recognition.guards.approval import approves
from streams.recognition.guards.privacy import concerns_privacy
from streams.recognition.guards.resumption import resumes
from streams.recognition.guards.scheduling import schedules
from streams.recognition.guards.settling import settled
from streams.recognition.vocabulary import DANGEROUS

__all__ = [
    "CERTAIN",
    "Ranking",
    "allowed",
    "approves",
    "concerns_privacy",
    "refuses",
    "resumes",
    "schedules",
    "settled",
]

Ranking = tuple[tuple[str, float], ...]
CERTAIN: Final = 0.92
"""Confidence of a sentence that is settled by its words alone."""


def allowed(
    intent: str,
    plain: str,
    *,
    shown: bool,
    named: bool,
    named_person: bool,
) -> bool:
    """Whether the words bear out a dangerous intent; every other intent is allowed."""
    if intent not in DANGEROUS:
        return True
    return {
        "approve_campaign": approves(plain, shown=shown, named=named),
        "resume_campaign": resumes(plain, shown=shown, named=named),
        "schedule_campaign": schedules(plain, shown=shown, named=named),
        "privacy_request": concerns_privacy(plain, named_person=named_person),
    }[intent]
