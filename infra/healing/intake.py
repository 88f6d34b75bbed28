"""Repaired webhooks onto the intake topic, as if Postmark had posted them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from confluent_kafka import KafkaException, Message, Producer

from infra.kafka import producer_config
from streams.effects.healing.ports import IntakeAwayError

TOPIC = "postmark-webhooks"


class KafkaIntake:
    """The Intake. For one thread."""

    def __init__(self, bootstrap: str, prefix: str, timeout: float = 10.0) -> None:
        """`timeout` in seconds: how long all of one call may take."""
        self._topic = prefix + TOPIC
        self._timeout = timeout
        self._config = producer_config(
            bootstrap, message_timeout_ms=int(timeout * 1000), linger_ms=2
        )
        self._producer: Producer | None = None

    def put_back(self, organization_id: str, bodies: Sequence[bytes]) -> None:
        """Write these, marked `repaired`. Raises IntakeAwayError; then some may be there."""
        missing = [len(bodies)]
        problems: set[str] = set()

        def delivered(error: object, _message: Message) -> None:
            missing[0] -= error is None
            if error is not None:
                problems.add(str(error))

        headers: list[tuple[str, str | bytes | None]] = [
            ("organization", organization_id),
            ("received_at", datetime.now(UTC).isoformat()),
            ("repaired", "1"),
        ]
        # Kept while it works: one that met a fatal error would take nothing ever again.
        producer, self._producer = self._producer or Producer(self._config), None
        try:
            for body in bodies:
                producer.produce(self._topic, body, headers=headers, on_delivery=delivered)
                producer.poll(0)
            producer.flush(self._timeout + 1)
        except (KafkaException, BufferError) as error:
            raise IntakeAwayError(f"{self._topic}: {error}") from error
        if missing[0]:
            raise IntakeAwayError(f"{self._topic}: {sorted(problems) or 'no answer in time'}")
        self._producer = producer
