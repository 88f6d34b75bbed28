"""Reading what was accepted: message search and details, bounces, statistics."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.sandbox import mail
from infra.local.sandbox.happenings import happening_of
from infra.local.sandbox.outbox import stored_message
from infra.local.sandbox.payloads import Happening, bounce_fields, timestamp
from infra.local.sandbox.refusals import RefusedError
from infra.local.sandbox.web import answer, moment, number, sandbox_of, server_of

DEFAULT_STREAM = "outbound"
"""Where Postmark searches when no stream is named, wherever else messages went."""
_EVENT_TYPES = {
    "Delivery": "Delivered",
    "Open": "Opened",
    "Click": "LinkClicked",
    "Bounce": "Bounced",
    "SpamComplaint": "Bounced",
    "SubscriptionChange": "SubscriptionChanged",
}
MOST_FOUND = 10_000
HAPPENED = """
SELECT e.*, m.message_id, m.sender, m.subject, m.tag, m.metadata
FROM events e LEFT JOIN messages m ON m.id = e.message WHERE e.happened = 1
"""


@dataclass(slots=True)
class Filter:
    """Conditions on `messages m`, every value bound and never part of the SQL."""

    clauses: list[str] = field(default_factory=lambda: ["1 = 1"])
    values: list[Any] = field(default_factory=list)

    def add(self, clause: str, *values: Any) -> None:
        self.clauses.append(clause)
        self.values += values

    def add_terms(self, query: Mapping[str, str], recipient: str) -> None:
        """The indexed look-ups: one recipient, and any metadata field."""
        has_term = "m.id IN (SELECT message FROM terms WHERE field = ? AND value = ?)"
        if address := query.get(recipient):
            self.add(has_term, "recipient", address.lower())
        for name, value in query.items():
            if name.startswith("metadata_"):
                self.add(has_term, "metadata:" + name.removeprefix("metadata_"), value)

    def add_equal(self, column: str, value: str | None) -> None:
        if value:
            self.add(f"m.{column} = ?", value)

    @property
    def where(self) -> str:
        return " AND ".join(self.clauses)


def find_messages(
    connection: sqlite3.Connection, wanted: Filter, count: int, offset: int
) -> tuple[int, list[sqlite3.Row]]:
    """How many match, and one page of them, newest first."""
    total = connection.execute(
        f"SELECT count(*) FROM messages m WHERE {wanted.where}",  # noqa: S608 - fixed clauses
        wanted.values,
    ).fetchone()[0]
    rows = connection.execute(
        f"SELECT * FROM messages m WHERE {wanted.where}"  # noqa: S608 - fixed clauses
        " ORDER BY m.id DESC LIMIT ? OFFSET ?",
        [*wanted.values, count, offset],
    ).fetchall()
    return total, rows


def check_window(count: int, offset: int) -> None:
    """Raises the 422 of a page that reaches beyond what can be searched."""
    if count + offset > MOST_FOUND:
        raise RefusedError(600, f"Count and offset together cannot exceed {MOST_FOUND}.")


def _searched(request: Request) -> Filter:
    """The filter of one search: own server, and only what is older than the search lag."""
    server, query, sandbox = server_of(request), request.query_params, sandbox_of(request)
    if sum(name.startswith("metadata_") for name in query) > 1:
        raise RefusedError(600, "Search takes one metadata field at a time.")
    wanted = Filter()
    wanted.add("m.server_id = ?", server.id)
    wanted.add(
        "m.accepted_at <= ?", sandbox.clock() - sandbox.registry.behaviour.search_lag_seconds
    )
    wanted.add_terms(query, "recipient")
    wanted.add_equal("tag", query.get("tag"))
    wanted.add_equal("sender", query.get("fromemail"))
    if subject := query.get("subject"):
        wanted.add("instr(lower(m.subject), lower(?)) > 0", subject)
    if query.get("status", "sent").lower() not in ("sent", "processed"):
        wanted.add("1 = 0")  # nothing is ever queued here
    if (since := moment(query, "fromdate", end_of_day=False)) is not None:
        wanted.add("m.accepted_at >= ?", since)
    if (until := moment(query, "todate", end_of_day=True)) is not None:
        wanted.add("m.accepted_at <= ?", until)
    return wanted


async def search_messages(request: Request) -> Response:
    """GET /messages/outbound?count=&offset=&recipient=&tag=&messagestream=&metadata_<name>=...

    Without messagestream only the stream `outbound` is searched, as Postmark has it.
    """
    query = request.query_params
    wanted = _searched(request)
    wanted.add_equal("stream", query.get("messagestream") or DEFAULT_STREAM)
    count, offset = number(query, "count", 100, 500), number(query, "offset", 0, 10**9)
    check_window(count, offset)
    total, rows = await sandbox_of(request).database.run(
        lambda connection: find_messages(connection, wanted, count, offset)
    )
    return answer({"TotalCount": total, "Messages": [_found(row) for row in rows]})


def _found(row: sqlite3.Row) -> dict[str, Any]:
    """One message as search shows it."""
    recipients = orjson.loads(row["recipients"])

    def mailboxes(kind: str) -> list[dict[str, str]]:
        return [{"Email": email, "Name": name} for f, email, name in recipients if f == kind]

    return {
        "Tag": row["tag"],
        "MessageID": row["message_id"],
        "MessageStream": row["stream"],
        "To": mailboxes("To"),
        "Cc": mailboxes("Cc"),
        "Bcc": mailboxes("Bcc"),
        "Recipients": [email for _, email, _ in recipients],
        "ReceivedAt": timestamp(row["accepted_at"]),
        "From": row["sender"],
        "Subject": row["subject"],
        "Attachments": [],
        "Status": "Sent",
        "TrackOpens": bool(row["track_opens"]),
        "TrackLinks": row["track_links"],
        "Metadata": orjson.loads(row["metadata"]),
        "Sandboxed": False,
    }


async def message_details(request: Request) -> Response:
    """GET /messages/outbound/{id}/details: search's fields, the bodies and MessageEvents."""
    wanted = _searched(request)
    wanted.add("m.message_id = ?", request.path_params["id"].lower())
    base_url = sandbox_of(request).base_url

    def details(connection: sqlite3.Connection) -> dict[str, Any] | None:
        _, rows = find_messages(connection, wanted, 1, 0)
        if not rows:
            return None
        sent = sent_mail(connection, rows[0], base_url)
        events = connection.execute(
            HAPPENED + " AND e.message = ? ORDER BY e.due_at, e.id", (rows[0]["id"],)
        )
        attached = [a["Name"] for a in sent["message"].get("Attachments") or []]
        return {
            **_found(rows[0]),
            "Attachments": attached,
            "TextBody": sent["text"],
            "HtmlBody": sent["html"],
            "Body": _source(rows[0], sent),
            "MessageEvents": [
                message_event(happening_of(event))
                for event in events
                if event["record_type"] in _EVENT_TYPES
            ],
        }

    found = await sandbox_of(request).database.run(details)
    if found is None:
        raise RefusedError(701, "This message was not found or you do not have access to it.")
    return answer(found)


