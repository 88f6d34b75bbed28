"""Makes the demo's contacts: 2,000 varied people of a bakery, the same ones every time.

`python -m infra.demo.people` writes `contacts.csv` anew. Dates are relative to REFERENCE; whoever
loads the file moves them so that the newest purchase was yesterday.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

FILE: Final = Path(__file__).with_name("contacts.csv")
REFERENCE: Final = date(2026, 1, 31)
COUNT: Final = 2_000
_SEED: Final = 20260131

_FIRST: Final = (
    "Ada Amir Ana Anton Aylin Bea Ben Carla Chloé David Dina Eda Elias Emma Eva Farid Finn Frida "
    "Georg Grace Hana Hugo Ida Ines Ivan Jana Jonas Julia Karim Katharina Lea Leo Lina Luis Maja "
    "Marek Maria Mateo Mia Milan Mira Nadia Nils Nora Olga Oskar Paul Petra Pia Rafael Rosa Sami "
    "Sara Selma Simon Sofia Sören Tariq Theo Tilda Tom Uma Valentina Viktor Wanda Yara Zoë Željko"
).split()
_LAST: Final = (
    "Adler Auer Bauer Berger Bianchi Böhm Çelik Costa Dvořák Eder Fischer Fuchs García Gruber "
    "Haas Hofer Horvat Huber Ivanova Jovanović Kaya Keller Klein Kovač Lang Lehner Lindqvist Maier "
    "Moser Müller Nagy Nowak O'Brien Öztürk Pichler Popescu Reiter Rossi Schmid Schwarz Silva "
    "Steiner Toth Wagner Weber Wimmer Wolf Yilmaz Zimmermann"
).split()
_PROVIDERS: Final = (
    ("gmail.com", 44), ("outlook.com", 12), ("gmx.at", 11), ("yahoo.com", 7), ("icloud.com", 8),
    ("hotmail.com", 5), ("web.de", 4), ("proton.me", 3), ("aon.at", 3), ("chello.at", 3),
)  # fmt: skip
_FAVOURITES: Final = (
    "sourdough loaf", "rye bread", "croissants", "cardamom buns", "apple strudel", "baguette",
    "gluten-free loaf", "birthday cakes", "pretzels", "poppy seed cake",
)  # fmt: skip
_TAGS: Final = (("regular", 0.28), ("café", 0.18), ("cake orders", 0.12), ("newsletter", 0.35))
HEADER: Final = (
    "email", "first_name", "last_name", "timezone", "last_order_date", "total_spent",
    "favourite", "tags", "consent_status", "consent_source", "consent_at",
)  # fmt: skip


def people(count: int = COUNT, seed: int = _SEED) -> Iterator[tuple[str, ...]]:
    """Rows in the order of HEADER; each address once."""
    chance = random.Random(seed)
    seen: set[str] = set()
    while len(seen) < count:
        row = _person(chance, len(seen))
        if row[0] not in seen:
            seen.add(row[0])
            yield row


def _person(chance: random.Random, number: int) -> tuple[str, ...]:
    first, last = chance.choice(_FIRST), chance.choice(_LAST)
    timezone = chance.choices(
        ("Europe/Vienna", "Europe/Berlin", "Europe/London", ""), (80, 10, 3, 7)
    )[0]
    known = chance.random() < 0.94
    tags = [tag for tag, share in _TAGS if chance.random() < share]
    status, source, at = _consent(chance)
    return (
        _address(chance, first, last, number),
        first if known else "",
        last if known else "",
        timezone,
        _last_order(chance),
        f"{chance.lognormvariate(3.6, 0.9):.2f}",
        chance.choice(_FAVOURITES) if chance.random() < 0.7 else "",
        "|".join(tags),
        status,
        source,
        at,
    )


def _address(chance: random.Random, first: str, last: str, number: int) -> str:
    plain = "".join(
        c for c in f"{first}.{last}".lower() if c.isascii() and (c.isalpha() or c == ".")
    )
    domain = chance.choices(*zip(*_PROVIDERS, strict=True))[0]
    return f"{plain.strip('.')}{number}@{domain}"


def _last_order(chance: random.Random) -> str:
    """One in ten never bought; of the others a good half came within two months."""
    if chance.random() < 0.1:
        return ""
    days = min(int(chance.expovariate(1 / 75)), 720)
    return (REFERENCE - timedelta(days=days + 1)).isoformat()


def _consent(chance: random.Random) -> tuple[str, str, str]:
    if chance.random() < 0.09:
        return "unknown", "", ""
    given = datetime(2024, 1, 1, 8) + timedelta(minutes=chance.randrange(60 * 24 * 700))  # noqa: DTZ001
    source = chance.choice(("newsletter form", "till, signed card", "online order", "café Wi-Fi"))
    return "granted", source, given.isoformat() + "Z"


def fresh(today: date, path: Path = FILE) -> str:
    """The file's text with every order moved by the same days, so that it is as fresh as ever."""
    moved = today - REFERENCE
    with path.open(newline="", encoding="utf-8") as opened:
        rows = list(csv.DictReader(opened))
    for row in rows:
        if row["last_order_date"]:
            row["last_order_date"] = str(date.fromisoformat(row["last_order_date"]) + moved)
    return _text(tuple(row.values()) for row in rows)


def _text(rows: Iterator[tuple[str, ...]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(HEADER)
    writer.writerows(rows)
    return out.getvalue()


if __name__ == "__main__":
    FILE.write_text(_text(people()), encoding="utf-8")
