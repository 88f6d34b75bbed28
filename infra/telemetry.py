"""What a process tells about itself: readiness, metrics, and the state of the pipeline."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import psycopg
from confluent_kafka import KafkaException
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from infra.kafka import KafkaUnavailableError, KafkaWatermarks
from infra.letters.deciding import still_open
from infra.letters.reading import BadLetterError, newest, read_letters
from infra.local.addresses import resolve
from infra.postgres import Connection, connect
from infra.settings import Settings
from schemas.codec import Codec
from schemas.registry import default_registry
from schemas.topics import all_topics


class RoleServer:
    """GET /ready and /metrics of one role, in a thread."""

    def __init__(self, host: str, port: int, ready: Callable[[], bool]) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/ready":
                    self._answer(200 if ready() else 503, b"", "text/plain")
                elif self.path == "/metrics":
                    self._answer(200, generate_latest(), CONTENT_TYPE_LATEST)
                else:
                    self._answer(404, b"", "text/plain")

            def _answer(self, status: int, body: bytes, content_type: str) -> None:
                self.send_response(status)
                self.send_header("Content-Type", content_type)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                """Probes every second are no news."""

        self._server = ThreadingHTTPServer((host, port), Handler)

    def __enter__(self) -> RoleServer:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


def pipeline_status(settings: Settings) -> dict[str, Any]:
    """Lag per view and partition, dead letters, oldest claim, ambiguous deliveries, and restored
    campaigns that look back before they send.

    What cannot be asked just now (a store is away) is left empty.
    """
    addresses = resolve(settings)
    status: dict[str, Any] = {
        "lag": [],
        "dead_letters": {},
        "oldest_claim_seconds": None,
        "ambiguous": 0,
        "looking_back": [],
    }
    try:
        with connect(addresses.postgres_worker_url, application="nudge-status") as connection:
            _add_ledger(status, connection)
            positions = connection.execute(
                "SELECT consumer, topic, partition, next_offset,"
                " extract(epoch FROM now() - updated_at)::float FROM state.positions"
                " ORDER BY consumer, topic, partition"
            ).fetchall()
            _add_kafka(status, settings, addresses.kafka_bootstrap, positions)
            _add_letters(status, settings, addresses.kafka_bootstrap, connection)
    except (psycopg.Error, KafkaException, KafkaUnavailableError, BadLetterError):
        return status
    return status


def _add_ledger(status: dict[str, Any], connection: Connection) -> None:
    row = connection.execute(
        "SELECT extract(epoch FROM now() - min(claimed_at))::float FROM state.send_batches"
        " WHERE state <> 'settled'"
    ).fetchone()
    status["oldest_claim_seconds"] = row[0] if row else None
    row = connection.execute(
        "SELECT count(*) FROM state.sends WHERE state = 'ambiguous'"
    ).fetchone()
    status["ambiguous"] = row[0] if row else 0
    from infra.ledger.lookbacks import waiting  # it brings the effects' metrics: not for everybody

    status["looking_back"] = [
        {"campaign_id": each.campaign_id, "since": each.since.isoformat(), "problem": each.problem}
        for each in waiting(connection)
    ]


def _add_kafka(
    status: dict[str, Any],
    settings: Settings,
    bootstrap: str,
    positions: list[tuple[str, str, int, int, float]],
) -> None:
    dead_letters = [topic.dead_letters for topic in all_topics().values() if topic.dead_letters]
    asked = {(topic, partition) for _, topic, partition, _, _ in positions}
    asked |= {(name, 0) for name in dead_letters}
    ends = KafkaWatermarks(bootstrap, settings.topic_prefix).end_offsets(asked)
    for view, topic, partition, next_offset, age in positions:
        # The last record is followed by its transaction's marker, which is no event.
        events = max(0, ends[topic, partition] - 1 - next_offset)
        status["lag"].append(
            {
                "view": view,
                "topic": topic,
                "partition": partition,
                "events": events,
                "seconds": round(age, 3) if events else 0.0,
            }
        )
    for name in dead_letters:
        status["dead_letters"][name] = ends[name, 0]


def _add_letters(
    status: dict[str, Any], settings: Settings, bootstrap: str, connection: Connection
) -> None:
    """In place of all letters ever written, those that somebody still has to decide about."""
    codec = Codec(default_registry(), os.urandom)
    for topic in all_topics().values():
        if topic.dead_letters and status["dead_letters"].get(topic.dead_letters):
            letters = newest(read_letters(bootstrap, settings.topic_prefix, [topic.name]))
            left = still_open(connection, codec, letters)
            status["dead_letters"][topic.dead_letters] = len(left)