def sent_mail(connection: sqlite3.Connection, row: sqlite3.Row, base_url: str) -> dict[str, Any]:
    """The mail as it left: html, text, headers, and `message` as it was submitted."""
    message = stored_message(connection, row)
    url = f"{base_url}/sandbox/unsubscribe/{row['message_id']}"
    return {**mail.outgoing(message, row["handling"], url), "message": message}


def _source(row: sqlite3.Row, sent: dict[str, Any]) -> str:
    lines = [f"From: {row['sender']}", f"Subject: {row['subject']}"]
    lines += [f"{header['Name']}: {header['Value']}" for header in sent["headers"]]
    return "\r\n".join([*lines, "", sent["text"] or sent["html"]])


def message_event(h: Happening) -> dict[str, Any]:
    """One of MessageEvents; its details are texts, as Postmark has them."""
    match h.record_type:
        case "Delivery":
            details = {"DeliveryMessage": "smtp;250 2.0.0 OK", "DestinationIP": "192.0.2.25"}
        case "Bounce" | "SpamComplaint":
            fields = bounce_fields(h)
            details = {"Summary": f"{fields['Name']}: {fields['Details']}", "BounceID": str(h.id)}
        case "Open":
            details = {"Summary": "Email opened", "FirstOpen": str(h.details["FirstOpen"])}
        case "Click":
            link, where = h.details["OriginalLink"], h.details["ClickLocation"]
            details = {"Summary": f"Tracked link clicked: {link}", "Link": link}
            details["ClickLocation"] = where
        case _:
            suppressed = str(h.details["SuppressSending"])
            details = {"Origin": h.details["Origin"], "SuppressSending": suppressed}
    return {
        "Recipient": h.recipient,
        "Type": "Transient"
        if h.details.get("Type") == "Transient"
        else _EVENT_TYPES[h.record_type],
        "ReceivedAt": timestamp(h.at),
        "Details": details,
    }


