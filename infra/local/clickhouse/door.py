"""ClickHouse's HTTP interface over the engine, as an ASGI application."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import chain
from uuid import UUID, uuid4

import structlog
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from infra.local.clickhouse import intake
from infra.local.clickhouse.analysts.logins import AnalystLogins
from infra.local.clickhouse.analysts.planning import Asked
from infra.local.clickhouse.analysts.refusals import denied
from infra.local.clickhouse.analysts.serving import Analysts
from infra.local.clickhouse.answering import refusal, response
from infra.local.clickhouse.engine import HOME_DATABASE, Answer, Call, Engine
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
ANALYST_BODY_LIMIT = 1024 * 1024
_WAITING_LIMIT = 100
_LOGGED_STATEMENT = 300
_log = structlog.get_logger("clickhouse.door")


@dataclass(frozen=True, slots=True)
class Planned:
    """A request that passed every check: what to run, and how to answer."""

    call: Call
    answer_format: str


class Door:
    """Handles requests of the operator's login and, when there are `analysts`, of theirs.

    The operator's statements run on four threads, at most 100 wait; analysts have their own.
    """

    def __init__(
        self,
        engine: Engine,
        login: intake.Login,
        analysts: Analysts | None = None,
        new_id: Callable[[], str] = lambda: str(uuid4()),
    ) -> None:
        self._engine = engine
        self._login = login
        self._analysts = analysts
        self._guard = Guard(engine.table_functions())
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="query")
        self._waiting = 0
        self._new_id = new_id

    async def handle(self, request: Request) -> Response:
        """One statement: 200 with its result, or ClickHouse's error."""
        query_id = request.query_params.get("query_id") or self._new_id()
        body = intake.Body()
        try:
            username, password = intake.presented(request.headers, request.query_params)
            if self._analysts is not None and self._analysts.may_know(username):
                organization = await self._analysts.admit(username, password)
                query = await _received(request, body, ANALYST_BODY_LIMIT)
                return await self._answer_analyst(organization, request, query, body, query_id)
            intake.check_login(self._login, username, password)
            query = await _received(request, body)
            return await self._answer(request, query, body, query_id)
        except ClickHouseError as error:
            self._report(error, request, body, query_id)
            return refusal(error, query_id)
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
        accepted = request.headers.get("accept-encoding", "")
        return response(answer, planned.answer_format, query_id, query, accepted)

    async def _answer_analyst(
        self,
        organization: UUID,
        request: Request,
        query: Mapping[str, str],
        body: intake.Body,
        query_id: str,
    ) -> Response:
        assert self._analysts is not None  # noqa: S101 - nobody else is an analyst
        if not query.get("query", "").strip() and body.size == 0:
            return PlainTextResponse("Ok.\n")
        asked = asked_by_analyst(query, request.headers, body)
        answer, answer_format = await self._analysts.answer(organization, asked)
        accepted = request.headers.get("accept-encoding", "")
        return response(answer, answer_format, query_id, query, accepted)

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


async def _received(
    request: Request, body: intake.Body, limit: int | None = None
) -> Mapping[str, str]:
    """The query parameters, with a form's fields among them; other bodies go into `body`."""
    query: Mapping[str, str] = request.query_params
    if intake.is_form(request.headers):
        return {**query, **await intake.form_fields(request)}
    encoding = request.headers.get("content-encoding", "")
    await intake.receive(request.stream(), encoding, body, limit)
    return query


def asked_by_analyst(
    query: Mapping[str, str], headers: Mapping[str, str], body: intake.Body
) -> Asked:
    """What an analyst asks. Raises ClickHouseError for what no analyst may."""
    _check_transport(query)
    database = query.get("database") or headers.get("x-clickhouse-database") or HOME_DATABASE
    if database not in {HOME_DATABASE, FILE_DATABASE}:
        raise denied(
            f"the database `{database[:60]}` is not available", "Leave it out, or name nudge"
        )
    parts = (query.get("query", "").rstrip().encode(), body.beginning())
    text = b"\n".join(part for part in parts if part).decode("utf-8", "surrogateescape")
    wanted = query.get("default_format") or headers.get("x-clickhouse-format", DEFAULT_FORMAT)
    return Asked(text, intake.params_of(query), intake.settings_of(query), wanted)


def _check_transport(query: Mapping[str, str]) -> None:
    for unsupported in ("compress", "decompress"):
        if query.get(unsupported, "0") not in {"0", ""}:
            raise ClickHouseError(NOT_IMPLEMENTED, f"{unsupported}=1 is not available here.")


def plan(
    query: Mapping[str, str],
    headers: Mapping[str, str],
    body: intake.Body,
    guard: Guard,
    *,
    read_only: bool,
) -> Planned:
    """Checks a request and says what to run. Raises ClickHouseError for what is refused."""
    _check_transport(query)
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


async def _unexpected(_request: Request, error: Exception) -> Response:
    _log.error("door_failed", error=type(error).__name__)
    return refusal(ClickHouseError(UNKNOWN_EXCEPTION, "The door failed."), "")


async def _ping(_request: Request) -> Response:
    return PlainTextResponse("Ok.\n")


def create_app(
    engine: Engine, login: intake.Login, logins: AnalystLogins | None = None
) -> Starlette:
    """The application: `/ping` is open, everything else needs the operator's or a known login."""
    door = Door(engine, login, Analysts(engine, logins) if logins else None)
    return Starlette(
        routes=[
            Route("/", door.handle, methods=["GET", "POST"]),
            Route("/ping", _ping, methods=["GET"]),
            Route("/replicas_status", _ping, methods=["GET"]),
        ],
        exception_handlers={Exception: _unexpected},
    )
