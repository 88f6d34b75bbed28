"""From planned events to webhooks waiting to be posted, and what became of those."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from random import Random
from typing import Any
from urllib.parse import urlsplit

import orjson

from infra.local.sandbox.payloads import Happening, webhook_body
from infra.local.sandbox.registry import Registry, Suppression
from infra.local.sandbox.servers import Webhook

# seconds of real life between attempts, as Postmark's pages state them
LONG_SCHEDULE = tuple(60.0 * m for m in (1, 5, 10, 10, 10, 15, 30, 60, 120, 360))
SHORT_SCHEDULE = (60.0, 300.0, 900.0)

_DUE = """
SELECT e.*, m.message_id, m.sender, m.subject, m.tag, m.metadata
FROM events e LEFT JOIN messages m ON m.id = e.message
WHERE e.happened = 0 AND e.due_at <= ? ORDER BY e.due_at, e.id LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook to be posted. `webhook` None: a one-click unsubscribe at `url`."""

    id: int
    server_id: int
    webhook: int | None
    url: str | None
    record_type: str
    body: bytes
    attempts: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt. `gone`: the webhook was removed meanwhile."""

    post: Post
    status: int | None
    gone: bool = False


def happening_of(row: sqlite3.Row) -> Happening:
    """A row of `events` joined with its message."""
    return Happening(
        id=row["id"],
        server_id=row["server_id"],
        stream=row["stream"],
        recipient=row["recipient"],
        record_type=row["record_type"],
        at=row["due_at"],
        details=orjson.loads(row["details"]),
        message_id=row["message_id"],
        sender=row["sender"] or "",
        subject=row["subject"] or "",
        tag=row["tag"] or "",
        metadata=row["metadata"] or b"{}",
    )


def let_happen(
    connection: sqlite3.Connection, registry: Registry, now: float, limit: int = 300
) -> float | None:
    """Let what is due happen; returns when the next event is due (None: nothing is planned)."""
    due = [happening_of(row) for row in connection.execute(_DUE, (now, limit))]
    posts: list[tuple[Any, ...]] = []
    for happening in due:
        if happening.record_type == "SubscriptionChange" and not _suppress(
            connection, registry, happening
        ):
            continue
        posts += _posts(registry, happening)
    if due:
        connection.executemany(
            "UPDATE events SET happened = 1 WHERE id = ?", [(h.id,) for h in due]
        )
        connection.executemany(
            "INSERT INTO posts (server_id, webhook, url, record_type, body, due_at, state)"
            " VALUES (?,?,?,?,?,?,?)",
            posts,
        )
    next_due: float | None = connection.execute(
        "SELECT min(due_at) FROM events WHERE happened = 0"
    ).fetchone()[0]
    return next_due


def _suppress(connection: sqlite3.Connection, registry: Registry, happening: Happening) -> bool:
    """Enter the suppression; False when the address is suppressed already: nothing changes."""
    details = happening.details
    if details.get("Entered") or not details["SuppressSending"]:
        return True  # entered by the request that asked for it
    entry = Suppression(
        happening.recipient.lower(),
        details["SuppressionReason"],
        details["Origin"],
        happening.at,
    )
    fresh = registry.suppress(connection, happening.server_id, happening.stream, entry)
    if not fresh:
        connection.execute("DELETE FROM events WHERE id = ?", (happening.id,))
    return fresh


def _posts(registry: Registry, happening: Happening) -> list[tuple[Any, ...]]:
    if happening.record_type == "OneClick":
        return _one_click(happening)
    server = registry.server(happening.server_id)
    first_open = bool(happening.details.get("FirstOpen", True))
    wanted = [
        webhook
        for webhook in (server.webhooks if server else [])
        if webhook.message_stream == happening.stream
        and webhook.triggers.wants(happening.record_type, first_open=first_open)
    ]
    if not wanted:
        return []
    body = webhook_body(happening)
    return [row for webhook in wanted for row in _with_faults(registry, happening, webhook, body)]


