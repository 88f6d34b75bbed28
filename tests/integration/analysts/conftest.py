"""A door with two organizations' rows in `nudge`, and one's rows alone in another database."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import migrate
from tests.conftest import fresh_database
from tests.integration.analysts.rows import ALONE, Rows, insert, rows_of
from tests.integration.clickhouse_door.conftest import PASSWORD, Server, started
from tests.support.api import Api, running_api
from tests.support.services import Services


@dataclass
class Analytics:
    """The door, the API that makes logins, and two organizations: mine and theirs."""

    server: Server
    api: Api
    mine: UUID
    theirs: UUID
    login: dict[str, Any]
    their_login: dict[str, Any]
    http: httpx.Client
    rows: dict[UUID, Rows] = field(default_factory=dict)

    def ask(
        self,
        sql: str,
        login: dict[str, Any] | None = None,
        headers: dict[str, str] | None = None,
        params: dict[str, str] | None = None,
    ) -> httpx.Response:
        """A statement as an analyst of mine, or of another login."""
        who = login or self.login
        return self.http.post(
            "",
            content=sql,
            params=params,
            auth=(who["username"], who["password"]),
            headers=headers,
        )

    def operator(self, sql: str, **params: str) -> httpx.Response:
        """The same as the operator, whom nothing filters."""
        return self.http.post("", content=sql, params=params, auth=("nudge", PASSWORD))

    def new_login(self, name: str = "Dashboard") -> dict[str, Any]:
        """Another login of mine."""
        made = self.api.post("/v1/analysts", {"name": name})
        assert made.status_code == 201, made.text
        shown: dict[str, Any] = made.json()
        return shown


@pytest.fixture(scope="package")
def analytics(stack: Services, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Analytics]:
    """One for all tests here: none of them changes what another looks at."""
    with fresh_database(stack) as database, running_api(stack, database) as api:
        addresses = {
            "NUDGE_POSTGRES_URL": database.owner_url,
            "NUDGE_POSTGRES_API_URL": database.api_url,
        }
        folder: Path = tmp_path_factory.mktemp("analysts") / "data"
        for server in started(folder, addresses):
            filled = _filled(server, api)
            yield filled
            filled.http.close()


def _filled(server: Server, api: Api) -> Analytics:
    other = api.new_tenant()
    mine, theirs = UUID(api.tenant.organization_id), UUID(other.organization_id)
    login = api.post("/v1/analysts", {"name": "Mine"}).json()
    their_login = api.post("/v1/analysts", {"name": "Theirs"}, key=other.api_key).json()
    http = httpx.Client(base_url=server.url, timeout=60, trust_env=False)
    made = Analytics(server, api, mine, theirs, login, their_login, http)
    made.rows = {
        mine: rows_of(mine, 1, "7"),
        theirs: rows_of(theirs, 1_001, "theirs, not a number"),
    }
    for database, organizations in (("nudge", (mine, theirs)), (ALONE, (mine,))):
        client = connect(server.url, "nudge", PASSWORD, database=database)
        migrate(client)
        for organization in organizations:
            insert(client, made.rows[organization])
        client.close()
    return made
