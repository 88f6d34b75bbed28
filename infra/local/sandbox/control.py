"""`/sandbox/*`: behaviour, what was accepted, what became of it; open to this machine, no token."""

from __future__ import annotations

import html
import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from infra.local.sandbox.happenings import record_change
from infra.local.sandbox.outbox import empty
from infra.local.sandbox.payloads import timestamp
from infra.local.sandbox.refusals import RefusedError
from infra.local.sandbox.search import Filter, find_messages, sent_mail
from infra.local.sandbox.web import (
    answer,
    first_problem,
    number,
    parse_json,
    read_body,
    sandbox_of,
)

_MOST_LISTED = 10_000
_FIELD = re.compile(r"[\w-]{1,20}")
_STATES = {"pending": "pending", "posting": "pending", "sent": "sent"}
_PAGE = """<!doctype html><html lang="en"><title>Unsubscribe</title><body><h1>Unsubscribe</h1>
<form method="post"><button>Unsubscribe from this list</button></form></body></html>"""


async def health(_request: Request) -> Response:
    """GET /sandbox/health"""
    return answer({"status": "ok"})


async def get_behaviour(request: Request) -> Response:
    """GET /sandbox/behaviour"""
    return answer(sandbox_of(request).registry.behaviour.model_dump())


async def set_behaviour(request: Request) -> Response:
    """PUT /sandbox/behaviour: a partial update; 422 names an unknown or wrong field."""
    sandbox = sandbox_of(request)
    patch = await parse_json(await read_body(request, 1024 * 1024))
    try:
        changed = sandbox.registry.behaviour.changed(patch)
    except ValidationError as error:
        raise RefusedError(403, first_problem(error)) from None
    await sandbox.database.run(lambda c: sandbox.registry.set_behaviour(c, changed))
    return answer(changed.model_dump())


def _filter(request: Request) -> Filter:
    query = request.query_params
    wanted = Filter()
    if query.get("server"):
        wanted.add("m.server_id = ?", _server_id(request, query["server"]))
    wanted.add_equal("stream", query.get("stream"))
    wanted.add_terms(query, "to")
    return wanted


def _server_id(request: Request, text: str) -> int:
    """The id of the server with this id, token or name; -1 when there is none."""
    for server in sandbox_of(request).registry.servers:
        if text == str(server.id) or text == server.name or text in server.api_tokens:
            return server.id
    return -1


async def list_messages(request: Request) -> Response:
    """GET /sandbox/messages?server=&stream=&to=&metadata_<name>=&limit=&offset=, newest first"""
    query, wanted = request.query_params, _filter(request)
    limit = number(query, "limit", 100, _MOST_LISTED)
    offset = number(query, "offset", 0, 10**9)
    total, rows = await sandbox_of(request).database.run(
        lambda connection: find_messages(connection, wanted, limit, offset)
    )
    return answer({"total": total, "messages": [_summary(row) for row in rows]})


def _summary(row: sqlite3.Row) -> dict[str, Any]:
    recipients = orjson.loads(row["recipients"])
    return {
        "message_id": row["message_id"],
        "server_id": row["server_id"],
        "stream": row["stream"],
        "from": row["sender"],
        "to": [email for field, email, _ in recipients if field == "To"],
        "recipients": [email for _, email, _ in recipients],
        "subject": row["subject"],
        "tag": row["tag"],
        "metadata": orjson.loads(row["metadata"]),
        "track_opens": bool(row["track_opens"]),
        "track_links": row["track_links"],
        "accepted_at": timestamp(row["accepted_at"]),
    }


async def delete_messages(request: Request) -> Response:
    """DELETE /sandbox/messages: every message, planned event and waiting webhook; not servers."""
    return answer({"deleted": await sandbox_of(request).database.run(empty)})


async def _mail(request: Request) -> tuple[sqlite3.Row, dict[str, Any]]:
    wanted = Filter()
    wanted.add("m.message_id = ?", request.path_params["id"].lower())
    base_url = sandbox_of(request).base_url

    def read(connection: sqlite3.Connection) -> tuple[sqlite3.Row, dict[str, Any]] | None:
        _, rows = find_messages(connection, wanted, 1, 0)
        return (rows[0], sent_mail(connection, rows[0], base_url)) if rows else None

    found = await sandbox_of(request).database.run(read)
    if found is None:
        raise RefusedError(701, "This message was not found.", 404)
    return found


async def show_message(request: Request) -> Response:
    """GET /sandbox/messages/{id}: the summary with html, text and headers as they left."""
    row, sent = await _mail(request)
    bodies = {name: sent[name] for name in ("html", "text", "headers")}
    return answer({**_summary(row), **bodies, "submitted": sent["message"]})


async def show_html(request: Request) -> Response:
    """GET /sandbox/messages/{id}/html: the mail, in a page that may run no script."""
    _, sent = await _mail(request)
    return HTMLResponse(
        sent["html"] or f"<pre>{html.escape(sent['text'])}</pre>",
        headers={"Content-Security-Policy": "sandbox; script-src 'none'"},
    )


async def show_unsubscribe(request: Request) -> Response:
    """GET /sandbox/unsubscribe/{id}: a page that changes nothing"""
    await _mail(request)
    return HTMLResponse(_PAGE)


