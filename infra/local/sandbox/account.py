"""Servers by the account token, and the templates of one server."""

from __future__ import annotations

import sqlite3
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.sandbox.refusals import RefusedError
from infra.local.sandbox.servers import Server, Template, default_streams
from infra.local.sandbox.web import (
    answer,
    change_server,
    number,
    read_model,
    require_account,
    sandbox_of,
    server_of,
)

MAX_TEMPLATES = 100


async def create_server(request: Request) -> Response:
    """POST /servers: the answer carries the new server's token in ApiTokens."""
    require_account(request)
    wanted = await read_model(request, Server)
    sandbox = sandbox_of(request)
    registry = sandbox.registry

    def create(connection: sqlite3.Connection) -> Server:
        if any(known.name == wanted.name for known in registry.servers):
            raise RefusedError(603, f"A server named '{wanted.name}' exists already.")
        server_id = registry.next_server_id()
        server = Server(
            id=server_id,
            name=wanted.name,
            color=wanted.color,
            delivery_type=wanted.delivery_type,
            track_opens=wanted.track_opens,
            track_links=wanted.track_links,
            api_tokens=[str(sandbox.new_id())],
            streams=default_streams(server_id, sandbox.now_text()),
        )
        registry.save(connection, server)
        return server

    server = await sandbox.database.run(create)
    return answer(server.shown())


async def list_servers(request: Request) -> Response:
    """GET /servers?name=&count=&offset="""
    require_account(request)
    query = request.query_params
    named = [s for s in sandbox_of(request).registry.servers if query.get("name", "") in s.name]
    count, offset = number(query, "count", 500, 500), number(query, "offset", 0, 10**9)
    shown = [server.shown() for server in named[offset : offset + count]]
    return answer({"TotalCount": len(named), "Servers": shown})


async def get_server(request: Request) -> Response:
    """GET /servers/{id} with the account token"""
    require_account(request)
    server = sandbox_of(request).registry.server(request.path_params["id"])
    if server is None:
        raise RefusedError(600, "The server was not found.", 404)
    return answer(server.shown())


async def own_server(request: Request) -> Response:
    """GET /server with the server's token"""
    return answer(server_of(request).shown())


async def create_template(request: Request) -> Response:
    """POST /templates"""
    server_of(request)
    template = await read_model(request, Template)
    if not (template.html_body or template.text_body):
        raise RefusedError(1109, "A template needs an HtmlBody or a TextBody.")
    registry = sandbox_of(request).registry

    def add(server: Server) -> Server:
        if len(server.templates) >= MAX_TEMPLATES:
            raise RefusedError(1105, f"A server has at most {MAX_TEMPLATES} templates.")
        if template.alias and any(known.alias == template.alias for known in server.templates):
            raise RefusedError(1125, f"The alias '{template.alias}' is taken.")
        taken = [known.template_id for each in registry.servers for known in each.templates]
        template.template_id = registry.next_id(taken)
        return server.model_copy(update={"templates": [*server.templates, template]})

    await change_server(request, add)
    return answer(_summary(template))


def _summary(template: Template) -> dict[str, Any]:
    return template.model_dump(by_alias=True, exclude={"subject", "html_body", "text_body"})


async def list_templates(request: Request) -> Response:
    """GET /templates"""
    templates = server_of(request).templates
    summaries = [_summary(template) for template in templates]
    return answer({"TotalCount": len(templates), "Templates": summaries})


routes = [
    Route("/servers", create_server, methods=["POST"]),
    Route("/servers", list_servers),
    Route("/servers/{id:int}", get_server),
    Route("/server", own_server),
    Route("/templates", list_templates),
    Route("/templates", create_template, methods=["POST"]),
]
