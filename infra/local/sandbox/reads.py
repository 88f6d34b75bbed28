"""Opens and clicks read back: one by one, of one message, and counted by day."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Coroutine
from datetime import datetime
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.sandbox.happenings import happening_of
from infra.local.sandbox.payloads import read_record
from infra.local.sandbox.search import HAPPENED, check_window
from infra.local.sandbox.web import PROVIDER_ZONE, answer, moment, number, sandbox_of, server_of

Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]
_NAMES: Final = {"Open": "Opens", "Click": "Clicks"}
# Times and a first of each kind: by day, and by what makes a repeat of it no longer unique.
_TIMES: Final = """
SELECT e.due_at, e.message || ' ' || e.recipient || ' '
    || coalesce(CAST(e.details AS TEXT) ->> 'OriginalLink', '') AS reader
FROM events e LEFT JOIN messages m ON m.id = e.message
WHERE e.happened = 1 AND e.server_id = ? AND e.record_type = ?
    AND (?3 = '' OR m.tag = ?3) AND (?4 = '' OR e.stream = ?4)
    AND e.due_at >= ? AND e.due_at <= ? ORDER BY e.due_at, e.id
"""


def _listing(record_type: str) -> Endpoint:
    async def listed(request: Request) -> Response:
        """GET /messages/outbound/opens?count=&offset=&recipient=&tag=, newest first; or clicks"""
        server, query = server_of(request), request.query_params
        count, offset = number(query, "count", 500, 500), number(query, "offset", 0, 10**9)
        check_window(count, offset)
        where = " AND e.server_id = ? AND e.record_type = ?"
        values: list[Any] = [server.id, record_type]
        for column, value in (
            ("lower(m.message_id)", request.path_params.get("id", "").lower()),
            ("m.tag", query.get("tag")),
            ("lower(e.recipient)", query.get("recipient", "").lower()),
            ("e.stream", query.get("messagestream")),
        ):
            if value:
                where += f" AND {column} = ?"
                values.append(value)

        def read(connection: sqlite3.Connection) -> dict[str, Any]:
            rows = connection.execute(
                f"{HAPPENED}{where} ORDER BY e.due_at DESC, e.id DESC", values
            ).fetchall()
            page = [read_record(happening_of(row)) for row in rows[offset : offset + count]]
            return {"TotalCount": len(rows), _NAMES[record_type]: page}

        return answer(await sandbox_of(request).database.run(read))

    return listed


def _by_day(record_type: str) -> Endpoint:
    async def counted(request: Request) -> Response:
        """GET /stats/outbound/opens?tag=&fromdate=&todate=&messagestream=; or clicks"""
        server, query = server_of(request), request.query_params
        until = moment(query, "todate", end_of_day=True)
        values = (
            server.id, record_type, query.get("tag", ""), query.get("messagestream", ""),
            moment(query, "fromdate", end_of_day=False) or 0, 9e15 if until is None else until,
        )  # fmt: skip
        rows = await sandbox_of(request).database.run(
            lambda connection: connection.execute(_TIMES, values).fetchall()
        )
        return answer(_days(rows, _NAMES[record_type]))

    return counted


def _days(rows: list[sqlite3.Row], name: str) -> dict[str, Any]:
    days: dict[str, dict[str, Any]] = {}
    seen: set[str] = set()
    for row in rows:
        date = datetime.fromtimestamp(row["due_at"], PROVIDER_ZONE).date().isoformat()
        day = days.setdefault(date, {"Date": date, name: 0, "Unique": 0})
        day[name] += 1
        day["Unique"] += row["reader"] not in seen
        seen.add(row["reader"])
    return {"Days": list(days.values()), name: len(rows), "Unique": len(seen)}


routes = [
    Route("/messages/outbound/opens", _listing("Open")),
    Route("/messages/outbound/opens/{id}", _listing("Open")),
    Route("/messages/outbound/clicks", _listing("Click")),
    Route("/messages/outbound/clicks/{id}", _listing("Click")),
    Route("/stats/outbound/opens", _by_day("Open")),
    Route("/stats/outbound/clicks", _by_day("Click")),
]
