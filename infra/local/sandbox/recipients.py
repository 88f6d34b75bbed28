"""The played recipients: what one does with one mail, decided by seed, address and subject."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any

from infra.local.sandbox.behaviour import Behaviour, Span
from infra.local.sandbox.clients import CLIENTS, PLACES

BOUNCE_TESTING = "bounce-testing.postmarkapp.com"
BLACKHOLE = "blackhole.postmarkapp.com"
_TEST_BOUNCES = {
    "hardbounce": "HardBounce",
    "softbounce": "SoftBounce",
    "transient": "Transient",
    "blocked": "Blocked",
    "subscribe": "Subscribe",
    "unsubscribe": "Unsubscribe",
    "autoresponder": "AutoResponder",
    "spamcomplaint": "SpamComplaint",
}
_MOST_OPENS = 4


@dataclass(frozen=True, slots=True)
class Planned:
    """Something that will happen, `after` seconds of real life from acceptance."""

    record_type: str
    after: float
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Letter:
    """What a recipient sees of a mail, and whether reactions to it can be observed."""

    recipient: str
    subject: str
    tag: str
    tracks_opens: bool
    tracks_links: bool
    provider_unsubscribe: bool
    one_click: str | None
    links: Callable[[], list[tuple[str, str]]]


def _random(*parts: object) -> Random:
    digest = blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest))


def _within(rng: Random, span: Span, *, skew: float = 1.0) -> float:
    """A moment in the span; a skew above 1 makes early ones likelier."""
    return span[0] + (span[1] - span[0]) * math.pow(rng.random(), skew)


def plan(letter: Letter, behaviour: Behaviour) -> list[Planned]:
    """All that this recipient will do with this mail, in no particular order.

    Whether the mailbox works depends on the address alone, reactions on subject and tag too:
    the same campaign to the same people goes the same way again.
    """
    local, _, domain = letter.recipient.lower().rpartition("@")
    rng = _random(behaviour.seed, letter.recipient.lower(), letter.subject, letter.tag)
    if domain == BOUNCE_TESTING:
        return _bounced(_TEST_BOUNCES.get(local, "HardBounce"), rng, behaviour)
    delivered = Planned("Delivery", _within(rng, behaviour.delays.delivery))
    if domain == BLACKHOLE:
        return [delivered]
    rates = behaviour.rates
    fate = _random(behaviour.seed, letter.recipient.lower()).random()
    for rate, bounce in (
        (rates.hard_bounce, "HardBounce"),
        (rates.soft_bounce, "SoftBounce"),
        (rates.blocked, "Blocked"),
    ):
        if fate < rate:
            return _bounced(bounce, rng, behaviour)
        fate -= rate
    if fate < rates.silent:
        return []
    return [delivered, *_reactions(letter, delivered.after, rng, behaviour)]


def _bounced(kind: str, rng: Random, behaviour: Behaviour) -> list[Planned]:
    after = _within(rng, behaviour.delays.bounce)
    if kind == "SpamComplaint":
        return _complained(after)
    bounce = Planned("Bounce", after, {"Type": kind})
    return [bounce, _suppressed("HardBounce", after)] if kind == "HardBounce" else [bounce]


def _complained(after: float) -> list[Planned]:
    complaint = Planned("SpamComplaint", after, {"Type": "SpamComplaint"})
    return [complaint, _suppressed("SpamComplaint", after)]


def _suppressed(reason: str, after: float) -> Planned:
    return Planned(
        "SubscriptionChange",
        after,
        {"Origin": "Recipient", "SuppressSending": True, "SuppressionReason": reason},
    )


def _reactions(
    letter: Letter, delivered: float, rng: Random, behaviour: Behaviour
) -> list[Planned]:
    rates, delays = behaviour.rates, behaviour.delays
    interest, anger, leaving = rng.random(), rng.random(), rng.random()
    planned: list[Planned] = []
    if interest < max(rates.open, rates.click):
        first = delivered + _within(rng, delays.open, skew=2)
        planned += _opens(first, rng, behaviour) if letter.tracks_opens else []
        if interest < rates.click and letter.tracks_links:
            planned += _clicks(letter, first, rng, behaviour)
    if anger < rates.complaint:
        planned += _complained(delivered + _within(rng, delays.complaint))
    if leaving < rates.unsubscribe:
        after = delivered + _within(rng, delays.unsubscribe)
        if letter.provider_unsubscribe:
            planned.append(_suppressed("ManualSuppression", after))
        elif letter.one_click:
            planned.append(Planned("OneClick", after, {"Url": letter.one_click}))
    return planned


def _reader(rng: Random) -> dict[str, Any]:
    return {"client": rng.randrange(len(CLIENTS)), "place": rng.randrange(len(PLACES))}


def _opens(first: float, rng: Random, behaviour: Behaviour) -> list[Planned]:
    opens = [Planned("Open", first, {"FirstOpen": True, **_reader(rng)})]
    while rng.random() < behaviour.rates.reopen and len(opens) < _MOST_OPENS:
        after = opens[-1].after + _within(rng, behaviour.delays.reopen)
        opens.append(Planned("Open", after, {"FirstOpen": False, **_reader(rng)}))
    return opens


def _clicks(letter: Letter, opened: float, rng: Random, behaviour: Behaviour) -> list[Planned]:
    links = letter.links()
    if not links:
        return []
    where, link = rng.choice(links)
    details = {"ClickLocation": where, "OriginalLink": link, **_reader(rng)}
    return [Planned("Click", opened + _within(rng, behaviour.delays.click), details)]