async def list_bounces(request: Request) -> Response:
    """GET /bounces?count=&offset=&type=&inactive=&emailFilter=&messageID=&tag=&messagestream="""
    server, query = server_of(request), request.query_params
    count, offset = number(query, "count", 100, 500), number(query, "offset", 0, 10**9)
    since = moment(query, "fromdate", end_of_day=False) or 0
    until = moment(query, "todate", end_of_day=True)
    rows = await sandbox_of(request).database.run(
        lambda connection: connection.execute(
            HAPPENED + " AND e.server_id = ? AND e.record_type IN ('Bounce', 'SpamComplaint')"
            " AND e.due_at >= ? AND e.due_at <= ? ORDER BY e.id DESC",
            (server.id, since, 9e15 if until is None else until),
        ).fetchall()
    )
    bounces = [
        bounce for row in rows if _matches(bounce := bounce_fields(happening_of(row)), query)
    ]
    return answer({"TotalCount": len(bounces), "Bounces": bounces[offset : offset + count]})


def _matches(bounce: dict[str, Any], query: Mapping[str, str]) -> bool:
    exact = {
        "type": bounce["Type"],
        "tag": bounce["Tag"],
        "messageID": bounce["MessageID"],
        "messagestream": bounce["MessageStream"],
        "inactive": str(bounce["Inactive"]).lower(),
    }
    return query.get("emailFilter", "").lower() in bounce["Email"].lower() and all(
        query.get(name, "").lower() in ("", value.lower()) for name, value in exact.items()
    )


async def get_bounce(request: Request) -> Response:
    """GET /bounces/{id}"""
    server, bounce_id = server_of(request), request.path_params["id"]
    row = await sandbox_of(request).database.run(
        lambda connection: connection.execute(
            HAPPENED + " AND e.id = ? AND e.server_id = ?"
            " AND e.record_type IN ('Bounce', 'SpamComplaint')",
            (min(bounce_id, 2**62), server.id),
        ).fetchone()
    )
    if row is None:
        raise RefusedError(407, "The bounce was not found.", 404)
    return answer(bounce_fields(happening_of(row)))


async def outbound_stats(request: Request) -> Response:
    """GET /stats/outbound?tag=&fromdate=&todate=&messagestream="""
    server, query = server_of(request), request.query_params
    wanted = Filter()
    wanted.add("m.server_id = ?", server.id)
    wanted.add_equal("tag", query.get("tag"))
    wanted.add_equal("stream", query.get("messagestream"))
    if (since := moment(query, "fromdate", end_of_day=False)) is not None:
        wanted.add("m.accepted_at >= ?", since)
    if (until := moment(query, "todate", end_of_day=True)) is not None:
        wanted.add("m.accepted_at <= ?", until)
    return answer(await sandbox_of(request).database.run(lambda c: _statistics(c, wanted)))


def _statistics(connection: sqlite3.Connection, wanted: Filter) -> dict[str, Any]:
    sent, tracked, linked = connection.execute(
        "SELECT count(*), coalesce(sum(track_opens), 0),"  # noqa: S608 - fixed clauses
        " coalesce(sum(track_links <> 'None'), 0)"
        f" FROM messages m WHERE {wanted.where}",
        wanted.values,
    ).fetchone()
    counted = {
        row["record_type"]: (row["events"], row["uniques"])
        for row in connection.execute(
            "SELECT e.record_type, count(*) AS events,"  # noqa: S608 - fixed clauses
            " count(DISTINCT e.message || ' ' || coalesce(CAST(e.details AS TEXT)"
            " ->> 'OriginalLink', '')) AS uniques"
            " FROM events e JOIN messages m ON m.id = e.message"
            f" WHERE e.happened = 1 AND {wanted.where} GROUP BY 1",
            wanted.values,
        )
    }
    opens, unique_opens = counted.get("Open", (0, 0))
    clicks, unique_clicks = counted.get("Click", (0, 0))
    bounced, complaints = counted.get("Bounce", (0, 0))[0], counted.get("SpamComplaint", (0, 0))[0]
    return {
        "Sent": sent,
        "Bounced": bounced,
        "SMTPApiErrors": 0,
        "BounceRate": round(100 * bounced / sent, 3) if sent else 0,
        "SpamComplaints": complaints,
        "SpamComplaintsRate": round(100 * complaints / sent, 3) if sent else 0,
        "Tracked": tracked,
        "Opens": opens,
        "UniqueOpens": unique_opens,
        "TotalClicks": clicks,
        "UniqueLinksClicked": unique_clicks,
        "TotalTrackedLinksSent": linked,
        "WithOpenTracking": tracked,
        "WithLinkTracking": linked,
        "WithClientRecorded": opens,
        "WithPlatformRecorded": opens,
        "WithReadTimeRecorded": 0,
    }


routes = [
    Route("/messages/outbound", search_messages),
    Route("/messages/outbound/{id}/details", message_details),
    Route("/bounces", list_bounces),
    Route("/bounces/{id:int}", get_bounce),
    Route("/stats/outbound", outbound_stats),
]
