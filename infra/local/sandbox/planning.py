"""What the plans of recipients and machines are made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import blake2b
from random import Random
from typing import Any

from infra.local.sandbox.behaviour import Span


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


def seeded(*parts: object) -> Random:
    """The same chances for the same parts."""
    digest = blake2b("\0".join(map(str, parts)).encode(), digest_size=8).digest()
    return Random(int.from_bytes(digest))


def within(rng: Random, span: Span, *, skew: float = 1.0) -> float:
    """A moment in the span; a skew above 1 makes early ones likelier."""
    return span[0] + (span[1] - span[0]) * math.pow(rng.random(), skew)
