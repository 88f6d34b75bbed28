"""What is stored: accepted messages with their bodies, search terms and planned events."""

from __future__ import annotations

import sqlite3
from typing import Any

import orjson

from infra.local.sandbox.intake import Accepted, Batch, unpacked

_MESSAGE = "INSERT INTO messages VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
_EVENT = (
    "INSERT INTO events (server_id, stream, message, recipient, record_type, due_at, details)"
    " VALUES (?,?,?,?,?,?,?)"
)


def store_batch(connection: sqlite3.Connection, batch: Batch, time_scale: float) -> None:
    """Everything one send request leaves behind; the caller's transaction makes it one step."""
    if batch.refused:
        connection.executemany(
            "INSERT INTO refusals (server_id, stream, recipient, code, metadata)"
            " VALUES (?,?,?,?,?)",
            [
                (batch.server_id, r.stream, r.recipient, r.code, orjson.dumps(r.metadata))
                for r in batch.refused
            ],
        )
    if not batch.accepted:
        return
    body = connection.execute("INSERT INTO bodies (messages) VALUES (?)", (batch.bodies,)).lastrowid
    last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'messages'").fetchone()
    first = (last["seq"] if last else 0) + 1
    messages: list[tuple[Any, ...]] = []
    terms: list[tuple[str, str, int]] = []
    events: list[tuple[Any, ...]] = []
    for number, accepted in enumerate(batch.accepted, start=first):
        messages.append(_message_row(number, body, batch, accepted))
        terms += _terms(number, accepted)
        for recipient, planned in accepted.planned:
            due = batch.at + planned.after * time_scale
            details = orjson.dumps(planned.details)
            stream = accepted.checked.stream.id
            events.append(
                (batch.server_id, stream, number, recipient, planned.record_type, due, details)
            )
    connection.executemany(_MESSAGE, messages)
    connection.executemany("INSERT OR IGNORE INTO terms VALUES (?,?,?)", terms)
    connection.executemany(_EVENT, events)


def _message_row(
    number: int, body: int | None, batch: Batch, accepted: Accepted
) -> tuple[Any, ...]:
    checked = accepted.checked
    recipients = [[field, box.email, box.name] for field, box in checked.recipients]
    return (
        number,
        accepted.message_id,
        batch.server_id,
        checked.stream.id,
        checked.stream.handling,
        body,
        accepted.index,
        batch.at,
        checked.sender.email,
        checked.subject,
        checked.tag,
        orjson.dumps(recipients),
        orjson.dumps(checked.metadata),
        checked.track_opens,
        checked.track_links,
    )


def _terms(number: int, accepted: Accepted) -> list[tuple[str, str, int]]:
    checked = accepted.checked
    terms = [("recipient", box.email.lower(), number) for _, box in checked.recipients]
    terms += [(f"metadata:{name}", value, number) for name, value in checked.metadata.items()]
    return terms


def stored_message(connection: sqlite3.Connection, row: sqlite3.Row) -> dict[str, Any]:
    """A message as it was submitted, its bodies included."""
    found = connection.execute(
        "SELECT messages FROM bodies WHERE id = ?", (row["body"],)
    ).fetchone()
    message: dict[str, Any] = unpacked(found["messages"])[row["body_index"]]
    return message


def empty(connection: sqlite3.Connection) -> int:
    """Forget every message with all that follows from it; returns how many there were."""
    count: int = connection.execute("SELECT count(*) FROM messages").fetchone()[0]
    for statement in (
        "DELETE FROM messages",
        "DELETE FROM bodies",
        "DELETE FROM terms",
        "DELETE FROM refusals",
        "DELETE FROM events",
        "DELETE FROM posts",
    ):
        connection.execute(statement)
    return count
