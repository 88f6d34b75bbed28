"""The workers of a rebuild as processes: each share of the streams on a core of its own."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from infra.keys import SubjectKeys
from infra.master_keys import MasterKeys
from infra.postgres import connect
from infra.rebuilding.processes import at_once, settled
from projections.postgres.view import View
from projections.rebuild import records
from projections.rebuild.build import RANGE, build_part
from schemas.codec import Codec
from schemas.registry import default_registry

Progress = Callable[[records.Rebuild, list[records.Part]], None]


@dataclass(frozen=True)
class Access:
    """What a worker needs to reach the log and to read it."""

    owner_url: str
    master_key_file: Path

    def keys(self) -> SubjectKeys:
        """A key ring on connections of its own."""
        master = MasterKeys.of_file(self.master_key_file, os.urandom)
        return SubjectKeys(master, lambda: connect(self.owner_url), os.urandom)


@dataclass(frozen=True)
class Job:
    """One share. `module` is the one whose VIEW is built, because a fold cannot be sent."""

    access: Access
    module: str
    rebuild: records.Rebuild
    part: int
    span: int


class WorkerProcesses:
    """Runs the shares of a rebuild; small ones here, one after the other.

    `progress` is told every so often how far they are.
    """

    def __init__(
        self,
        access: Access,
        progress: Progress = lambda _rebuild, _parts: None,
        span: int = RANGE,
    ) -> None:
        """`span`: positions that a worker folds in one transaction."""
        self._access = access
        self._progress = progress
        self._span = span

    def __call__(self, rebuild: records.Rebuild, view: View[Any], shares: int) -> None:
        module, span = view.fold.__module__, self._span
        jobs = [Job(self._access, module, rebuild, part, span) for part in range(shares)]
        with connect(self._access.owner_url, autocommit=True, application="nudge-rebuild") as conn:
            done = min(part.position for part in records.parts_of(conn, rebuild.id))
            if shares == 1 or rebuild.high - done <= self._span // 5:
                for job in jobs:
                    _build(job, lambda: True)
            else:
                look = partial(records.parts_of, conn, rebuild.id)
                at_once(jobs, work, lambda: self._progress(rebuild, look()))
            self._progress(rebuild, records.parts_of(conn, rebuild.id))


def work(job: Job) -> None:
    """One share in a process of its own; it gives up when the command that began it is gone."""
    _build(job, settled())


def _build(job: Job, going_on: Callable[[], bool]) -> None:
    view: View[Any] = importlib.import_module(job.module).VIEW
    codec = Codec(default_registry(), os.urandom)
    with connect(job.access.owner_url, application="nudge-rebuild") as conn:
        build_part(conn, view, codec, job.access.keys(), job.rebuild, job.part, going_on, job.span)
