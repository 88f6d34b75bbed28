"""Master keys: the newest wraps, older ones still open what they wrapped; a file is followed."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.ports import RandomBytes

_NONCE: Final = 12


class KeyFileError(Exception):
    """A key file is missing or does not hold keys of 32 bytes as 64 hexadecimal digits."""


class UnknownMasterKeyError(KeyFileError):
    """Something is wrapped by a master key that the key file does not hold."""


def read_keys(path: Path) -> tuple[bytes, ...]:
    """The keys of a file, one a line, the newest first. Raises KeyFileError that names the file."""
    try:
        lines = path.read_text().split()
        keys = tuple(bytes.fromhex(line) for line in lines)
    except (OSError, ValueError) as error:
        raise KeyFileError(f"{path}: {error}") from None
    if not keys:
        raise KeyFileError(f"{path}: holds no key")
    for key in keys:
        if len(key) != 32:
            raise KeyFileError(f"{path}: holds {len(key)} bytes, not 32")
    return keys


def write_keys(path: Path, keys: tuple[bytes, ...]) -> None:
    """Put these keys into the file at once: a reader sees all of the old or all of the new ones."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent)  # mode 600
    with os.fdopen(descriptor, "w") as file:
        file.write("".join(f"{key.hex()}\n" for key in keys))
        file.flush()
        os.fsync(file.fileno())
    Path(temporary).replace(path)


def fresh_key() -> bytes:
    """A new master key."""
    return secrets.token_bytes(32)


def key_id(key: bytes) -> bytes:
    """What a key is known by, 8 bytes: tells nothing of the key."""
    return hashlib.sha256(b"nudge master key\x00" + key).digest()[:8]


class MasterKeys:
    """Wraps and opens the keys of subjects (AES-256-GCM, bound to the subject). Thread-safe.

    Changes of a file are followed: before something is wrapped, and when something is wrapped by
    a key that was not there before.
    """

    def __init__(
        self, keys: tuple[bytes, ...], random_bytes: RandomBytes, path: Path | None = None
    ) -> None:
        self._random = random_bytes
        self._path = path
        self._stamp = _stamp(path)
        self._lock = threading.Lock()
        self._take(keys)

    @classmethod
    def of_file(cls, path: Path, random_bytes: RandomBytes) -> MasterKeys:
        """The keys of a file, followed. Raises KeyFileError."""
        return cls(read_keys(path), random_bytes, path)

    @property
    def newest(self) -> bytes:
        """The id of the key that wraps."""
        return self._newest

    @property
    def ids(self) -> tuple[bytes, ...]:
        """The ids of all keys, the newest first."""
        return tuple(self._ciphers)

    def reload(self) -> None:
        """Read the file again. Keeps what it has when the file cannot be read at this moment."""
        if self._path is None:
            return
        stamp = _stamp(self._path)
        try:
            keys = read_keys(self._path)
        except KeyFileError:
            return
        with self._lock:
            self._take(keys)
            self._stamp = stamp

    def wrap(self, subject: str, key: bytes) -> tuple[bytes, bytes]:
        """The key wrapped by the newest master key, and that one's id."""
        if _stamp(self._path) != self._stamp:
            self.reload()
        with self._lock:
            by, cipher = self._newest, self._ciphers[self._newest]
        nonce = self._random(_NONCE)
        return nonce + cipher.encrypt(nonce, key, subject.encode()), by

    def unwrap(self, subject: str, wrapped: bytes, by: bytes | None) -> bytes:
        """The key. `by`: the id it came with; None for what was wrapped before there were ids.

        Raises UnknownMasterKeyError.
        """
        found = self._try(subject, wrapped, by)
        if found is None:
            self.reload()
            found = self._try(subject, wrapped, by)
        if found is None:
            name = by.hex() if by else "(of old)"
            raise UnknownMasterKeyError(
                f"the key of {subject} is wrapped by master key {name}, which the key file lacks"
            )
        return found

    def _try(self, subject: str, wrapped: bytes, by: bytes | None) -> bytes | None:
        ciphers: Mapping[bytes, AESGCM] = self._ciphers
        if by is not None:
            ciphers = {by: ciphers[by]} if by in ciphers else {}
        for cipher in ciphers.values():
            try:
                return cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], subject.encode())
            except InvalidTag:
                continue
        return None

    def _take(self, keys: tuple[bytes, ...]) -> None:
        self._newest = key_id(keys[0])
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}


def _stamp(path: Path | None) -> tuple[int, int] | None:
    """What changes whenever the file is written anew."""
    try:
        stat = path.stat() if path else None
    except OSError:
        return None
    return (stat.st_mtime_ns, stat.st_ino) if stat else None
