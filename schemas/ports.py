"""What the codec needs from outside: the keys that seal personal data, and randomness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol


class KeyRing(Protocol):
    """Data keys of subjects (people, references, organizations), 32 bytes each.

    A subject without a key has been erased: what it sealed can never be read again.
    """

    def keys_of(self, subjects: Iterable[str]) -> Mapping[str, bytes]:
        """Keys of those subjects that have one. Blocks on I/O for keys not seen before."""
        ...


class RandomBytes(Protocol):
    """A cryptographically secure source, `os.urandom` outside of tests."""

    def __call__(self, size: int, /) -> bytes: ...
