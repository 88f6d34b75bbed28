"""All tests, in two runs side by side: `make test`.

Tests with services wait most of their time, for processes and for each other's answers. In that
time all others run, at the lowest priority, so that they take none from those.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

_PYTEST: Final = str(Path(sys.executable).with_name("pytest"))
_WITH_SERVICES: Final = ("tests/e2e", "tests/integration")
FRONT: Final = (_PYTEST, *_WITH_SERVICES)
BESIDE: Final = (
    _PYTEST, "tests", *(f"--ignore={folder}" for folder in (*_WITH_SERVICES, "tests/benchmarks")),
    "-m", "not chaos and not benchmark", "-p", "no:cacheprovider", "--timeout=1200",
)  # fmt: skip
"""Everything that is not in front, so that no new folder is forgotten."""


def side_by_side(front: Sequence[str], beside: Sequence[str]) -> int:
    """0 when both commands end well.

    What `beside` prints is shown at the end: its last line, or all when it does not end well.
    """
    with tempfile.TemporaryFile() as printed:
        background = subprocess.Popen(
            ["nice", "-n", "19", *beside],
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        with suppress(OSError):  # where Linux groups by session, `nice` counts within one only
            Path(f"/proc/{background.pid}/autogroup").write_text("19")
        try:
            first = subprocess.run(front, check=False).returncode
            second = background.wait()
        finally:
            background.terminate()
        printed.seek(0)
        lines = printed.read().decode(errors="replace").splitlines()
    sys.stdout.write("\n".join(lines if second else lines[-1:]) + "\n")
    return first or second


if __name__ == "__main__":
    sys.exit(side_by_side(FRONT, BESIDE))
