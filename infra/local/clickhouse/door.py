"""ClickHouse's HTTP interface over the engine, as an ASGI application."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from uuid import uuid4

import lz4.frame
import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from infra.local.clickhouse import intake
from infra.local.clickhouse.engine import Answer, Call, Engine
from infra.local.clickhouse.errors import (
    NOT_IMPLEMENTED,
    SYNTAX_ERROR,
    TOO_MANY_QUERIES,
    UNKNOWN_EXCEPTION,
    ClickHouseError,
)
from infra.local.clickhouse.formats import (
    DEFAULT_FORMAT,
    InsertWithData,
    output_format,
    split_insert,
)
from infra.local.clickhouse.guard import FILE_DATABASE, Guard, check_database, check_settings
from infra.local.clickhouse.lexer import tokenize, without_values

WORKERS = 4
_WAITING_LIMIT = 100
_COMPRESS_FROM = 1024
_LOGGED_STATEMENT = 300
_log = structlog.get_logger("clickhouse.door")


@dataclass(frozen=True, slots=True)
class Planned:
    """A request that passed every check: what to run, and how to answer."""

    call: Call
    answer_format: str


class Door:
    """Handles requests for one login. Statements run on four threads, at most 100 wait."""

    def __init__(
        self, engine: Engine, login: intake.Login, new_id: Callable[[], str] = lambda: str(uuid4())
    ) -> None:
        self._engine = engine
        self._login = login
        self._guard = Guard(engine.table_functions())
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="query")
        self._waiting = 0
        self._new_id = new_id

    async def handle(self, request: Request) -> Response:
        """One statement: 200 with its result, or ClickHouse's error."""
        query_id = request.query_params.get("query_id") or self._new_id()
        body = intake.Body()
        try:
            intake.check_login(self._login, request.headers, request.query_params)
            query: Mapping[str, str] = request.query_params
            if intake.is_form(request.headers):
                query = {**query, **await intake.form_fields(request)}
            else:
                encoding = request.headers.get("content-encoding", "")
                await intake.receive(request.stream(), encoding, body)
            return await self._answer(request, query, body, query_id)
        except ClickHouseError as error:
            self._report(error, request, body, query_id)
            return _refusal(error, query_id)
        except ClientDisconnect:
            return Response(status_code=499)
        finally:
            body.close()

    async def _answer(
        self, request: Request, query: Mapping[str, str], body: intake.Body, query_id: str
    ) -> Response:
        if not query.get("query", "").strip() and body.size == 0:
            return PlainTextResponse("Ok.\n")
        read_only = request.method in {"GET", "HEAD"}
        planned = plan(query, request.headers, body, self._guard, read_only=read_only)
        answer = await self._run(planned.call)
        headers = {
            **_headers(query_id),
            "X-ClickHouse-Format": planned.answer_format,
            "X-ClickHouse-Summary": _summary(answer),
        }
        wanted = query.get("enable_http_compression") == "1"
        accepted = request.headers.get("accept-encoding", "") if wanted else ""
        content = _compressed(answer.body, accepted, headers)
        return Response(content, headers=headers, media_type=_media_type(planned.answer_format))

    async def _run(self, call: Call) -> Answer:
        if self._waiting >= _WAITING_LIMIT:
            raise ClickHouseError(TOO_MANY_QUERIES, "Too many simultaneous queries.")
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            # Shielded: the engine reads the body until it is done, even if the client has gone.
            return await asyncio.shield(
                loop.run_in_executor(self._threads, partial(self._engine.run, call))
            )
        finally:
            self._waiting -= 1

    def _report(
        self, error: ClickHouseError, request: Request, body: intake.Body, query_id: str
    ) -> None:
        """One line without the values of parameters, literals or rows."""
        sent = request.query_params.get("query", "").encode() or body.beginning()
        _log.error(
            "query_failed",
            code=error.code,
            error=error.name,
            status=error.status,
            query_id=query_id,
            statement=without_values(sent[: 4 * _LOGGED_STATEMENT], _LOGGED_STATEMENT),
        )


