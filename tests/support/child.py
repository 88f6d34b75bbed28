"""How a test's child process tells that it is ready, and how a test waits for that."""

from __future__ import annotations

import subprocess
import sys

import structlog


def start(module: str, *arguments: str) -> subprocess.Popen[str]:
    """Run a module as a child process; returns once it has announced itself."""
    child = subprocess.Popen(
        [sys.executable, "-m", module, *arguments], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    line = child.stdout.readline()
    assert line == "ready\n", f"{module} did not start: {line!r}, exit code {child.poll()}"
    return child


def log_to_stderr() -> None:
    """Leave stdout to `announce`."""
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))


def announce() -> None:
    """Print what `start` waits for."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()
