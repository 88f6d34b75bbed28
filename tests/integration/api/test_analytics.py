"""Reports over HTTP: from the analytics store, or an honest "not now"."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from projections.clickhouse.connect import connect
from projections.clickhouse.migrate import migrate
from tests.conftest import Database
from tests.support.api import Api, running_api
from tests.support.services import Services, free_port


def test_a_report_counts_a_period(api: Api, stack: Services) -> None:
    client = connect(stack.clickhouse_url, stack.clickhouse_username, stack.clickhouse_password)
    migrate(client)
    made = api.campaign()
    now = datetime.now(UTC)
    since = (now - timedelta(days=7)).date().isoformat()
    shown = api.get(f"/v1/analytics/report?from={since}&to={now.isoformat()[:19]}Z").json()
    assert shown["from"] == f"{since}T00:00:00Z"
    assert shown["totals"]["intended"] == 0
    assert shown["campaigns"] == []
    one = api.get(f"/v1/analytics/campaigns/{made['id']}").json()
    assert one["metrics"] == made["metrics"]


def test_a_store_that_is_away_is_said_to_be(stack: Services, database: Database) -> None:
    nobody = {"clickhouse_url": f"http://127.0.0.1:{free_port()}"}
    with running_api(stack, database, nobody) as api:
        made = api.campaign()
        for path in ("report", f"campaigns/{made['id']}"):
            away = api.get(f"/v1/analytics/{path}")
            assert (away.status_code, away.json()["code"]) == (503, "unavailable")
            assert away.headers["retry-after"]
