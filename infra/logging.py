"""Log entries as JSON lines, with the request and organization they belong to."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

from domain.shared.text import without_addresses


def _as_log_entry(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """The names operators' tools expect: timestamp, level, service, message."""
    entry["message"] = entry.pop("event")
    entry["level"] = entry["level"].upper()
    return entry


def _without_addresses(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
    """Logs are kept apart from the keys of people: nothing in them goes with an erasure."""
    return {n: without_addresses(v) if isinstance(v, str) else v for n, v in entry.items()}


def configure_logging(service: str, level: str = "INFO") -> None:
    """Every log line of this process as one JSON object on stdout, libraries' included."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        lambda _logger, _method, entry: {**entry, "service": service},
        _as_log_entry,
        _without_addresses,
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.JSONRenderer()],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.getLevelName(level), logging.WARNING))
