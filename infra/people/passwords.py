"""Passwords: argon2id at the parameters that OWASP recommends, a few at a time."""

from __future__ import annotations

import os
import threading
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP Password Storage Cheat Sheet: "Use Argon2id with a minimum configuration of 19 MiB of
# memory, an iteration count of 2, and 1 degree of parallelism."
MEMORY_KIB: Final = 19_456
ITERATIONS: Final = 2
PARALLELISM: Final = 1


class Passwords:
    """Hashes and checks passwords. Thread-safe; each call costs tens of milliseconds, on purpose.

    No more run at once than there are processors: the others wait, so that a flood of log-ins takes
    no memory beyond that.
    """

    def __init__(self) -> None:
        self._hasher = PasswordHasher(
            time_cost=ITERATIONS, memory_cost=MEMORY_KIB, parallelism=PARALLELISM
        )
        self._turns = threading.BoundedSemaphore(os.cpu_count() or 1)
        self._nobody = self._hasher.hash(os.urandom(16).hex())

    def hash(self, password: str) -> str:
        """What to keep of a password: algorithm, parameters, salt and hash in one line."""
        with self._turns:
            return self._hasher.hash(password)

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether it is this password; with None, the same work for nothing."""
        with self._turns:
            try:
                self._hasher.verify(kept or self._nobody, password)
            except (VerificationError, InvalidHashError):
                return False
        return kept is not None

    def outdated(self, kept: str) -> bool:
        """Whether it was hashed at other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)
