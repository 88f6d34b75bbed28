"""The played recipients: what one does with one mail, decided by seed, address and subject."""

from __future__ import annotations

from random import Random
from typing import Any

from infra.local.sandbox.behaviour import Behaviour
from infra.local.sandbox.clients import PEOPLE, PLACES
from infra.local.sandbox.machines import as_postmark_tells, machines
from infra.local.sandbox.planning import Letter, Planned, seeded, within

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


def plan(letter: Letter, behaviour: Behaviour) -> list[Planned]:
    """All that this recipient and the machines before the mailbox will do with this mail.

    Whether the mailbox works depends on the address alone, reactions on subject and tag too:
    the same campaign to the same people goes the same way again.
    """
    local, _, domain = letter.recipient.lower().rpartition("@")
    rng = seeded(behaviour.seed, letter.recipient.lower(), letter.subject, letter.tag)
    if domain == BOUNCE_TESTING:
        return _bounced(_TEST_BOUNCES.get(local, "HardBounce"), rng, behaviour)
    delivered = Planned("Delivery", within(rng, behaviour.delays.delivery))
    if domain == BLACKHOLE:
        return [delivered]
    rates = behaviour.rates
    fate = seeded(behaviour.seed, letter.recipient.lower()).random()
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
    reactions = _reactions(letter, delivered.after, rng, behaviour)
    return [delivered, *as_postmark_tells(reactions + machines(letter, delivered.after, behaviour))]


def _bounced(kind: str, rng: Random, behaviour: Behaviour) -> list[Planned]:
    after = within(rng, behaviour.delays.bounce)
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
        first = delivered + within(rng, delays.open, skew=2)
        planned += _opens(first, rng, behaviour) if letter.tracks_opens else []
        if interest < rates.click and letter.tracks_links:
            planned += _clicks(letter, first, rng, behaviour)
    if anger < rates.complaint:
        planned += _complained(delivered + within(rng, delays.complaint))
    if leaving < rates.unsubscribe:
        after = delivered + within(rng, delays.unsubscribe)
        if letter.provider_unsubscribe:
            planned.append(_suppressed("ManualSuppression", after))
        elif letter.one_click:
            planned.append(Planned("OneClick", after, {"Url": letter.one_click}))
    return planned


def _reader(rng: Random) -> dict[str, Any]:
    return {"client": rng.randrange(PEOPLE), "place": rng.randrange(len(PLACES))}


def _opens(first: float, rng: Random, behaviour: Behaviour) -> list[Planned]:
    opens = [Planned("Open", first, {"FirstOpen": True, **_reader(rng)})]
    while rng.random() < behaviour.rates.reopen and len(opens) < _MOST_OPENS:
        after = opens[-1].after + within(rng, behaviour.delays.reopen)
        opens.append(Planned("Open", after, {"FirstOpen": False, **_reader(rng)}))
    return opens


def _clicks(letter: Letter, opened: float, rng: Random, behaviour: Behaviour) -> list[Planned]:
    links = letter.links()
    if not links:
        return []
    where, link = rng.choice(links)
    details = {"ClickLocation": where, "OriginalLink": link, **_reader(rng)}
    return [Planned("Click", opened + within(rng, behaviour.delays.click), details)]