def plan(
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: intake.Body,
    guard: Guard,
    *,
    read_only: bool,
) -> Planned:
    """Checks a request and says what to run. Raises ClickHouseError for what is refused."""
    for unsupported in ("compress", "decompress"):
        if query.get(unsupported, "0") not in {"0", ""}:
            raise ClickHouseError(NOT_IMPLEMENTED, f"{unsupported}=1 is not available here.")
    settings, params = intake.settings_of(query), intake.params_of(query)
    check_settings(settings)
    before = query.get("query", "").rstrip().encode()
    prefix = before + b"\n" if before else b""
    text = prefix + body.beginning()
    call = partial(Call, database=_database(query, headers), params=params, read_only=read_only)
    insert = split_insert(text)
    if insert is not None:
        guard.check_statement(insert.head_tokens, params)
        data = _data(insert, text, len(prefix), body)
        settings |= _values_rules(insert, text, len(prefix) + body.size, guard)
        head = insert.head.decode("utf-8", "surrogateescape")
        return Planned(call(head, insert.format, settings=settings, data=data), DEFAULT_FORMAT)
    if len(prefix) + body.size > intake.STATEMENT_LIMIT:
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: Max query size exceeded.")
    tokens = tuple(tokenize(text))
    guard.check_statement(tokens, params)
    wanted = query.get("default_format") or headers.get("x-clickhouse-format", DEFAULT_FORMAT)
    run = call(text.decode("utf-8", "surrogateescape"), wanted, settings=settings)
    return Planned(run, output_format(tokens, wanted))


def _database(query: Mapping[str, str], headers: Mapping[str, str]) -> str | None:
    """The database asked for. `default` is what drivers send when nobody chose: our own."""
    name = query.get("database") or headers.get("x-clickhouse-database") or None
    if name is None or name.lower() == FILE_DATABASE:
        return None
    check_database(name)
    return name


def _data(insert: InsertWithData, text: bytes, in_query: int, body: intake.Body) -> Iterable[bytes]:
    """The rows: what stood behind the statement, then the rest of the body."""
    if insert.data_start >= in_query:
        return body.chunks_from(insert.data_start - in_query)
    return chain([text[insert.data_start : in_query]], body.chunks_from(0))


def _values_rules(insert: InsertWithData, text: bytes, size: int, guard: Guard) -> dict[str, str]:
    """VALUES may hold expressions: short ones are checked, long ones may be literals only."""
    if insert.format.lower() != "values":
        return {}
    if size > intake.STATEMENT_LIMIT:
        return {
            "input_format_values_interpret_expressions": "0",
            "input_format_values_deduce_templates_of_expressions": "0",
        }
    guard.check_expressions(tuple(tokenize(text[insert.data_start :])))
    return {}


def _headers(query_id: str) -> dict[str, str]:
    return {
        "X-ClickHouse-Server-Display-Name": "nudge",
        "X-ClickHouse-Query-Id": query_id.encode("ascii", "replace").decode()[:128],
        "X-ClickHouse-Timezone": "UTC",
    }


def _refusal(error: ClickHouseError, query_id: str) -> Response:
    headers = {**_headers(query_id), "X-ClickHouse-Exception-Code": str(error.code)}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    return PlainTextResponse(error.render(), error.status, headers)


def _summary(answer: Answer) -> str:
    counts = {
        "read_rows": answer.read_rows,
        "read_bytes": answer.read_bytes,
        "written_rows": answer.written_rows,
        "written_bytes": answer.written_bytes,
        "total_rows_to_read": answer.read_rows,
        "result_rows": answer.result_rows or answer.written_rows,
        "result_bytes": len(answer.body),
        "elapsed_ns": int(answer.elapsed_seconds * 1e9),
    }
    return json.dumps({name: str(count) for name, count in counts.items()})


def _compressed(content: bytes, accepted: str, headers: dict[str, str]) -> bytes:
    offered = {part.partition(";")[0].strip().lower() for part in accepted.split(",")}
    if len(content) < _COMPRESS_FROM or not offered & {"lz4", "gzip"}:
        return content
    if "lz4" in offered:
        headers["Content-Encoding"] = "lz4"
        return bytes(lz4.frame.compress(content))
    headers["Content-Encoding"] = "gzip"
    return gzip.compress(content, compresslevel=1)


def _media_type(name: str) -> str:
    if name.startswith("JSON"):
        return "application/json; charset=UTF-8"
    if name.startswith(("TabSeparated", "TSV")):
        return "text/tab-separated-values; charset=UTF-8"
    if name.startswith("CSV"):
        return "text/csv; charset=UTF-8"
    return "application/octet-stream"


async def _unexpected(_request: Request, error: Exception) -> Response:
    _log.error("door_failed", error=type(error).__name__)
    return _refusal(ClickHouseError(UNKNOWN_EXCEPTION, "The door failed."), "")


async def _ping(_request: Request) -> Response:
    return PlainTextResponse("Ok.\n")


def create_app(engine: Engine, login: intake.Login) -> Starlette:
    """The application: `/ping` is open, everything else needs the login."""
    door = Door(engine, login)
    return Starlette(
        routes=[
            Route("/", door.handle, methods=["GET", "POST"]),
            Route("/ping", _ping, methods=["GET"]),
            Route("/replicas_status", _ping, methods=["GET"]),
        ],
        exception_handlers={Exception: _unexpected},
    )
