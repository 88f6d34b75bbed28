"""How the door answers: headers, counts, compression, errors."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping

import lz4.frame
from starlette.responses import PlainTextResponse, Response

from infra.local.clickhouse.engine import Answer
from infra.local.clickhouse.errors import ClickHouseError

_COMPRESS_FROM = 1024


def response(
    answer: Answer, answer_format: str, query_id: str, query: Mapping[str, str], accepted: str
) -> Response:
    """200 with the result; compressed when `query` and the header Accept-Encoding ask for it."""
    headers = {
        **_headers(query_id),
        "X-ClickHouse-Format": answer_format,
        "X-ClickHouse-Summary": _summary(answer),
    }
    wanted = accepted if query.get("enable_http_compression") == "1" else ""
    content = _compressed(answer.body, wanted, headers)
    return Response(content, headers=headers, media_type=_media_type(answer_format))


def refusal(error: ClickHouseError, query_id: str) -> Response:
    """ClickHouse's error, as its clients read it."""
    headers = {**_headers(query_id), "X-ClickHouse-Exception-Code": str(error.code)}
    if error.status == 401:
        headers["WWW-Authenticate"] = 'Basic realm="ClickHouse server HTTP API"'
    return PlainTextResponse(error.render(), error.status, headers)


def _headers(query_id: str) -> dict[str, str]:
    return {
        "X-ClickHouse-Server-Display-Name": "nudge",
        "X-ClickHouse-Query-Id": query_id.encode("ascii", "replace").decode()[:128],
        "X-ClickHouse-Timezone": "UTC",
    }


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
