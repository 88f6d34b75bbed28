"""How long each kind of data is kept: one table, which is enforced, shown and documented."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import psycopg
from psycopg import sql

from domain.shared.retention import LOGS_KEPT
from streams.agents.ports import WorkerTransaction


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of data. `kept` None: as long as the log; `ends` says by what it goes.

    Of a `table`, rows go once `column` is older than `kept`; whoever keeps other things enforces
    it there.
    """

    data: str
    where: str
    kept: timedelta | None
    ends: str
    table: str = ""
    column: str = ""

    @property
    def swept(self) -> bool:
        """Whether it is rows that `sweep` deletes."""
        return bool(self.table)


_SWEEP: Final = "by itself, within minutes"
WEBHOOKS_KEPT: Final = timedelta(days=7)

RULES: Final[tuple[Rule, ...]] = (
    Rule(
        "events", "Postgres `log.events`, Kafka `*-events`", None,
        "personal data in them with its key (erasure, deletion of the organization)",
    ),
    Rule(
        "read models", "Postgres `views`, ClickHouse", None,
        "rows of a person when it is erased; ClickHouse holds nothing personal",
    ),
    Rule(
        "security events", "`log.events`, view `security_events`", None,
        "network addresses in them with the key of the user or organization",
    ),
    Rule("raw webhooks", "Kafka `postmark-webhooks`", WEBHOOKS_KEPT, "Kafka deletes them"),
    Rule(
        "raw webhooks put aside", "Kafka `postmark-webhooks-dlq`", WEBHOOKS_KEPT,
        "Kafka deletes them",
    ),
    Rule(
        "answers of repeated requests", "`state.idempotency`", timedelta(hours=24), _SWEEP,
        "state.idempotency", "created_at",
    ),
    Rule(
        "who read personal data today", "`state.personal_reads` (the event stays)",
        timedelta(days=2), _SWEEP, "state.personal_reads", "day",
    ),
    Rule(
        "counters of test sends", "`state.test_sends`", timedelta(days=30), _SWEEP,
        "state.test_sends", "day",
    ),
    Rule(
        "sign-ups not confirmed, links, refresh tokens",
        "`state.signups`, `state.password_resets`, `state.refresh_tokens`",
        timedelta(days=7), "when they expire, at most seven days; swept once a minute",
    ),
    Rule(
        "sessions", "`state.sessions` (the events stay)", timedelta(days=30),
        "thirty days after their end; swept once a minute",
    ),
    Rule(
        "counts of attempts", "`state.attempts`, by keyed hashes", timedelta(days=1),
        "swept once a minute",
    ),
    Rule("log entries", "`logs` in the data folder", LOGS_KEPT, "the supervisor deletes them"),
    Rule(
        "exports of a person", "nowhere here: streamed to the caller", timedelta(0),
        "with the answer",
    ),
    Rule(
        "backups", "where the operator puts them", None,
        "`nudge backup prune` takes erased people out; deleting is the operator's",
    ),
)  # fmt: skip


def sweep(tx: WorkerTransaction) -> dict[str, int]:
    """Delete every row whose time is over, whoever's it is; how many, by table."""
    return {
        rule.table: tx.connection.execute(_over("DELETE", rule), (rule.kept,)).rowcount
        for rule in RULES
        if rule.swept
    }


def overdue(connection: psycopg.Connection[Any], rule: Rule) -> int:
    """How many rows of a swept rule's table should be gone by now."""
    row = connection.execute(_over("SELECT count(*)", rule), (rule.kept,)).fetchone()
    return int(row[0]) if row else 0


def _over(what: str, rule: Rule) -> sql.Composed:
    table = sql.SQL(".").join(map(sql.Identifier, rule.table.split(".")))
    verb = sql.SQL("DELETE") if what == "DELETE" else sql.SQL("SELECT count(*)")
    return sql.SQL("{} FROM {} WHERE {} < now() - %s::interval").format(
        verb, table, sql.Identifier(rule.column)
    )
