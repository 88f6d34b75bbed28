"""Whether the stores answer, each asked on its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import httpx
import psycopg
from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient
from psycopg_pool import PoolTimeout

from infra.bootstrap import Core
from infra.kafka import client_config

_PATIENCE = 2.0


class Dependencies:
    """The API's Readiness: name -> None when it answers, else one line why not."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._admin = AdminClient(client_config(core.addresses.kafka_bootstrap))
        self._clickhouse = httpx.Client(
            base_url=core.addresses.clickhouse_url, timeout=_PATIENCE, trust_env=False
        )

    def needed(self) -> Mapping[str, str | None]:
        """Without these no request can be carried out."""
        return {"postgres": _problem(self._postgres)}

    def all(self) -> Mapping[str, str | None]:
        """Every store the product works with."""
        return {
            **self.needed(),
            "kafka": _problem(lambda: self._admin.list_topics(timeout=_PATIENCE)),
            "clickhouse": _problem(lambda: self._clickhouse.get("/ping").raise_for_status()),
        }

    def _postgres(self) -> None:
        with self._core.pool.connection(timeout=_PATIENCE) as connection:
            connection.execute("SELECT 1")


def _problem(ask: Callable[[], object]) -> str | None:
    try:
        ask()
    except (psycopg.Error, PoolTimeout, KafkaException, httpx.HTTPError, OSError) as error:
        return (str(error) or type(error).__name__).splitlines()[0]
    return None
