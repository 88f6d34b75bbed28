"""The erasure ledger: certificates in a signed, append-only file, kept apart from backups.

It has those of people who were erased, and of organizations that left. A backup made before still
holds their keys. Restoring it replays this file, so
the file must outlive every backup. One line is one certificate, chained to the line before.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, NamedTuple

from domain.shared.canonical import canonical_json
from domain.shared.errors import UnavailableError
from infra.erasure import certificate as erasures
from infra.erasure.certificate import CertificateError, read_signed
from infra.leaving import certificate as departures
from infra.signing import Signer, is_signed

PURPOSE: Final = "nudge-erasure-ledger"
_KINDS: Final = {
    erasures.KIND: erasures.PURPOSE,
    departures.KIND: departures.PURPOSE,
}


class LedgerError(UnavailableError):
    """The ledger was changed, cut in the middle, or is another installation's."""


class Entry(NamedTuple):
    """One line: the whole certificate, and its text."""

    document: Mapping[str, Any]
    statement: Mapping[str, Any]

    @property
    def subject(self) -> str:
        """Who is gone: a contact's id or an organization's."""
        return _subject(self.statement)

    @property
    def whole_organization(self) -> bool:
        """Whether it is an organization's that left."""
        return bool(self.statement["kind"] == departures.KIND)


class ErasureLedger:
    """The file at `path`. Safe for several processes of one machine at once; blocks."""

    def __init__(self, path: Path, signer: Signer) -> None:
        self._path = path
        self._signer = signer

    def ensure_writable(self) -> None:
        """Raises UnavailableError when nothing could be appended, LedgerError when it is broken."""
        try:
            with self._locked() as file:
                list(self._checked(_without_torn_end(file)))
        except OSError as error:
            raise UnavailableError(f"the erasure ledger cannot be written: {error}") from error

    def entries(self, *, whole: bool = False) -> list[Entry]:
        """All entries, oldest first, every signature and link checked. Raises LedgerError.

        What a crash left of a line that was being written is no entry: the log has that erasure.
        `whole` refuses such a ledger, where there is no log to tell.
        """
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return []
        lines = data[: data.rfind(b"\n") + 1]
        if whole and len(lines) < len(data):
            raise LedgerError(f"{self._path} ends in the middle of an entry: copy it again")
        return list(self._checked(lines))

    def find(self, subject: str) -> Mapping[str, Any] | None:
        """The certificate about this contact or organization, if the ledger has one."""
        return next((e.document for e in self.entries() if e.subject == subject), None)

    def append(self, document: Mapping[str, Any]) -> bool:
        """Keep a certificate; False when the subject's is there already. Returns once on disk."""
        subject = _subject(document["certificate"])
        with self._locked() as file:
            data = _without_torn_end(file)
            if any(entry.subject == subject for entry in self._checked(data)):
                return False
            lines = data.splitlines()
            entry = {
                "entry": len(lines) + 1,
                "previous": hashlib.sha256(lines[-1]).hexdigest() if lines else "",
                "document": document,
            }
            signature = self._signer.sign(PURPOSE, canonical_json(entry).encode())
            line = canonical_json({**entry, "signature": signature.hex()}) + "\n"
            file.seek(0, os.SEEK_END)
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
        return True

    @contextmanager
    def _locked(self) -> Iterator[BinaryIO]:
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file

    def _checked(self, data: bytes) -> Iterator[Entry]:
        previous = ""
        for number, line in enumerate(data.splitlines(), 1):
            try:
                entry = json.loads(line)
                signature = bytes.fromhex(entry.pop("signature"))
                linked = (entry["entry"], entry["previous"]) == (number, previous)
                text = canonical_json(entry).encode()
                if not linked or not is_signed(self._signer.public_key, PURPOSE, text, signature):
                    raise LedgerError(f"{self._path}: entry {number} was changed or is not ours")
                statement = read_signed(entry["document"], _KINDS, "an erasure or a deletion")
            except (ValueError, TypeError, KeyError, CertificateError) as error:
                raise LedgerError(f"{self._path}: entry {number} is broken: {error}") from None
            previous = hashlib.sha256(line).hexdigest()
            yield Entry(entry["document"], statement)


def _subject(statement: Mapping[str, Any]) -> str:
    return str(statement.get("contact_id", statement["organization_id"]))


def _without_torn_end(file: BinaryIO) -> bytes:
    """The whole lines; what a crash left of one that was being written is cut off."""
    data = file.read()
    whole = data[: data.rfind(b"\n") + 1]
    if len(whole) < len(data):
        file.truncate(len(whole))
    return whole
