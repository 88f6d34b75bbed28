"""Files are opened, whatever compressed them, and one that cannot be read is told."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from collections.abc import Callable
from pathlib import Path

import cramjam
import pytest

from infra.erasure.stores.files import in_file, in_folder
from tests.unit.erasure.test_needles import ADA, needles

TEXT = f'countess.77@ma 77@mail.exa l.example.com ~ {{"to": "{ADA}"}}\n'.encode() * 2
"""With pieces of the address in front, so that its whole is spelt out in no compressed file."""


def zipped(data: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("folder/nothing.txt", b"nothing here")
        archive.writestr("folder/export.json", data)
    return file.getvalue()


COMPRESSIONS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": lambda data: bytes(cramjam.zstd.compress(data)),
    "lz4": lambda data: bytes(cramjam.lz4.compress(data)),
    "zip": zipped,
    "gzip in a zip": lambda data: zipped(gzip.compress(data)),
    "two gzips": lambda data: gzip.compress(b"nothing") + gzip.compress(data),
    "gzip that goes on": lambda data: gzip.compress(data * 2_000)[:-9],
}


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_a_copy_is_found_in_a_compressed_file(tmp_path: Path, name: str) -> None:
    file = tmp_path / "file"
    file.write_bytes(COMPRESSIONS[name](TEXT))
    assert ADA.encode() not in file.read_bytes()

    assert [(each.place, each.kind) for each in in_file(file, needles())] == [
        (str(file), "address")
    ]


@pytest.mark.parametrize("start", [b"\x1f\x8b", b"PK\x03\x04", b"BZh", b"\x28\xb5\x2f\xfd"])
def test_what_only_looks_compressed_is_searched_as_it_is(tmp_path: Path, start: bytes) -> None:
    file = tmp_path / "file"
    file.write_bytes(start + b" " + TEXT)
    assert [each.kind for each in in_file(file, needles())] == ["address"]


def test_a_file_that_may_not_be_read_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").write_bytes(TEXT)
    (tmp_path / "gone").write_bytes(TEXT)
    errors = {"closed": PermissionError(), "gone": FileNotFoundError()}

    def refuse(path: Path, *_: object) -> None:
        raise errors[path.name]

    monkeypatch.setattr(Path, "open", refuse)

    found = list(in_folder(tmp_path, needles()))

    assert [(each.place, each.kind) for each in found] == [(str(tmp_path / "closed"), "unread")]
