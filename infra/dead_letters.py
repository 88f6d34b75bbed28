"""Writes dead letters to Kafka, and knows for certain that they are there."""

from __future__ import annotations

from confluent_kafka import KafkaException, Message, Producer

from infra.kafka import producer_config
from projections.batch import Record
from streams.ports import DeadLettersUnavailableError

_SUFFIX = "-dlq"


class KafkaDeadLetters:
    """The dead-letter topics of one installation. For one thread.

    A letter's key is `topic:partition:offset` of its origin, its value the original bytes; a
    letter that is written twice, because the process died in between, has the same key twice.
    """

    def __init__(self, bootstrap: str, prefix: str, timeout: float = 15.0) -> None:
        """`timeout` in seconds: how long one letter may take."""
        self._prefix = prefix
        self._timeout = timeout
        self._producer = Producer(
            producer_config(bootstrap, message_timeout_ms=int(timeout * 1000), linger_ms=0)
        )

    def put(self, record: Record, *, consumer: str, reason: str, trace: str) -> None:
        """Write one record with why it could not be handled; returns once all replicas have it.

        Headers: those of the record, and `reason`, `trace`, `consumer`, `origin`. Raises
        DeadLettersUnavailableError.
        """
        origin = f"{record.topic}:{record.partition}:{record.offset}"
        headers: list[tuple[str, str | bytes | None]] = [
            *record.headers.items(),
            ("origin", origin),
            ("consumer", consumer),
            ("reason", reason),
            ("trace", trace),
        ]
        outcome: list[str | None] = []

        def delivered(error: object, _message: Message) -> None:
            outcome.append(None if error is None else str(error))

        topic = self._prefix + record.topic + _SUFFIX
        try:
            self._producer.produce(
                topic, record.value, origin, headers=headers, on_delivery=delivered
            )
            self._producer.flush(self._timeout + 1)
        except (KafkaException, BufferError) as error:
            raise DeadLettersUnavailableError(f"{topic}: {error}") from error
        if outcome != [None]:
            raise DeadLettersUnavailableError(f"{topic}: {outcome or 'no answer in time'}")
