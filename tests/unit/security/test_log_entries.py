"""Log entries: the shape that operators' tools expect, and nobody's data in them."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import structlog

from infra.local.addresses import resolve
from infra.local.stack import process_specs
from infra.logging import AsLogEntry
from infra.settings import Settings
from tests.unit.security.application import client

PERSONAL = ("ada@example.com", "Lovelace", "s3cret-pw", "nk_Zr4uT9qKk3kd93jd93")
_WITH_CONTEXT = [structlog.contextvars.merge_contextvars]
_SAID: dict[str, Any] = {
    "event": "a turn of ada@example.com could not be answered",
    "level": "warning",
    "timestamp": "2026-03-02T09:00:00Z",
    "request_id": "r-1",
    "organization_id": "o-1",
    "user_id": "u-1",
    "last_name": "Lovelace",
    "reason": "connection to postgresql://nudge:s3cret-pw@db/nudge failed",
    "caller": {"api_key": "nk_Zr4uT9qKk3kd93jd93", "tries": 3},
}
_PROGRAM = """
import logging, structlog
from infra.logging import configure_logging
configure_logging("api", "DEBUG")
structlog.contextvars.bind_contextvars(request_id="r-1", organization_id="o-1")
log = structlog.get_logger()
log.info("well", n=1)
try:
    raise ValueError("bad address ada@example.com")
except ValueError:
    log.exception("it failed")
    logging.getLogger("library").exception("theirs for %s", "bob@example.com")
logging.getLogger("library").critical("down")
"""

Step = Callable[[Any, str, dict[str, Any]], dict[str, Any]]


def leaks(step: Step) -> list[str]:
    """What of the personal data stands in the line that an entry becomes."""
    line = structlog.processors.JSONRenderer()(None, "warning", step(None, "warning", {**_SAID}))
    return [each for each in PERSONAL if each in str(line)]


def test_an_entry_has_the_fields_of_the_requirement_and_all_else_as_metadata() -> None:
    entry = AsLogEntry("api")(None, "warning", {**_SAID})
    assert list(entry) == [
        "timestamp", "level", "service", "requestId", "userId", "organizationId", "message",
        "metadata",
    ]  # fmt: skip
    assert (entry["level"], entry["service"], entry["organizationId"]) == ("WARN", "api", "o-1")
    assert entry["metadata"]["caller"]["tries"] == 3


def test_nobodys_data_stands_in_an_entry() -> None:
    assert leaks(AsLogEntry("api")) == []


def test_the_check_finds_what_a_step_lets_through() -> None:
    def masks_nothing(_logger: Any, _method: str, entry: dict[str, Any]) -> dict[str, Any]:
        return entry

    assert leaks(masks_nothing) == list(PERSONAL)


def test_levels_are_the_four_that_are_agreed() -> None:
    written = {
        level: AsLogEntry("x")(None, level, {"level": level, "timestamp": "t"})["level"]
        for level in ("debug", "info", "warning", "error", "critical")
    }
    assert written == {
        "debug": "DEBUG", "info": "INFO", "warning": "WARN", "error": "ERROR", "critical": "ERROR",
    }  # fmt: skip


def test_every_line_of_a_process_is_such_an_entry_libraries_included() -> None:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True
    )
    entries = [json.loads(line) for line in done.stdout.splitlines()]
    assert [(e["level"], e["message"]) for e in entries] == [
        ("INFO", "well"), ("ERROR", "it failed"), ("ERROR", "theirs for [address]"),
        ("ERROR", "down"),
    ]  # fmt: skip
    assert {e["requestId"] for e in entries} == {"r-1"}
    assert "ValueError: bad address [address]" in entries[1]["metadata"]["exception"]
    assert "ValueError: bad address [address]" in entries[2]["metadata"]["exception"]
    assert "example.com" not in done.stdout


def test_a_request_is_logged_by_its_route_and_a_read_that_goes_well_is_not() -> None:
    with structlog.testing.capture_logs(
        processors=[structlog.contextvars.merge_contextvars]
    ) as log:
        client().post("/v1/contacts", headers={"X-Request-Id": "r-7"}, content=b"ada@example.com")
        client().get("/health")
    (entry,) = [each for each in log if each["event"] == "request" and each["log_level"] == "info"]
    assert entry["request_id"] == "r-7"
    assert (entry["method"], entry["route"], entry["status"]) == ("POST", "/v1/contacts", 401)
    assert "example.com" not in str(entry)


QUIET = frozenset({"infra.local.prepare", "infra.local.kafka", "infra.local.postgres"})
"""They end in one line, or become a program that is not ours; they log nothing themselves."""


def modules_of(commands: Iterable[tuple[str, ...]]) -> set[str]:
    """Modules of ours that are run as processes."""
    return {line[line.index("-m") + 1] for line in commands if "-m" in line}


def unmasked(modules: Iterable[str]) -> list[str]:
    """Processes that log, and not in this shape."""
    found = []
    for name in set(modules) - QUIET:
        spec = importlib.util.find_spec(name)
        folder = spec is not None and spec.submodule_search_locations
        spec = importlib.util.find_spec(f"{name}.__main__") if folder else spec
        if "configure_logging(" not in Path(str(spec and spec.origin)).read_text():
            found.append(name)
    return found


def test_every_process_of_the_stack_logs_in_this_shape(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path / "data")
    modules = modules_of(spec.command for spec in process_specs(settings, resolve(settings)))
    assert {"infra.run", "infra.local.clickhouse", "infra.local.sandbox"} <= modules
    assert unmasked(modules) == []


def test_a_process_that_logs_as_it_likes_is_found() -> None:
    assert unmasked({"infra.run", "infra.rotation"}) == ["infra.rotation"]
