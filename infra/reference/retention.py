"""The page of how long each kind of data is kept, from the table that is enforced."""

from __future__ import annotations

from infra.cli.retention import kept_for
from infra.reference.sources import NOTE, page, table
from streams.agents.retention import KEPT, RULES

_SAID = """\
`nudge retention` shows the same, and how many rows should be gone by now. Rows go by themselves, by
the clock of Postgres; log files by the supervisor's hourly look (in containers: the platform's)."""

_KEPT = """\
All other tables of `state`: rows stay while they are needed. Nothing personal stands in them in the
clear, and whatever belongs to an organization goes when it leaves."""


def retention_page() -> str:
    """Every kind of data with its time."""
    rows = [(rule.data, rule.where, kept_for(rule.kept), rule.ends) for rule in RULES]
    return page(
        "# Retention",
        NOTE,
        _SAID,
        table(("data", "where", "kept", "ends"), rows),
        _KEPT,
        table(("table", "for what"), [(f"`{name}`", why) for name, why in KEPT.items()]),
    )
