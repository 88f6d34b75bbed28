"""Contacts from a file: spooled and hashed first, then carried in, chunk by chunk."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, BinaryIO, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, Principal, ServicesOf
from api.errors import Problem
from api.ports import Answer, ImportOrder, Progress, Services
from api.requests import idempotency_key, meta_of, response_of
from domain.contact.tabular import Rejection
from schemas.positions import write_token

router = APIRouter(prefix="/v1/contacts", tags=["contacts"])
LARGEST_FILE: Final = 512 * 1024 * 1024
_SHOWN: Final = 1000
_TYPES: Final = ("text/csv", "application/x-ndjson")


@router.post("/import")
async def import_contacts(
    request: Request,
    caller: Caller,
    services: ServicesOf,
    dry_run: bool = False,
    attest_consent: Annotated[str | None, Query(min_length=1, max_length=500)] = None,
) -> Response:
    """Add and change contacts from CSV (with a header line) or NDJSON, streamed."""
    order = ImportOrder(
        meta_of(request, caller, services),
        _content_type(request),
        services.new_id(),
        attest_consent,
        dry_run,
    )
    if "application/x-ndjson" in request.headers.get("accept", ""):
        spool, _ = await _spool(request)
        steps = services.imports.run(spool, order, lambda: False)
        first = await run_in_threadpool(next, steps)  # a file that is no table is refused with 422
        return StreamingResponse(_lines(spool, first, steps), media_type="application/x-ndjson")
    async with _spooled(request) as (spool, digest):
        return await run_in_threadpool(
            _import_once, request, caller, services, order, spool, digest
        )


def _content_type(request: Request) -> str:
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in _TYPES:
        raise Problem(
            415, "unsupported_media_type", f"Send the file as {_TYPES[0]} or {_TYPES[1]}."
        )
    return given


async def _spool(request: Request) -> tuple[BinaryIO, bytes]:
    """The body in a temporary file (deleted when closed), and its SHA-256."""
    spool = tempfile.SpooledTemporaryFile(max_size=8 * 1024 * 1024)  # noqa: SIM115
    digest, size = hashlib.sha256(request.url.query.encode()), 0
    try:
        async for part in request.stream():
            size += len(part)
            if size > LARGEST_FILE:
                raise Problem(413, "too_large", f"A file holds at most {LARGEST_FILE} bytes.")
            digest.update(part)
            await run_in_threadpool(spool.write, part)
    except BaseException:
        spool.close()
        raise
    spool.seek(0)
    return spool, digest.digest()  # type: ignore[return-value]


@asynccontextmanager
async def _spooled(request: Request) -> AsyncIterator[tuple[BinaryIO, bytes]]:
    spool, digest = await _spool(request)
    try:
        yield spool, digest
    finally:
        spool.close()


def _import_once(
    request: Request,
    caller: Principal,
    services: Services,
    order: ImportOrder,
    spool: BinaryIO,
    digest: bytes,
) -> Response:
    """The whole import as one answer; with an Idempotency-Key the same file is imported once."""
    key = idempotency_key(request)
    if key and (earlier := services.commands.earlier(caller.organization_id, key, digest)):
        return response_of(earlier, replayed=True)
    answer = summary(services.imports.run(spool, order, lambda: False))
    if key:
        services.commands.keep(caller.organization_id, key, digest, answer)
    return response_of(answer)


def summary(steps: Iterator[Progress | Rejection]) -> Answer:
    """The answer to a whole import: totals and the first 1,000 rejections."""
    rejected: list[dict[str, Any]] = []
    last: Progress | None = None
    for step in steps:
        if isinstance(step, Progress):
            last = step
        elif len(rejected) < _SHOWN:
            rejected.append(show_rejection(step))
    assert last is not None  # noqa: S101 - every run ends with its progress
    return Answer(200, {**totals(last), "rejected": rejected}, position_of(last))


def position_of(progress: Progress) -> dict[str, str]:
    """The header that lets a reader wait for what was imported."""
    token = write_token(progress.positions)
    return {"Nudge-Position": token} if token else {}


def totals(progress: Progress) -> dict[str, int]:
    """The counts of an answer."""
    return {
        "added": progress.added,
        "changed": progress.changed,
        "unchanged": progress.unchanged,
        "rejected_total": progress.rejected,
    }


def show_rejection(rejection: Rejection) -> dict[str, Any]:
    """A rejected row."""
    return {"line": rejection.line, "code": rejection.code, "detail": rejection.detail}


def _lines(
    spool: BinaryIO, first: Progress | Rejection, rest: Iterator[Progress | Rejection]
) -> Iterator[str]:
    """Progress and rejections as they come; the totals, with the position, last."""
    step, last = first, None
    try:
        while True:
            if isinstance(step, Progress):
                last = step
                yield json.dumps({"progress": {"lines": step.lines, **totals(step)}}) + "\n"
            else:
                yield json.dumps({"rejected": show_rejection(step)}) + "\n"
            following = next(rest, None)
            if following is None:
                break
            step = following
        if last is not None:
            position = position_of(last).get("Nudge-Position")
            yield json.dumps({"totals": totals(last), "position": position}) + "\n"
    finally:
        spool.close()
