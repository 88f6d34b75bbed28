"""The played machines: link scanners of mail gateways, and Apple's privacy proxy."""

from __future__ import annotations

from random import Random
from typing import Any

from infra.local.sandbox.behaviour import Behaviour
from infra.local.sandbox.clients import PLACES, PRIVACY_PROXY, SCANNERS
from infra.local.sandbox.planning import Letter, Planned, seeded, within


def machines(letter: Letter, delivered: float, behaviour: Behaviour) -> list[Planned]:
    """What machines do with a delivered mail. Whether one stands before a mailbox depends on the
    address alone."""
    address = letter.recipient.lower()
    rng = seeded(behaviour.seed, address, "machine")
    planned: list[Planned] = []
    if rng.random() < behaviour.rates.scanner:
        planned += _scan(letter, delivered, behaviour, rng)
    if rng.random() < behaviour.rates.privacy_proxy and letter.tracks_opens:
        after = delivered + within(rng, behaviour.delays.prefetch)
        planned.append(Planned("Open", after, {"FirstOpen": True, **_at(rng, PRIVACY_PROXY)}))
    return planned


def _scan(letter: Letter, delivered: float, behaviour: Behaviour, rng: Random) -> list[Planned]:
    """A scanner loads the images and follows every link, all at once."""
    who = _at(rng, rng.choice(SCANNERS))
    after = delivered + within(rng, behaviour.delays.scan)
    opens = [Planned("Open", after, {"FirstOpen": True, **who})] if letter.tracks_opens else []
    links = dict.fromkeys(letter.links()) if letter.tracks_links else {}
    return opens + [
        Planned("Click", after, {"ClickLocation": where, "OriginalLink": link, **who})
        for where, link in links
    ]


def _at(rng: Random, client: int) -> dict[str, Any]:
    return {"client": client, "place": rng.randrange(len(PLACES))}


def as_postmark_tells(planned: list[Planned]) -> list[Planned]:
    """Only the first click of each link is told, and only the first open is the first."""
    told: list[Planned] = []
    seen: set[object] = set()
    for happening in sorted(planned, key=lambda each: each.after):
        details = happening.details
        if happening.record_type == "Open":
            details = {**details, "FirstOpen": "open" not in seen}
            seen.add("open")
        elif happening.record_type == "Click":
            if details["OriginalLink"] in seen:
                continue
            seen.add(details["OriginalLink"])
        told.append(Planned(happening.record_type, happening.after, details))
    return told
