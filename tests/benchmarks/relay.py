"""relay: how fast a backlog of the log comes to Kafka, in transactions, in order, each event once.

No peer: the limit is absolute. The relay is the product's own with its own settings, alone with
Postgres and Kafka; each round carries the same log to topics of its own. Afterwards every committed
record on Kafka is counted.
"""

from __future__ import annotations

import threading
import time

from confluent_kafka import Consumer, KafkaError, TopicPartition

from infra.kafka import consumer_config
from infra.relay import Relay, RelaySettings
from schemas.topics import all_topics
from tests.benchmarks.bench import Bench, Benchmark, CannotMeasureError, median
from tests.benchmarks.report import Figure, Report, at_least, at_most
from tests.benchmarks.stores import Database, fill_log, new_database, new_topics
from tests.benchmarks.workload import delivery_events
from tests.support.services import Services

TOPIC = "delivery-events"
ABOUT = """A backlog of 200,000 delivery events carried from the event log to Kafka, from the moment
the relay leads until the last transaction is committed; median of five, after one
that is not counted."""


def run(bench: Bench) -> Report:
    """Measure."""
    count, rounds = (40_000, 1) if bench.quick else (200_000, 5)
    services = bench.services()
    database = new_database(services)
    bench.say(f"filling the log with {count:,} events")
    fill_log(database, delivery_events(count))
    rates: list[float] = []
    wrong = 0
    relay_all(services, database, new_topics(services), count)  # a broker that has done this before
    for _ in range(rounds):
        prefix = new_topics(services)
        rates.append(count / relay_all(services, database, prefix, count))
        wrong += abs(count - records_on(services, prefix))
        bench.say(f"{rates[-1]:,.0f} events/s")
    figures = [
        Figure("log to Kafka", median(rates), "events/s", at_least(60_000), tuple(rates)),
        Figure("events lost or doubled", wrong, "events", at_most(0)),
    ]
    return Report("relay", "Relay", " ".join(ABOUT.split()), figures)


def relay_all(services: Services, database: Database, prefix: str, last: int) -> float:
    """Carry the log up to position `last`; the seconds from leading to done."""
    leads, stop = threading.Event(), threading.Event()
    settings = RelaySettings(services.kafka_bootstrap, database.worker_url, prefix)
    relay = Relay(settings, on_ready=leads.set)
    thread = threading.Thread(target=relay.run, args=(stop,))
    thread.start()
    try:
        if not leads.wait(60):
            raise CannotMeasureError("the relay does not lead")
        began = time.perf_counter()
        while relay.position < last:
            if not thread.is_alive() or time.perf_counter() - began > 300:
                raise CannotMeasureError(f"the relay stopped at position {relay.position}")
            time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        stop.set()
        thread.join()


def records_on(services: Services, prefix: str) -> int:
    """Committed records of the topic."""
    consumer = Consumer(consumer_config(services.kafka_bootstrap, enable_partition_eof=True))
    partitions = all_topics()[TOPIC].partitions
    consumer.assign([TopicPartition(prefix + TOPIC, n, 0) for n in range(partitions)])
    seen = ended = 0
    while ended < partitions:
        for message in consumer.consume(2_000, 10):
            error = message.error()
            if error is None:
                seen += 1
            elif error.code() == KafkaError._PARTITION_EOF:
                ended += 1
            else:
                raise CannotMeasureError(f"{prefix}{TOPIC} cannot be read: {error.str()}")
    consumer.close()
    return seen


BENCHMARK = Benchmark("relay", "a backlog of 200,000 events, log to Kafka", run)