def _with_faults(
    registry: Registry, happening: Happening, webhook: Webhook, body: bytes
) -> list[tuple[Any, ...]]:
    """The webhook's row in `posts`: late, twice or dropped as the faults have it."""
    behaviour = registry.behaviour
    faults = behaviour.faults
    rng = Random(f"{behaviour.seed} {happening.id} {webhook.id}")
    late = faults.shuffle_seconds * behaviour.time_scale

    def row(state: str, delay: float) -> tuple[Any, ...]:
        due = happening.at + delay
        return happening.server_id, webhook.id, None, happening.record_type, body, due, state

    if rng.random() < faults.drop_webhooks:
        return [row("dropped", 0)]
    rows = [row("pending", late * rng.random() if rng.random() < faults.shuffle_webhooks else 0)]
    if rng.random() < faults.duplicate_webhooks:
        rows.append(row("pending", late * rng.random()))
    return rows


def _one_click(happening: Happening) -> list[tuple[Any, ...]]:
    """A one-click unsubscribe, on this machine only: the sandbox never reaches further."""
    url = happening.details["Url"]
    if not _is_local(url):
        return []
    body = b"List-Unsubscribe=One-Click"
    return [(happening.server_id, None, url, "OneClick", body, happening.at, "pending")]


def _is_local(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def claim_posts(
    connection: sqlite3.Connection, now: float, limit: int
) -> tuple[list[Post], float | None]:
    """Webhooks to post now, marked as under way, and when the next one is due."""
    rows = connection.execute(
        "UPDATE posts SET state = 'posting' WHERE id IN (SELECT id FROM posts"
        " WHERE state = 'pending' AND due_at <= ? ORDER BY due_at, id LIMIT ?)"
        " RETURNING id, server_id, webhook, url, record_type, body, attempts, due_at",
        (now, limit),
    ).fetchall()
    rows.sort(key=lambda row: (row["due_at"], row["id"]))
    next_due: float | None = connection.execute(
        "SELECT min(due_at) FROM posts WHERE state = 'pending'"
    ).fetchone()[0]
    return [Post(*tuple(row)[:7]) for row in rows], next_due


def settle_posts(
    connection: sqlite3.Connection, outcomes: Iterable[Outcome], now: float, time_scale: float
) -> None:
    """Record what became of attempts: sent, to be tried again, or failed for good."""
    connection.executemany(
        "UPDATE posts SET state = ?, attempts = ?, due_at = ?, body = ? WHERE id = ?",
        [_settled(outcome, now, time_scale) for outcome in outcomes],
    )


def _settled(outcome: Outcome, now: float, time_scale: float) -> tuple[Any, ...]:
    post = outcome.post
    attempts = post.attempts + 1
    if outcome.status == 200:
        return "sent", attempts, now, None, post.id
    schedule = LONG_SCHEDULE if post.record_type == "Bounce" else SHORT_SCHEDULE
    # Postmark never tries again after a 403
    if outcome.gone or outcome.status == 403 or attempts > len(schedule):
        return "failed", attempts, now, None, post.id
    due = now + schedule[attempts - 1] * time_scale
    return "pending", attempts, due, post.body, post.id


def release_posts(connection: sqlite3.Connection) -> None:
    """After a start: what was under way when the process ended is posted again."""
    connection.execute("UPDATE posts SET state = 'pending' WHERE state = 'posting'")


def record_change(
    connection: sqlite3.Connection,
    server_id: int,
    stream: str,
    address: str,
    now: float,
    details: dict[str, Any],
    message: int | None = None,
) -> None:
    """Let a subscription change made by hand become a webhook like any other."""
    connection.execute(
        "INSERT INTO events (server_id, stream, message, recipient, record_type, due_at, details)"
        " VALUES (?,?,?,?,?,?,?)",
        (server_id, stream, message, address, "SubscriptionChange", now, orjson.dumps(details)),
    )
