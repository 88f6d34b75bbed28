"""The page of chaos: one section for each run that was made."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from domain.shared.faults import MEANINGS, SENDER_POINTS, FaultPoint
from infra.reference.sources import table
from tests.chaos.orders import Conductor
from tests.chaos.verdict import Verdict

HEAD: Final = """# Chaos

Written by `make chaos`, a section for each run: campaigns are sent through the sandbox, all its
faults on, while the product's processes kill themselves at the places named below, senders freeze,
and stores, API and provider are killed from outside. How it works, and how to run it:
[try out faults](how-to/chaos.md). What must hold: nobody has two messages at the provider; accepted
+ refused + withheld + held = intended; read models, ClickHouse, Kafka and ledger say what the log
says.
"""
_SECTION: Final = re.compile(r"^## .*?(?=^## |\Z)", re.MULTILINE | re.DOTALL)


def section(
    conductor: Conductor, verdict: Verdict, minutes: float, wrong: Sequence[str], campaigns: int
) -> str:
    """One run, for people."""
    plan = conductor.plan
    result = "everything holds" if not wrong else "; ".join(wrong)
    deaths = ", ".join(f"{role} {n}" for role, n in sorted(conductor.deaths.items()))
    story = (
        f"Result: **{result}**. {conductor.kills.total()} kills at fault points,"
        f" {conductor.thawed.total()} freezes that ended by themselves,"
        f" {conductor.killed_frozen.total()} that the supervisor ended, and"
        f" {conductor.deaths.total()} kills from outside ({deaths});"
        f" {campaigns} campaigns, {minutes:.1f} minutes."
    )
    points = [_point(conductor, point) for point in FaultPoint]
    heads = ("fault point", "where it is", "kills", "frozen, thawed", "frozen, killed")
    return "\n\n".join(
        [
            f"## Seed {plan.seed}, {plan.policy}",
            story,
            table(("what", "count"), [*_rows(verdict)]),
            table(heads, points),
        ]
    )


def _rows(verdict: Verdict) -> list[tuple[str, str]]:
    outcomes, found, differences = verdict.outcomes, verdict.once_ambiguous, verdict.differences
    rows: list[tuple[str, object]] = [
        ("contacts in all audiences", verdict.audience),
        ("intended", verdict.intended),
        ("accepted (sent)", outcomes["accepted"]),
        ("refused", outcomes["refused"]),
        ("withheld", outcomes["withheld"]),
        ("held, and listed as such", f"{outcomes['held']}, {verdict.held_listed}"),
        ("sent twice", verdict.twice),
        ("missing", verdict.missing),
        ("once ambiguous, resolved", found.total() - found["held"]),
        ("accepted by the provider, not recorded", verdict.unrecorded),
        ("recorded as accepted, unknown to the provider", verdict.unfounded),
        ("claims above an unsubscribe", verdict.silent_claims),
        ("replies; turns with none, with two",
         f"{verdict.answered}; {verdict.unanswered}, {verdict.answered_twice}"),
        ("events in the log", differences.events),
        ("projections equal", _equal(len(differences.views))),
        ("ClickHouse equal", _equal(len(differences.clickhouse))),
        ("Kafka equal", _equal(len(differences.kafka))),
        ("ledger equal", _equal(len(differences.ledger))),
        ("reactions recorded, of those at the provider (2 % of webhooks are dropped)",
         f"{verdict.metrics.total()} of {verdict.provider.total()}"),
    ]  # fmt: skip
    return [(name, str(value)) for name, value in rows]


def _equal(differing: int) -> str:
    return "yes" if not differing else f"{differing} differ"


def _point(conductor: Conductor, point: FaultPoint) -> tuple[str, ...]:
    freezes = (str(conductor.thawed[point]), str(conductor.killed_frozen[point]))
    return (
        f"`{point}`",
        MEANINGS[point],
        str(conductor.kills[point]),
        *(freezes if point in SENDER_POINTS else ("", "")),
    )


def write(page: Path, new: str) -> None:
    """Put a run's section on the page, in the place of an earlier one of the same name."""
    sections = _SECTION.findall(page.read_text()) if page.exists() else []
    name = new.splitlines()[0]
    kept = [each.strip() for each in sections if each.splitlines()[0] != name]
    page.write_text("\n\n".join([HEAD.strip(), *sorted([*kept, new])]) + "\n")
