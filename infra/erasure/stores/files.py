"""Files: logs, exports, whatever lies in a folder, opened when it is compressed."""

from __future__ import annotations

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
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
    """One file. One that goes away while it is read is none; one that may not be read is told, as
    nothing is known of it."""
    try:
        with path.open("rb") as file:
            found = _in_stream(file, needles, 0)
    except FileNotFoundError:
        return
    except PermissionError:
        found = {"unread"}
    for kind in sorted(found):
        yield Trace(store, str(path), kind)


def _in_stream(file: Any, needles: Needles, depth: int) -> set[str]:
    head = file.read(6)
    file.seek(0)
    found: set[str] = set()
    if depth < _DEEPEST:
        for opened in _opened(file, head):
            found |= _in_stream(opened, needles, depth + 1)
    if head.startswith(_AVRO):
        file.seek(0)
        found |= _in_avro(file, needles)
    file.seek(0)
    return found | _in_bytes(file, needles)


def _opened(file: Any, head: bytes) -> Iterator[io.BytesIO]:
    """What a compressed file or an archive holds; nothing for any other."""
    if head.startswith(b"PK\x03\x04"):
        yield from _members(file)
    for magic, opening in _COMPRESSED.items():
        if head.startswith(magic):
            yield io.BytesIO(opening(file.read()))


def _members(file: Any) -> Iterator[io.BytesIO]:
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                yield io.BytesIO(archive.read(name))
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError):
        return


def _gunzipped(data: bytes) -> bytes:
    """As far as it goes: a log that is being compressed, or was cut, has no end."""
    return _pieces(data, lambda: zlib.decompressobj(wbits=31))


def _pieces(data: bytes, make: Callable[[], Any]) -> bytes:
    """All streams of a compressed file, one after the other, up to what is broken."""
    found = io.BytesIO()
    while data:
        stream = make()
        try:
            for start in range(0, len(data), _CHUNK):
                found.write(stream.decompress(data[start : start + _CHUNK]))
                if stream.eof:
                    data = stream.unused_data + data[start + _CHUNK :]
                    break
            else:
                break
        except (OSError, EOFError, zlib.error, lzma.LZMAError):
            break
    return found.getvalue()


def _expanded(decompress: Callable[[bytes], Any]) -> Callable[[bytes], bytes]:
    def expand(data: bytes) -> bytes:
        try:
            return bytes(decompress(data))
        except cramjam.DecompressionError:
            return b""

    return expand


_COMPRESSED: Final[dict[bytes, Callable[[bytes], bytes]]] = {
    b"\x1f\x8b": _gunzipped,
    b"BZh": lambda data: _pieces(data, bz2.BZ2Decompressor),
    b"\xfd7zXZ\x00": lambda data: _pieces(data, lzma.LZMADecompressor),
    b"\x28\xb5\x2f\xfd": _expanded(cramjam.zstd.decompress),
    b"\x04\x22\x4d\x18": _expanded(cramjam.lz4.decompress),
}
"""How a file begins, and what opens it."""


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
