"""The packaged copy: industries, voices and the lines of every kind of e-mail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

import yaml

Register = Literal["warm", "formal", "playful", "luxe"]
Slot = Literal["subject", "headline", "open", "body"]
Aside = Literal["offer", "product", "ps_until", "ps_reply", "ps_today"]
Lines = tuple[str, ...]

ASIDES = ("offer", "product", "ps_until", "ps_reply", "ps_today")


@dataclass(frozen=True, slots=True)
class Industry:
    """Words that are true of every business of a kind. `accent` is its colour, `#rrggbb`."""

    name: str
    match: Lines
    accent: str
    thing: str
    action: str
    next: str
    basket: str
    cta: str
    hooks: Lines
    away: Lines
    tips: Lines


@dataclass(frozen=True, slots=True)
class Voice:
    """How a brand speaks: the words owners call it, and the register of lines that suits.

    `stranger` stands for a first name that is not known.
    """

    name: str
    words: Lines
    register: Register
    greeting: str
    stranger: str
    closings: Lines


@dataclass(frozen=True, slots=True)
class Packs:
    """Everything the copywriter may write with."""

    industries: Mapping[str, Industry]
    voices: Mapping[str, Voice]
    roles: Mapping[str, Mapping[str, Mapping[str, Lines]]]
    asides: Mapping[str, Mapping[str, Lines]]

    def lines(self, role: str, register: Register, slot: Slot) -> Lines:
        """The lines of one slot: those of the register, then those that suit every register."""
        by_register = self.roles[role]
        return by_register[register].get(slot, ()) + by_register["any"].get(slot, ())

    def aside(self, aside: Aside, register: Register) -> Lines:
        return self.asides[aside][register]


@cache
def packs() -> Packs:
    """Read once, from files that ship with the package."""
    roles = _load("roles.yaml")
    return Packs(
        industries={
            name: Industry(name, **_tuples(i)) for name, i in _load("industries.yaml").items()
        },
        voices={name: Voice(name, **_tuples(v)) for name, v in _load("voices.yaml").items()},
        roles={
            role: {register: _tuples(slots) for register, slots in registers.items()}
            for role, registers in roles.items()
            if role not in ASIDES
        },
        asides={aside: _tuples(roles[aside]) for aside in ASIDES},
    )


def _load(name: str) -> dict[str, Any]:
    text = files("domain.campaign.content").joinpath("copy", name).read_text(encoding="utf-8")
    return cast("dict[str, Any]", yaml.safe_load(text))


def _tuples(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(v) if isinstance(v, list) else v for key, v in entry.items()}
