"""Contacts from a file: spooled and hashed first, then carried in, chunk by chunk."""

from __future__ import annotations

import hashlib
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import chain
from typing import Annotated, Any, BinaryIO, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from api.auth import Caller, ServicesOf, allow
from api.document import refuses
from api.errors import Problem
from api.ports import Answer, ImportOrder, Progress, Services
from api.requests import idempotency_key, meta_of, response_of
from domain.contact.tabular import Rejection
from domain.contact.values import Consent
from schemas.positions import write_token

router = APIRouter(prefix="/v1/contacts", tags=["contacts"])
AT_ONCE: Final = 4
"""Imports of a process at a time: one with a key holds a connection to Postgres until its end."""
LARGEST_FILE: Final = 512 * 1024 * 1024
_SHOWN: Final = 1000
_TYPES: Final = ("text/csv", "application/x-ndjson")
_FILE: Final[dict[str, Any]] = {
    "required": True,
    "description": "A header line, then a line for each contact; or a JSON object a line.",
    "content": {
        "text/csv": {
            "schema": {"type": "string"},
            "example": "email,first_name,city\nada@example.com,Ada,Vienna\n",
        },
        "application/x-ndjson": {
            "schema": {"type": "string"},
            "example": '{"email": "ada@example.com", "first_name": "Ada"}\n',
        },
    },
}
_IMPORTED: Final[dict[str, Any]] = {
    "description": "What became of it; with `Accept: application/x-ndjson` streamed, line by line.",
    "content": {
        "application/json": {
            "example": {
                "added": 1,
                "changed": 0,
                "unchanged": 0,
                "rejected_total": 0,
                "rejected": [],
            }
        },
        "application/x-ndjson": {"schema": {"type": "string"}},
    },
}
Step = Progress | Rejection


@router.post(
    "/import",
    openapi_extra={"requestBody": _FILE},
    responses={200: _IMPORTED, **refuses(413, 415)},
    dependencies=[allow("contacts:write")],
)
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
        Consent.of("granted", attest_consent).source if attest_consent is not None else None,
        dry_run,
    )
    key = idempotency_key(request)
    spool, digest = await _spool(request)
    turns: threading.Semaphore = request.app.state.import_turns
    steps = _once(services, turns, key, digest, order, spool)
    if "application/x-ndjson" in request.headers.get("accept", ""):
        first = await run_in_threadpool(next, steps)  # a file that is no table is refused with 422
        replayed = {"Idempotency-Replayed": "true"} if isinstance(first, Answer) else None
        return StreamingResponse(
            _lines(first, steps), media_type="application/x-ndjson", headers=replayed
        )
    return await whole(steps)


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


def _once(
    services: Services,
    turns: threading.Semaphore,
    key: str | None,
    digest: bytes,
    order: ImportOrder,
    spool: BinaryIO,
) -> Iterator[Step | Answer]:
    """The steps of the import; with a key that was used before, the answer of then alone.

    The file is closed at the end. Raises Problem while the same key's import is under way, or too
    many others.
    """
    organization = order.meta.organization_id
    with spool, ExitStack() as stack:
        stack.enter_context(_turn(turns))
        if key is not None:
            if not stack.enter_context(services.commands.alone(organization, key)):
                raise _under_way()
            if earlier := services.commands.earlier(organization, key, digest):
                yield earlier
                return
        summary = Summary()
        for step in services.imports.run(spool, order, lambda: False):
            summary.add(step)
            yield step
        if key is not None:
            services.commands.keep(organization, key, digest, summary.answer())


@contextmanager
def _turn(turns: threading.Semaphore) -> Iterator[None]:
    """A place among the imports that go on, while the block runs. Raises Problem."""
    if not turns.acquire(blocking=False):
        raise _too_many()
    try:
        yield
    finally:
        turns.release()


def _too_many() -> Problem:
    detail = "Too many imports are under way here. Nothing was done; send it again in a moment."
    return Problem(503, "unavailable", detail, headers={"Retry-After": "5"})


def _under_way() -> Problem:
    detail = "The import with this Idempotency-Key is under way. Ask again when it is done."
    return Problem(409, "in_progress", detail, headers={"Retry-After": "5"})


async def whole(steps: Iterator[Step | Answer]) -> Response:
    """The whole import as one answer.

    A thread goes back after every chunk: imports take minutes, and others need it too.
    """
    summary = Summary()
    while (earlier := await run_in_threadpool(summary.add_chunk, steps)) is None:
        if summary.ended:
            return response_of(summary.answer())
    return response_of(earlier, replayed=True)


class Summary:
    """What becomes of an import: the last totals and the first 1,000 rejections."""

    def __init__(self) -> None:
        self._rejected: list[dict[str, Any]] = []
        self._last = Progress(0, 0, 0, 0, 0, {})
        self.ended = False

    def add_chunk(self, steps: Iterator[Step | Answer]) -> Answer | None:
        """The steps of one more chunk; the answer instead, if there was one before."""
        for step in steps:
            if isinstance(step, Answer):
                return step
            self.add(step)
            if isinstance(step, Progress):
                return None
        self.ended = True
        return None

    def add(self, step: Step) -> None:
        """One more step."""
        if isinstance(step, Progress):
            self._last = step
        elif len(self._rejected) < _SHOWN:
            self._rejected.append(show_rejection(step))

    def answer(self) -> Answer:
        """The answer to the whole."""
        body = {**totals(self._last), "rejected": self._rejected}
        return Answer(200, body, position_of(self._last))


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


def _lines(first: Step | Answer, rest: Iterator[Step | Answer]) -> Iterator[str]:
    """Progress and rejections as they come; the totals, with the position, last."""
    position: str | None = None
    counts: dict[str, Any] = {}
    for step in chain([first], rest):
        if isinstance(step, Progress):
            position, counts = position_of(step).get("Nudge-Position"), totals(step)
            yield _line({"progress": {"lines": step.lines, **counts}})
        elif isinstance(step, Rejection):
            yield _line({"rejected": show_rejection(step)})
        else:
            position, counts = step.headers.get("Nudge-Position"), {**step.body}
            yield from (_line({"rejected": each}) for each in counts.pop("rejected"))
    yield _line({"totals": counts, "position": position})


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value) + "\n"
