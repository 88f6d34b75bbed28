"""Signed tree heads: what is signed, when the next is due, how one is written down. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

PURPOSE = "nudge-tree-head"
"""Signatures of heads are made for this purpose and fit nothing else."""
EVERY_SECONDS = 10.0
EVERY_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class TreeHead:
    """The tree at one moment, signed. Hashes, key and signature are hexadecimal text."""

    log: str
    """Which log; two logs never share it."""
    size: int
    """Events in the tree."""
    root: str
    position: int
    """Of the last event in the tree."""
    at: str
    """When it was made, RFC 3339 in UTC."""
    key: str
    """The public key that signed."""
    signature: str

    @property
    def line(self) -> str:
        """The head as one line of JSON, as it is anchored."""
        return json.dumps(asdict(self))


def signed_text(log: str, size: int, root: str, position: int, at: str) -> bytes:
    """What the signature is over."""
    return (
        f"NudgeCampaign tree head 1\nlog {log}\nsize {size}\nroot {root}\n"
        f"position {position}\nat {at}\n"
    ).encode()


def is_due(new_events: int, seconds: float | None, every: float = EVERY_SECONDS) -> bool:
    """Whether to sign a head: something is new, and enough of it or long enough since the last.

    `seconds` is None when there is no head yet.
    """
    if new_events <= 0:
        return False
    return seconds is None or new_events >= EVERY_EVENTS or seconds >= every
