"""Analysts' statements on threads of their own, so that they never hold up the writers."""

from __future__ import annotations

import asyncio
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Final
from uuid import UUID

from infra.local.clickhouse import intake
from infra.local.clickhouse.analysts.logins import USERNAME, AnalystLogins
from infra.local.clickhouse.analysts.planning import Asked, plan
from infra.local.clickhouse.engine import Answer, Engine
from infra.local.clickhouse.errors import TOO_MANY_QUERIES, ClickHouseError

WORKERS: Final = 2
AT_ONCE: Final = 20
"""Statements that run or wait, of all analysts."""
AT_ONCE_EACH: Final = 6
"""The same for one organization, so that none can take all."""


class Analysts:
    """Admits analysts and answers them. Blocking work is done on threads."""

    def __init__(self, engine: Engine, logins: AnalystLogins) -> None:
        self._engine = engine
        self._logins = logins
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="analyst")
        self._checks = ThreadPoolExecutor(1, thread_name_prefix="analyst-login")
        self._under_way: Counter[UUID] = Counter()

    def may_know(self, username: str) -> bool:
        """Whether a user name has the form of an analyst's."""
        return USERNAME.fullmatch(username) is not None

    async def admit(self, username: str, password: str) -> UUID:
        """The organization of the login. Raises ClickHouseError (516)."""
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._checks, self._logins.organization_of, username, password
        )
        if found is None:
            raise intake.not_admitted(username)
        return found

    async def answer(self, organization: UUID, asked: Asked) -> tuple[Answer, str]:
        """The result and its format. Raises ClickHouseError."""
        mine = self._under_way[organization]
        if mine >= AT_ONCE_EACH or self._under_way.total() >= AT_ONCE:
            raise ClickHouseError(TOO_MANY_QUERIES, "Too many simultaneous queries; try again.")
        self._under_way[organization] += 1
        work = asyncio.get_running_loop().run_in_executor(
            self._threads, self._run, organization, asked
        )
        work.add_done_callback(lambda _: self._done(organization))
        # Shielded: the engine goes on until it is done, even if the client has gone.
        return await asyncio.shield(work)

    def _done(self, organization: UUID) -> None:
        self._under_way[organization] -= 1
        if not self._under_way[organization]:
            del self._under_way[organization]

    def _run(self, organization: UUID, asked: Asked) -> tuple[Answer, str]:
        call = plan(asked, organization)
        answer = self._engine.run(call)
        # What the engine read includes rows next to the organization's own: not told.
        told = replace(answer, read_rows=answer.result_rows, read_bytes=len(answer.body))
        return told, call.format
