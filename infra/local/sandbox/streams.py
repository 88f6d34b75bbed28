"""A server's message streams and who is suppressed on them."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass
from typing import Any

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.sandbox.addresses import is_address
from infra.local.sandbox.happenings import record_change
from infra.local.sandbox.payloads import timestamp
from infra.local.sandbox.refusals import RefusedError
from infra.local.sandbox.registry import Registry, Suppression
from infra.local.sandbox.servers import PostmarkModel, Server, Stream, SubscriptionManagement
from infra.local.sandbox.web import (
    answer,
    change_server,
    moment,
    read_model,
    sandbox_of,
    server_of,
    stream_of,
)

MAX_STREAMS, MAX_SUPPRESSIONS = 10, 50


class StreamChanges(PostmarkModel):
    name: str | None = Field(default=None, min_length=1, max_length=200)
    description: str | None = None
    subscription_management_configuration: SubscriptionManagement | None = None


async def list_streams(request: Request) -> Response:
    """GET /message-streams?MessageStreamType=&IncludeArchivedStreams="""
    query = request.query_params
    kind = query.get("MessageStreamType", "All")
    archived = query.get("IncludeArchivedStreams", "false").lower() == "true"
    streams = [
        stream.shown()
        for stream in server_of(request).streams
        if kind in ("All", stream.message_stream_type) and (archived or not stream.archived_at)
    ]
    return answer({"MessageStreams": streams, "TotalCount": len(streams)})


async def create_stream(request: Request) -> Response:
    """POST /message-streams"""
    server = server_of(request)
    stream = await read_model(request, Stream)
    management = stream.subscription_management_configuration
    if (
        "subscription_management_configuration" not in stream.model_fields_set
        and stream.message_stream_type == "Broadcasts"
    ):
        management = SubscriptionManagement(unsubscribe_handling_type="Postmark")
    fixed = {
        "server_id": server.id,
        "created_at": sandbox_of(request).now_text(),
        "updated_at": None,
        "archived_at": None,
        "subscription_management_configuration": management,
    }
    stream = stream.model_copy(update=fixed)
    _check_handling(stream)

    def add(newest: Server) -> Server:
        if newest.stream(stream.id):
            raise RefusedError(1229, f"The stream '{stream.id}' exists already.")
        if len(newest.streams) >= MAX_STREAMS:
            raise RefusedError(1230, f"A server has at most {MAX_STREAMS} streams.")
        return newest.model_copy(update={"streams": [*newest.streams, stream]})

    await change_server(request, add)
    return answer(stream.shown())


def _check_handling(stream: Stream) -> None:
    if stream.message_stream_type == "Broadcasts" and stream.handling == "None":
        raise RefusedError(1237, "A broadcast stream needs unsubscribe handling.")


async def get_stream(request: Request) -> Response:
    """GET /message-streams/{stream}"""
    return answer(stream_of(server_of(request), request.path_params["stream"]).shown())


async def change_stream(request: Request) -> Response:
    """PATCH /message-streams/{stream}"""
    stream_of(server_of(request), request.path_params["stream"])
    changes = await read_model(request, StreamChanges)
    update: dict[str, Any] = {
        name: getattr(changes, name)
        for name in changes.model_fields_set
        if name == "description" or getattr(changes, name) is not None
    }
    update["updated_at"] = sandbox_of(request).now_text()
    return await _changed_stream(request, update)


async def archive_stream(request: Request) -> Response:
    """POST /message-streams/{stream}/archive and /unarchive"""
    archived = sandbox_of(request).now_text() if request.url.path.endswith("/archive") else None
    return await _changed_stream(request, {"archived_at": archived})


async def _changed_stream(request: Request, update: dict[str, Any]) -> Response:
    stream_id = request.path_params["stream"]

    def apply(server: Server) -> Server:
        changed = stream_of(server, stream_id).model_copy(update=update)
        _check_handling(changed)
        streams = [changed if stream.id == stream_id else stream for stream in server.streams]
        return server.model_copy(update={"streams": streams})

    await change_server(request, apply)
    return await get_stream(request)


# --- suppressions ------------------------------------------------------------


async def dump_suppressions(request: Request) -> Response:
    """GET /message-streams/{stream}/suppressions/dump"""
    server, query = server_of(request), request.query_params
    stream = stream_of(server, request.path_params["stream"])
    since, until = (
        moment(query, "fromdate", end_of_day=False),
        moment(query, "todate", end_of_day=True),
    )
    wanted = [
        {
            "EmailAddress": entry.address,
            "SuppressionReason": entry.reason,
            "Origin": entry.origin,
            "CreatedAt": timestamp(entry.created_at),
        }
        for entry in sandbox_of(request).registry.suppressions(server.id, stream.id)
        if query.get("SuppressionReason", entry.reason) == entry.reason
        and query.get("Origin", entry.origin) == entry.origin
        and query.get("EmailAddress", entry.address).lower() == entry.address
        and (since is None or entry.created_at >= since)
        and (until is None or entry.created_at <= until)
    ]
    return answer({"Suppressions": wanted})


class SuppressionEntry(PostmarkModel):
    email_address: str


class SuppressionList(PostmarkModel):
    suppressions: list[SuppressionEntry] = Field(max_length=MAX_SUPPRESSIONS)


async def create_suppressions(request: Request) -> Response:
    """POST /message-streams/{stream}/suppressions: each becomes a SubscriptionChange webhook."""
    return await _change_suppressions(request, suppress=True)


async def delete_suppressions(request: Request) -> Response:
    """POST /message-streams/{stream}/suppressions/delete: spam complaints stay."""
    return await _change_suppressions(request, suppress=False)


async def _change_suppressions(request: Request, *, suppress: bool) -> Response:
    server = server_of(request)
    stream = stream_of(server, request.path_params["stream"])
    wanted = await read_model(request, SuppressionList)
    sandbox = sandbox_of(request)
    now = sandbox.clock()
    where = _Place(sandbox.registry, server.id, stream.id)

    def change_all(connection: sqlite3.Connection) -> list[dict[str, Any]]:
        return [
            where.change(connection, entry.email_address, now, suppress=suppress)
            for entry in wanted.suppressions
        ]

    results = await sandbox.database.run(change_all)
    sandbox.player.wake()
    return answer({"Suppressions": results})


@dataclass(frozen=True, slots=True)
class _Place:
    """The suppression list of one stream of one server."""

    registry: Registry
    server_id: int
    stream: str

    def change(
        self, connection: sqlite3.Connection, shown: str, now: float, *, suppress: bool
    ) -> dict[str, Any]:
        """Suppress or reactivate one address; the answer says what became of it."""
        known = self.registry.suppression(self.server_id, self.stream, shown)
        problem = None
        if not is_address(shown):
            problem = "An invalid email address was provided."
        elif not suppress and known and known.reason == "SpamComplaint":
            problem = "You do not have the required authority to change this suppression."
        if problem:
            return {"EmailAddress": shown, "Status": "Failed", "Message": problem}
        if suppress is not bool(known):
            self._enter(connection, shown, now, suppress=suppress)
        status = "Suppressed" if suppress else "Deleted"
        return {"EmailAddress": shown, "Status": status, "Message": None}

    def _enter(
        self, connection: sqlite3.Connection, shown: str, now: float, *, suppress: bool
    ) -> None:
        address, reason = shown.lower(), "ManualSuppression" if suppress else None
        if reason:
            entry = Suppression(address, reason, "Customer", now)
            self.registry.suppress(connection, self.server_id, self.stream, entry)
        else:
            self.registry.reactivate(connection, self.server_id, self.stream, address)
        details = {
            "Origin": "Customer",
            "SuppressSending": suppress,
            "SuppressionReason": reason,
            "Entered": True,
        }
        record_change(connection, self.server_id, self.stream, shown, now, details)


routes = [
    Route("/message-streams", list_streams),
    Route("/message-streams", create_stream, methods=["POST"]),
    Route("/message-streams/{stream}", get_stream),
    Route("/message-streams/{stream}", change_stream, methods=["PATCH"]),
    Route("/message-streams/{stream}/archive", archive_stream, methods=["POST"]),
    Route("/message-streams/{stream}/unarchive", archive_stream, methods=["POST"]),
    Route("/message-streams/{stream}/suppressions/dump", dump_suppressions),
    Route("/message-streams/{stream}/suppressions", create_suppressions, methods=["POST"]),
    Route("/message-streams/{stream}/suppressions/delete", delete_suppressions, methods=["POST"]),
]
