"""The heartbeat: a file that is touched as long as the process is not frozen."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Heartbeat:
    """Touches the file each time it is called."""

    file: Path

    def __call__(self) -> None:
        self.file.parent.mkdir(parents=True, exist_ok=True)
        self.file.touch()

    @contextmanager
    def while_starting(self) -> Iterator[None]:
        """Beat every second: a slow start is no frozen process, and nothing is claimed yet."""
        started = threading.Event()

        def beat() -> None:
            while not started.is_set():
                self()
                started.wait(1.0)

        threading.Thread(target=beat, name="starting", daemon=True).start()
        try:
            yield
        finally:
            started.set()
