"""The page of what analysts may send to ClickHouse, from the lists the door works by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from infra.local.clickhouse.analysts.catalogue import LIMITS
from infra.local.clickhouse.analysts.checking import MOST_READS
from infra.local.clickhouse.analysts.functions import BY_PURPOSE, COMBINATORS
from infra.local.clickhouse.analysts.planning import SPELLINGS
from infra.local.clickhouse.analysts.reading import DEEPEST, FORMATS, LONGEST, MOST_TOKENS
from infra.local.clickhouse.analysts.serving import AT_ONCE, AT_ONCE_EACH
from infra.local.clickhouse.analysts.tables import TABLES
from infra.local.clickhouse.door import ANALYST_BODY_LIMIT
from infra.reference.sources import NOTE, page, table


def analysts_page() -> str:
    """Everything that is allowed; whatever is not on it is refused."""
    return page(
        "# What analysts may send",
        NOTE,
        "The lists by which the embedded engine's door checks statements of"
        " [analyst logins](../how-to/analysts.md). What is not here is refused. On a ClickHouse"
        " server of your own, users and row policies take its place.",
        "One statement: `SELECT`, with `WITH` (not recursive), joins (`ANY`, `ALL`, `ASOF`,"
        " `SEMI`, `ANTI`, `CROSS`), `ARRAY JOIN`, subqueries, `UNION`, `EXCEPT`, `INTERSECT`,"
        " window functions, `LIMIT n BY`. Or `SHOW TABLES`, `SHOW DATABASES`, `DESCRIBE`,"
        " `EXISTS`. Parameters of the usual types, such as `{id:UUID}`.",
        "Not: table functions, `{x:Identifier}`, `SETTINGS`, `FINAL`, `PREWHERE`, `SAMPLE`,"
        " `APPLY`, `INTO OUTFILE`, a name right of `IN`.",
        "## Tables",
        _listed(f"nudge.{name}" for name in sorted(TABLES)),
        "`system.one`, `system.databases`, `system.tables`, `system.columns` and"
        " `system.settings`, which programs ask, are answered by the door; they show these tables"
        " and the limits below, nothing else.",
        "## Functions",
        table(("for", "functions"), [(what, _listed(names)) for what, names in BY_PURPOSE.items()]),
        f"Aggregates may end in {_listed(sorted(COMBINATORS))}, up to three of them: `sumIf`.",
        "## Formats",
        _listed(sorted(FORMATS)),
        "## Settings that a request may carry",
        _listed(sorted(SPELLINGS)),
        "## Limits",
        table(("limit", "value"), list(_limits())),
    )


def _listed(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names)


def _limits() -> Iterator[tuple[str, str]]:
    yield "bytes of a statement", f"{LONGEST:,}"
    yield "bytes of a request", f"{ANALYST_BODY_LIMIT:,}"
    yield "words and signs of a statement", f"{MOST_TOKENS:,}"
    yield "tables that a statement reads, what `WITH` names at each use", str(MOST_READS)
    yield "parentheses one in the other", str(DEEPEST)
    yield "statements at once of one organization", str(AT_ONCE_EACH)
    yield "statements at once of all", str(AT_ONCE)
    for name, value in LIMITS.items():
        yield f"`{name}`", f"{int(value):,}"