async def unsubscribe(request: Request) -> Response:
    """POST /sandbox/unsubscribe/{id}: the recipients of this message leave its stream."""
    row, _ = await _mail(request)
    sandbox = sandbox_of(request)
    now = sandbox.clock()
    details = {
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    }

    def leave(connection: sqlite3.Connection) -> None:
        for _, email, _ in orjson.loads(row["recipients"]):
            record_change(
                connection, row["server_id"], row["stream"], email, now, details, row["id"]
            )

    await sandbox.database.run(leave)
    sandbox.player.wake()
    return HTMLResponse("<!doctype html><title>Unsubscribed</title><p>You are unsubscribed.</p>")


async def webhook_counts(request: Request) -> Response:
    """GET /sandbox/webhooks?server=&group_by=campaign_id: posts by RecordType and state, and
    what recipients did, in all and for every value of one metadata field."""
    query = request.query_params
    server = _server_id(request, query["server"]) if query.get("server") else None
    field = query.get("group_by", "campaign_id")
    if not _FIELD.fullmatch(field):
        raise RefusedError(600, "'group_by' must be the name of a metadata field.")

    def count(connection: sqlite3.Connection) -> dict[str, Any]:
        groups = _reactions(connection, server, field)
        return {
            "webhooks": _posted(connection, server),
            "planned": _planned(connection, server),
            "refused": _refused(connection, server),
            "recipients": _summed(groups.values()),
            f"by_{field}": groups,
        }

    return answer(await sandbox_of(request).database.run(count))


def _refused(connection: sqlite3.Connection, server: int | None) -> dict[str, int]:
    """How many messages were refused, by ErrorCode."""
    rows = connection.execute(
        "SELECT code, count(*) AS messages FROM refusals"
        " WHERE ?1 IS NULL OR server_id = ?1 GROUP BY 1",
        (server,),
    )
    return {str(row["code"]): row["messages"] for row in rows}


def _posted(connection: sqlite3.Connection, server: int | None) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for row in connection.execute(
        "SELECT record_type, state, count(*) AS posts FROM posts"
        " WHERE ?1 IS NULL OR server_id = ?1 GROUP BY 1, 2",
        (server,),
    ):
        known = counts.setdefault(
            row["record_type"], {"sent": 0, "pending": 0, "failed": 0, "dropped": 0}
        )
        known[_STATES.get(row["state"], row["state"])] += row["posts"]
    return counts


def _planned(connection: sqlite3.Connection, server: int | None) -> int:
    planned: int = connection.execute(
        "SELECT count(*) FROM events WHERE happened = 0 AND (?1 IS NULL OR server_id = ?1)",
        (server,),
    ).fetchone()[0]
    return planned


_HAPPENED_BY_GROUP = """
SELECT coalesce(CAST(m.metadata AS TEXT) ->> ?2, '') AS name, e.record_type, count(*) AS events,
    count(DISTINCT e.message || ' ' || e.recipient) AS readers,
    sum(coalesce(CAST(e.details AS TEXT) ->> 'Type', '') = 'HardBounce') AS hard,
    sum(coalesce(CAST(e.details AS TEXT) ->> 'SuppressionReason', '') = 'ManualSuppression')
        AS chosen
FROM events e JOIN messages m ON m.id = e.message
WHERE e.happened = 1 AND (?1 IS NULL OR e.server_id = ?1) GROUP BY 1, 2
"""
_NAMES = {
    "Delivery": ("delivered", None),
    "Open": ("opened", "opened_unique"),
    "Click": ("clicked", "clicked_unique"),
    "Bounce": ("bounced", None),
    "SpamComplaint": ("complained", None),
    "SubscriptionChange": ("unsubscribed", None),
    "OneClick": ("one_click", None),
}


def _reactions(
    connection: sqlite3.Connection, server: int | None, field: str
) -> dict[str, dict[str, int]]:
    """Counts of what has happened to the messages of each value of a metadata field.

    Messages without the field are under ''. `unsubscribed` are those who chose to leave, not the
    suppressions that bounces and complaints bring.
    """
    groups: dict[str, dict[str, int]] = {}
    for row in connection.execute(
        "SELECT coalesce(CAST(metadata AS TEXT) ->> ?2, '') AS name, count(*) AS messages"
        " FROM messages WHERE ?1 IS NULL OR server_id = ?1 GROUP BY 1",
        (server, f'$."{field}"'),
    ):
        zeros = {name: 0 for pair in _NAMES.values() for name in pair if name}
        groups[row["name"]] = {"accepted": row["messages"], **zeros, "bounced_hard": 0}
    for row in connection.execute(_HAPPENED_BY_GROUP, (server, f'$."{field}"')):
        every, unique = _NAMES[row["record_type"]]
        group = groups[row["name"]]
        group[every] = row["chosen"] if every == "unsubscribed" else row["events"]
        if unique:
            group[unique] = row["readers"]
        group["bounced_hard"] += row["hard"]
    return groups


def _summed(groups: Iterable[dict[str, int]]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for group in groups:
        total.update(group)
    return dict(total)


routes = [
    Route("/sandbox/health", health),
    Route("/sandbox/behaviour", get_behaviour),
    Route("/sandbox/behaviour", set_behaviour, methods=["PUT"]),
    Route("/sandbox/messages", list_messages),
    Route("/sandbox/messages", delete_messages, methods=["DELETE"]),
    Route("/sandbox/messages/{id}", show_message),
    Route("/sandbox/messages/{id}/html", show_html),
    Route("/sandbox/unsubscribe/{id}", show_unsubscribe),
    Route("/sandbox/unsubscribe/{id}", unsubscribe, methods=["POST"]),
    Route("/sandbox/webhooks", webhook_counts),
]
