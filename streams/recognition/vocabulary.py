"""The closed lists of the public contract that a recogniser may answer with."""

from __future__ import annotations

from typing import Final

INTENTS: Final = (
    "create_campaign",
    "modify_campaign",
    "approve_campaign",
    "reject_campaign",
    "schedule_campaign",
    "pause_campaign",
    "resume_campaign",
    "cancel_campaign",
    "query_performance",
    "query_audience",
    "send_test",
    "manage_contacts",
    "privacy_request",
    "set_business_context",
    "help",
    "small_talk",
    "clarify",
    "refuse",
)
CAMPAIGN_TYPES: Final = (
    "welcome",
    "nurture",
    "convert",
    "abandon",
    "win_back",
    "announce",
    "newsletter",
    "promotional",
)
SLOTS: Final = (
    "audience",
    "offer",
    "product",
    "occasion",
    "schedule",
    "expires",
    "trigger",
    "delay",
    "tone",
    "subject",
    "count_of_emails",
    "discount_code",
    "language",
    "campaign",
    "contact",
    "email",
    "metric",
    "period",
)
METRICS: Final = (
    "opens",
    "clicks",
    "bounces",
    "unsubscribes",
    "deliveries",
    "sales",
    "complaints",
)
OFFER_KINDS: Final = ("percent", "amount", "free_shipping", "gift", "other")

DANGEROUS: Final = frozenset(
    {"approve_campaign", "resume_campaign", "schedule_campaign", "privacy_request"}
)
"""Intents that send mail or touch a person's data: taken only with explicit words for them."""

WITHOUT_SLOTS: Final = frozenset({"refuse", "help", "small_talk"})
"""Intents on which nothing is acted, so no detail of theirs is kept."""
