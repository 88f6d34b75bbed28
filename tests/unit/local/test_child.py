"""Children stand back when they are told to, and only then."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from infra.local.child import spawn

_SAYS = """
import os, pathlib
group = pathlib.Path("/proc/self/autogroup")
print(os.getpriority(os.PRIO_PROCESS, 0), group.read_text() if group.exists() else "")
"""


def said(folder: Path, niceness: int) -> list[str]:
    """Its own niceness, then that of its session as the kernel names it, where it does."""

    async def run() -> None:
        command = (sys.executable, "-c", _SAYS)
        child = await spawn(command, {}, folder / "log", signal.SIGTERM, niceness)
        assert await child.wait() == 0

    asyncio.run(run())
    return (folder / "log").read_text().split()


@pytest.mark.parametrize("niceness", [0, 7])
def test_a_child_and_its_session_stand_back_as_far_as_they_are_told(
    tmp_path: Path, niceness: int
) -> None:
    own, *session = said(tmp_path, niceness)
    assert int(own) == min(19, int(said(tmp_path / "beside", 0)[0]) + niceness)
    assert not session or int(session[-1]) == niceness
