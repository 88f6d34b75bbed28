"""An environment of its own for Quix Streams, which wants another confluent-kafka than we do."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from tests.benchmarks.bench import CannotMeasureError

QUIX = "3.28.1"
_CONFLUENT = "2.12.2"
_OURS = ("psycopg", "psycopg-binary", "psycopg-pool", "fastavro", "orjson", "cryptography",
         "pyyaml", "prometheus-client")  # fmt: skip
"""What our fold and sink import, in the versions that we run."""


def quix_python(keep: Path, say: Callable[[str], None]) -> Path:
    """The interpreter of that environment, made when it is missing. Raises CannotMeasureError."""
    folder = keep / f"quixstreams-{QUIX}"
    python, done = folder / "bin" / "python", folder / ".installed"
    if done.exists():
        return python
    say(f"installing Quix Streams {QUIX} into an environment of its own")
    wanted = [f"quixstreams=={QUIX}", f"confluent-kafka=={_CONFLUENT}"]
    wanted += [f"{name}=={version(name)}" for name in _OURS]
    try:
        _run(sys.executable, "-m", "venv", "--clear", str(folder))
        _run(str(python), "-m", "pip", "install", "--quiet", *wanted)
    except (OSError, subprocess.CalledProcessError) as error:
        raise CannotMeasureError(f"Quix Streams cannot be installed: {error}") from error
    done.touch()
    return python


def _run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
