"""How long each kind of data is kept: one table, which is enforced, shown and documented."""

from __future__ import annotations

import re
from collections.abc import Mapping
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

    @property
    def tables(self) -> frozenset[str]:
        """Tables of `state` that it is about."""
        return frozenset(re.findall(r"state\.\w+", self.where))


_SWEEP: Final = "by itself, within minutes"
WEBHOOKS_KEPT: Final = timedelta(days=7)
WAITING_KEPT: Final = timedelta(minutes=10)

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
    Rule(
        "mails to users, and what else is still to be done for them", "`state.errands`, sealed",
        timedelta(days=7),
        "when done, at most after seven days (a new organization's server: when it is connected)",
    ),
    Rule(
        "keys that signed access tokens", "`state.token_keys`, wrapped", timedelta(days=1),
        "a day after they were replaced; swept once a minute",
    ),
    Rule(
        "webhooks that came before their message", "`state.webhook_waiting`, raw", WAITING_KEPT,
        "when they are understood, or put aside (`NUDGE_UNKNOWN_MESSAGE_WAIT`)",
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

_ONCE: Final = "nobody is mailed twice"
_HEARD: Final = "numbers, to find webhooks that never came"
_REBUILD: Final = "a rebuild, until it is dropped"

KEPT: Final[Mapping[str, str]] = {
    "state.address_signals": "who complained or unsubscribed is not mailed again: keyed hashes",
    "state.analyst_secrets": "logins in use: hashes; revoking one deletes its row",
    "state.analytics_batches": "the batch under way: one row for each partition",
    "state.api_key_uses": "the last use of each key",
    "state.api_keys": "what was revoked stays revoked: hashes",
    "state.batch_audits": _HEARD,
    "state.clock": "how far a development stack's clock is ahead",
    "state.contact_counts": "quotas: one number for each organization",
    "state.departed": "who left stays away, after a restore too: ids",
    "state.lookbacks": "a restored campaign, until it was looked up at the provider",
    "state.positions": "where each consumer goes on",
    "state.quotas": "quotas: one row for each organization",
    "state.rebuild_parts": _REBUILD,
    "state.rebuilds": _REBUILD,
    "state.registration_tasks": "whether each organization's webhook is registered",
    "state.reply_tasks": "a turn is answered once: ids and times",
    "state.run_steps": _ONCE,
    "state.runs": _ONCE,
    "state.send_batches": _ONCE,
    "state.send_counts": "quotas: one number for each organization and month",
    "state.sends": _ONCE,
    "state.sent_before": _ONCE,
    "state.topic_versions": "which topics the positions belong to: a row for each version",
    "state.users": "the account, until the user is removed: hashes",
    "state.webhook_audits": _HEARD,
    "state.webhook_counts": _HEARD,
    "state.webhook_days": _HEARD,
    "state.webhook_seen": "what was heard once is recorded once: hashes",
}
"""Tables of `state` whose rows stay while they are needed, and for what. Whatever belongs to an
organization goes with it."""


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
