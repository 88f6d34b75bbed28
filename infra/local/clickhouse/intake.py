"""Reading one HTTP request: who asks, the statement, its data, parameters and settings."""

from __future__ import annotations

import base64
import binascii
import hmac
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import Any

import lz4.frame
from backports import zstd
from starlette.exceptions import HTTPException
from starlette.requests import Request

from infra.local.clickhouse.errors import (
    AUTHENTICATION_FAILED,
    CANNOT_DECOMPRESS,
    NOT_IMPLEMENTED,
    TOO_LARGE,
    ClickHouseError,
)

BODY_LIMIT = 256 * 1024 * 1024
STATEMENT_LIMIT = 1024 * 1024
_IN_MEMORY = 8 * 1024 * 1024
_CHUNK = 1024 * 1024
# What the HTTP interface takes for itself; the engine never sees these as settings.
_TRANSPORT = frozenset(
    [
        "database",
        "query",
        "default_format",
        "session_id",
        "session_timeout",
        "session_check",
        "query_id",
        "quota_key",
        "compress",
        "decompress",
        "wait_end_of_query",
        "client_protocol_version",
        "role",
        "user",
        "password",
        "send_progress_in_http_headers",
        "http_headers_progress_interval_ms",
        "enable_http_compression",
        "buffer_size",
        "stacktrace",
        "close_session",
    ]
)


@dataclass(frozen=True, slots=True)
class Login:
    """The one operator login."""

    username: str
    password: str

    def admits(self, username: str, password: str) -> bool:
        """Compared in constant time, both parts whatever the first says."""
        right_name = hmac.compare_digest(username.encode(), self.username.encode())
        right_password = hmac.compare_digest(password.encode(), self.password.encode())
        return right_name and right_password


def check_login(login: Login, username: str, password: str) -> None:
    """Raises ClickHouseError (516) unless it is the login's."""
    if not login.admits(username, password):
        raise not_admitted(username)


def not_admitted(username: str) -> ClickHouseError:
    """The same for a wrong name and for a wrong password."""
    return ClickHouseError(
        AUTHENTICATION_FAILED,
        f"{username[:64] or 'default'}: Authentication failed: password is incorrect, or there is"
        " no user with such name.",
    )


def presented(headers: Mapping[str, str], query: Mapping[str, str]) -> tuple[str, str]:
    """User name and password, given in one of three ways; empty when there are none."""
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            username, _, password = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return username, password
    if "x-clickhouse-user" in headers or "x-clickhouse-key" in headers:
        return headers.get("x-clickhouse-user", ""), headers.get("x-clickhouse-key", "")
    return query.get("user", ""), query.get("password", "")


def settings_of(query: Mapping[str, str]) -> dict[str, str]:
    """The settings among the query parameters, by name."""
    return {
        name: value
        for name, value in query.items()
        if name not in _TRANSPORT and not name.startswith("param_")
    }


def params_of(query: Mapping[str, str]) -> dict[str, str]:
    """The server-side parameters, by bare name."""
    return {
        name.removeprefix("param_"): value
        for name, value in query.items()
        if name.startswith("param_")
    }


class Body:
    """A request's body, decompressed; beyond 8 MB it lies in a temporary file, not in memory."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=_IN_MEMORY, dir=".")  # noqa: SIM115
        self.size = 0
        self.limit = BODY_LIMIT

    def write(self, chunk: bytes) -> None:
        """Appends. Raises ClickHouseError (413) beyond the limit."""
        self.size += len(chunk)
        if self.size > self.limit:
            raise ClickHouseError(TOO_LARGE, f"The body is larger than {self.limit} bytes.")
        self._file.write(chunk)

    def beginning(self) -> bytes:
        """As much of it as can hold a statement."""
        self._file.seek(0)
        return bytes(self._file.read(STATEMENT_LIMIT))

    def chunks_from(self, offset: int) -> Iterator[bytes]:
        """Everything from `offset` on, in chunks that do not depend on how it arrived."""
        self._file.seek(offset)
        while chunk := self._file.read(_CHUNK):
            yield bytes(chunk)

    def close(self) -> None:
        """Forgets the content."""
        self._file.close()


class _Unfolder:
    """Decompresses into a body in bounded steps; drivers may send several frames in a row."""

    def __init__(self, encoding: str, body: Body) -> None:
        self._encoding = encoding
        self._body = body
        self._frame = _decompressor(encoding)

    def feed(self, chunk: bytes) -> None:
        """Takes the next bytes. Raises ClickHouseError when they are bad or unfold too far."""
        if self._frame is None:
            self._body.write(chunk)
            return
        try:
            self._unfold(chunk)
        except (zlib.error, RuntimeError, zstd.ZstdError, EOFError) as error:
            reason = f"Cannot decompress the body: {error}"
            raise ClickHouseError(CANNOT_DECOMPRESS, reason) from error

    def _unfold(self, chunk: bytes) -> None:
        while True:
            if self._frame.eof:
                if not chunk:
                    return
                self._frame = _decompressor(self._encoding)
            plain = self._frame.decompress(chunk, _CHUNK)
            self._body.write(plain)
            if self._frame.eof:
                chunk = self._frame.unused_data or b""
                continue
            chunk = getattr(self._frame, "unconsumed_tail", b"")
            if not chunk and len(plain) < _CHUNK:
                return

    def finish(self) -> None:
        """Raises ClickHouseError when the last frame is cut off."""
        if self._frame is not None and not self._frame.eof:
            raise ClickHouseError(CANNOT_DECOMPRESS, "The compressed body ends too early.")


def is_form(headers: Mapping[str, str]) -> bool:
    """Whether the statement and its parameters come as form fields, as drivers send long ones."""
    return headers.get("content-type", "").startswith("multipart/form-data")


async def form_fields(request: Request) -> dict[str, str]:
    """The text fields of a multipart body. Raises ClickHouseError for files (external data)."""
    try:
        form = await request.form(max_files=0, max_fields=1000, max_part_size=STATEMENT_LIMIT)
    except HTTPException as error:
        if "Too many files" in str(error.detail):
            raise ClickHouseError(NOT_IMPLEMENTED, "External data is not available here.") from None
        raise ClickHouseError(TOO_LARGE, f"The form cannot be read: {error.detail}") from None
    return {name: value for name, value in form.items() if isinstance(value, str)}


async def receive(
    stream: AsyncIterator[bytes], encoding: str, body: Body, limit: int | None = None
) -> None:
    """Reads the request's body into `body`. Raises ClickHouseError when it is bad or too large."""
    body.limit = limit = limit or BODY_LIMIT
    unfolder = _Unfolder(encoding, body)
    received = 0
    async for chunk in stream:
        received += len(chunk)
        if received > limit:
            raise ClickHouseError(TOO_LARGE, f"The body is larger than {limit} bytes.")
        if chunk:
            unfolder.feed(chunk)
    if received:
        unfolder.finish()


def _decompressor(encoding: str) -> Any:
    match encoding.strip().lower():
        case "" | "identity":
            return None
        case "gzip" | "x-gzip":
            return zlib.decompressobj(31)
        case "deflate":
            return zlib.decompressobj()
        case "lz4":
            return lz4.frame.LZ4FrameDecompressor()
        case "zstd":
            return zstd.ZstdDecompressor()
        case other:
            raise ClickHouseError(NOT_IMPLEMENTED, f"Unknown compression method: {other[:32]}")
