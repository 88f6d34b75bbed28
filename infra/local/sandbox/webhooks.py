"""The webhooks a server has registered."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from infra.local.sandbox.refusals import RefusedError
from infra.local.sandbox.servers import Server, Webhook
from infra.local.sandbox.web import (
    answer,
    change_server,
    parse_json,
    parse_model,
    read_body,
    read_model,
    sandbox_of,
    server_of,
    stream_of,
)

MAX_WEBHOOKS = 10


async def list_webhooks(request: Request) -> Response:
    """GET /webhooks?MessageStream="""
    stream = request.query_params.get("MessageStream")
    webhooks = [
        webhook.shown()
        for webhook in server_of(request).webhooks
        if stream in (None, "", webhook.message_stream)
    ]
    return answer({"Webhooks": webhooks})


async def create_webhook(request: Request) -> Response:
    """POST /webhooks"""
    server = server_of(request)
    webhook = await read_model(request, Webhook)
    stream_of(server, webhook.message_stream)
    registry = sandbox_of(request).registry

    def add(newest: Server) -> Server:
        if len(newest.webhooks) >= MAX_WEBHOOKS:
            raise RefusedError(1302, f"A server has at most {MAX_WEBHOOKS} webhooks.")
        webhook.id = registry.next_id([w.id for each in registry.servers for w in each.webhooks])
        return newest.model_copy(update={"webhooks": [*newest.webhooks, webhook]})

    await change_server(request, add)
    return answer(webhook.shown())


def _webhook_of(request: Request, server: Server) -> Webhook:
    for webhook in server.webhooks:
        if webhook.id == request.path_params["id"]:
            return webhook
    raise RefusedError(1301, "The webhook was not found.", 404)


def _with(server: Server, webhook_id: int, instead: list[Webhook]) -> Server:
    """The server with these in the place of one of its webhooks, if that is still there."""
    found = any(webhook.id == webhook_id for webhook in server.webhooks)
    others = [webhook for webhook in server.webhooks if webhook.id != webhook_id]
    webhooks = sorted([*others, *(instead if found else [])], key=lambda w: w.id)
    return server.model_copy(update={"webhooks": webhooks})


async def get_webhook(request: Request) -> Response:
    """GET /webhooks/{id}"""
    return answer(_webhook_of(request, server_of(request)).shown())


async def change_webhook(request: Request) -> Response:
    """PUT /webhooks/{id}: fields left out stay; the stream cannot change."""
    server = server_of(request)
    known = _webhook_of(request, server)
    content = await parse_json(await read_body(request, 1024 * 1024))
    if not isinstance(content, dict):
        raise RefusedError(403, "The webhook is not a JSON object.")
    fixed = {"ID": known.id, "MessageStream": known.message_stream}
    changed = parse_model({**known.shown(), **content, **fixed}, Webhook)
    await change_server(request, lambda newest: _with(newest, known.id, [changed]))
    return answer(changed.shown())


async def delete_webhook(request: Request) -> Response:
    """DELETE /webhooks/{id}"""
    server = server_of(request)
    gone = _webhook_of(request, server)
    await change_server(request, lambda newest: _with(newest, gone.id, []))
    return answer({"ErrorCode": 0, "Message": f"Webhook {gone.id} removed."})


routes = [
    Route("/webhooks", list_webhooks),
    Route("/webhooks", create_webhook, methods=["POST"]),
    Route("/webhooks/{id:int}", get_webhook),
    Route("/webhooks/{id:int}", change_webhook, methods=["PUT"]),
    Route("/webhooks/{id:int}", delete_webhook, methods=["DELETE"]),
]
