"""A log that is kept in a tree, on real Postgres and Kafka."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from infra.audit.anchors import TOPIC
from infra.kafka import create_topics
from schemas.topics import all_topics
from tests.conftest import Database
from tests.support.auditing import AuditedLog, audited_log
from tests.support.services import Services


@contextmanager
def kept_log(
    stack: Services, database: Database, topic_prefix: str, folder: Path
) -> Iterator[AuditedLog]:
    """The log of this database; its heads go to a file in the folder and to a topic."""
    create_topics(stack.kafka_bootstrap, topic_prefix, [all_topics()[TOPIC]])
    with audited_log(database, folder, stack.kafka_bootstrap, topic_prefix) as made:
        yield made


@pytest.fixture
def log(
    stack: Services, database: Database, topic_prefix: str, tmp_path: Path
) -> Iterator[AuditedLog]:
    with kept_log(stack, database, topic_prefix, tmp_path) as made:
        yield made
