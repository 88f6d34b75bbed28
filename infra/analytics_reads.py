"""Analytics for the API, from ClickHouse: connected at the first question, and again when away."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeVar

import urllib3
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, OperationalError

from domain.shared.errors import UnavailableError
from infra.local.addresses import Addresses
from projections.clickhouse.connect import connect
from projections.clickhouse.queries import campaign_metrics, report

T = TypeVar("T")
_TIMEOUT: Final = 10
_NOT_MADE_YET: Final = ("UNKNOWN_TABLE", "UNKNOWN_DATABASE", "does not exist")


class ClickHouseAnalytics:
    """The API's Analytics. Thread-safe. Before the first migration it counts as away."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self._client: Client | None = None
        self._lock = threading.Lock()

    def campaign(self, organization_id: str, campaign_id: str) -> dict[str, Any]:
        """Metrics of one campaign."""
        return self._ask(lambda client: campaign_metrics(client, organization_id, campaign_id))

    def report(self, organization_id: str, start: datetime, end: datetime) -> dict[str, Any]:
        """What happened in a period."""
        return self._ask(lambda client: report(client, organization_id, start, end))

    def _ask(self, question: Callable[[Client], T]) -> T:
        try:
            return question(self._connected())
        except (OperationalError, urllib3.exceptions.HTTPError, OSError) as error:
            raise UnavailableError(f"ClickHouse is away: {error}") from error
        except ClickHouseError as error:
            if any(sign in str(error) for sign in _NOT_MADE_YET):
                raise UnavailableError(f"ClickHouse has no tables yet: {error}") from error
            raise

    def _connected(self) -> Client:
        with self._lock:
            if self._client is None:
                self._client = connect(
                    self._addresses.clickhouse_url,
                    self._addresses.clickhouse_username,
                    self._addresses.clickhouse_password,
                    timeout_seconds=_TIMEOUT,
                )
            return self._client
