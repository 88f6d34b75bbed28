"""Log entries as JSON lines: whose request they belong to, and nobody's personal data."""

from __future__ import annotations

import logging
import sys
from typing import Any, Final

import structlog

from domain.shared.masking import mask, mask_text

_LEVELS: Final = {"warning": "WARN", "critical": "ERROR", "exception": "ERROR", "fatal": "ERROR"}
_TOP: Final = {
    "request_id": "requestId",
    "user_id": "userId",
    "organization_id": "organizationId",
    "organization": "organizationId",
}
"""What every entry says in the same place, when it is known; the rest is `metadata`."""


class AsLogEntry:
    """An entry as it is written: timestamp, level (ERROR, WARN, INFO, DEBUG), service, requestId,
    userId, organizationId, message, metadata. Masked: it is the last step before the line."""

    def __init__(self, service: str) -> None:
        self._service = service

    def __call__(self, _logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
        level = str(entry.pop("level", "info"))
        shown: dict[str, Any] = {
            "timestamp": entry.pop("timestamp"),
            "level": _LEVELS.get(level, level.upper()),
            "service": self._service,
        }
        message = mask_text(str(entry.pop("event", "")))
        for name, top in _TOP.items():
            if (value := entry.pop(name, None)) is not None:
                shown[top] = mask_text(str(value))
        shown["message"] = message
        if metadata := {name: mask(v, name) for name, v in entry.items() if name[:1] != "_"}:
            shown["metadata"] = metadata
        return shown


def configure_logging(service: str, level: str = "INFO") -> None:
    """Every log line of this process as one JSON object on stdout, libraries' included."""
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[Any] = [
        structlog.processors.format_exc_info,
        AsLogEntry(service),
        structlog.processors.JSONRenderer(),
    ]
    structlog.configure(
        processors=[*before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=last)
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(max(logging.getLevelName(level), logging.WARNING))
