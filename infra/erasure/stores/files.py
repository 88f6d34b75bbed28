"""Files: logs, exports, whatever lies in a folder, opened when it is compressed."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import cramjam
import fastavro

from infra.erasure.needles import Needles
from infra.erasure.stores.trace import Trace

_CHUNK: Final = 8 * 1024 * 1024
_OVERLAP: Final = 4_096
_DEEPEST: Final = 3
_AVRO: Final = b"Obj\x01"


def in_folder(
    folder: Path, needles: Needles, *, but: tuple[Path, ...] = (), store: str = "files"
) -> Iterator[Trace]:
    """Every file below a folder, or the one file; `but` leaves folders out."""
    paths = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    for path in paths:
        if path.is_file() and not any(path.is_relative_to(other) for other in but):
            yield from in_file(path, needles, store)


def in_file(path: Path, needles: Needles, store: str = "files") -> Iterator[Trace]:
    """One file. One that goes away while it is read is none."""
    try:
        with path.open("rb") as file:
            found = _in_stream(file, needles, 0)
    except (FileNotFoundError, PermissionError):
        return
    for kind in sorted(found):
        yield Trace(store, str(path), kind)


def _in_stream(file: Any, needles: Needles, depth: int) -> set[str]:
    head = file.read(4)
    file.seek(0)
    opened = _opened(file, head) if depth < _DEEPEST else None
    found: set[str] = set()
    if opened is not None:
        found |= _in_stream(opened, needles, depth + 1)
    elif head == _AVRO:
        found |= _in_avro(file, needles)
    file.seek(0)
    return found | _in_bytes(file, needles)


def _opened(file: Any, head: bytes) -> Any:
    """The content of a compressed file; None for any other, or a broken one."""
    try:
        if head[:2] == b"\x1f\x8b":
            return io.BytesIO(gzip.GzipFile(fileobj=file).read())
        if head == b"\x28\xb5\x2f\xfd":
            return io.BytesIO(bytes(cramjam.zstd.decompress(file.read())))
        if head == b"\x04\x22\x4d\x18":
            return io.BytesIO(bytes(cramjam.lz4.decompress(file.read())))
    except (OSError, EOFError, zlib.error, cramjam.DecompressionError):
        return None
    return None


def _in_avro(file: Any, needles: Needles) -> set[str]:
    found: set[str] = set()
    try:
        for record in fastavro.reader(file):
            found |= needles.in_value(record)
    except (ValueError, EOFError, KeyError, TypeError):
        return found
    return found


def _in_bytes(file: Any, needles: Needles) -> set[str]:
    found: set[str] = set()
    rest = b""
    while chunk := file.read(_CHUNK):
        found |= needles.in_bytes(rest + chunk)
        rest = chunk[-_OVERLAP:]
    return found
