"""Log lines hold no address, whoever writes them."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from infra.logging import configure_logging


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def test_addresses_are_left_out_of_words_fields_and_exceptions(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging("test")
    log = structlog.get_logger()

    log.info("to ada@example.com", to="ada@example.com", path="/c?email=ada%40example.com")
    logging.getLogger("a.library").warning("cannot reach %s", "ada@example.com")
    try:
        raise ValueError("ada@example.com is no date")
    except ValueError:
        log.exception("failed")

    lines = capsys.readouterr().out
    assert len(lines.splitlines()) == 3
    assert lines.count("[address]") >= 5
    assert "ada@" not in lines
    assert "ada%40" not in lines
