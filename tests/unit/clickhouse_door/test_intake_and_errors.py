"""Reading requests (who asks, compressed bodies) and giving ClickHouse's errors."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import AsyncIterator
from pathlib import Path

import lz4.frame
import pytest
from backports import zstd

from infra.local.clickhouse import intake
from infra.local.clickhouse.errors import ClickHouseError, from_engine

LOGIN = intake.Login("nudge", "sécret")
PLAIN = b"1\tone\n" * 200_000


async def pieces(data: bytes, size: int = 7_001) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


def basic(username: str, password: str) -> dict[str, str]:
    encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"authorization": f"Basic {encoded}"}


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        (basic("nudge", "sécret"), {}),
        ({"x-clickhouse-user": "nudge", "x-clickhouse-key": "sécret"}, {}),
        ({}, {"user": "nudge", "password": "sécret"}),
    ],
)
def test_the_login_is_taken_in_three_ways(headers: dict[str, str], query: dict[str, str]) -> None:
    intake.check_login(LOGIN, *intake.presented(headers, query))


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({}, {}),
        (basic("nudge", "wrong"), {}),
        (basic("other", "sécret"), {}),
        (basic("", ""), {}),
        ({"authorization": "Basic %%%"}, {}),
        ({"authorization": "Bearer x"}, {}),
        ({"x-clickhouse-user": "nudge"}, {}),
        (basic("nudge", "wrong"), {"user": "nudge", "password": "sécret"}),
    ],
)
def test_anything_else_is_refused(headers: dict[str, str], query: dict[str, str]) -> None:
    with pytest.raises(ClickHouseError) as refused:
        intake.check_login(LOGIN, *intake.presented(headers, query))
    assert (refused.value.code, refused.value.status) == (516, 401)
    assert "sécret" not in refused.value.render()


@pytest.fixture
def body(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> intake.Body:
    monkeypatch.chdir(tmp_path)
    return intake.Body()


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("", PLAIN),
        ("gzip", gzip.compress(PLAIN)),
        ("deflate", zlib.compress(PLAIN)),
        ("lz4", lz4.frame.compress(PLAIN)),
        ("lz4", lz4.frame.compress(PLAIN[:600_000]) + lz4.frame.compress(PLAIN[600_000:])),
        ("zstd", zstd.compress(PLAIN[:5]) + zstd.compress(PLAIN[5:])),
    ],
)
async def test_bodies_are_unfolded(body: intake.Body, encoding: str, sent: bytes) -> None:
    await intake.receive(pieces(sent), encoding, body)
    assert b"".join(body.chunks_from(0)) == PLAIN


@pytest.mark.parametrize(
    ("encoding", "sent"),
    [
        ("gzip", b"not gzip"),
        ("gzip", gzip.compress(PLAIN)[:-9]),
        ("lz4", lz4.frame.compress(PLAIN)[:-9]),
        ("zstd", b"not zstd either"),
    ],
)
async def test_broken_bodies_are_refused(body: intake.Body, encoding: str, sent: bytes) -> None:
    with pytest.raises(ClickHouseError) as refused:
        await intake.receive(pieces(sent), encoding, body)
    assert (refused.value.code, refused.value.status) == (271, 400)


async def test_an_unknown_encoding_is_refused(body: intake.Body) -> None:
    with pytest.raises(ClickHouseError) as refused:
        await intake.receive(pieces(b"x"), "snappy", body)
    assert refused.value.status == 501


async def test_a_small_body_cannot_unfold_without_end(
    body: intake.Body, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "BODY_LIMIT", 1_000_000)
    with pytest.raises(ClickHouseError) as refused:
        await intake.receive(pieces(gzip.compress(bytes(50_000_000))), "gzip", body)
    assert refused.value.status == 413
    assert body.size < 3_000_000


def test_query_parameters_are_sorted_into_settings_and_parameters() -> None:
    query = {"query": "SELECT 1", "param_x": "1", "max_threads": "2", "session_id": "s"}
    assert intake.settings_of(query) == {"max_threads": "2"}
    assert intake.params_of(query) == {"x": "1"}


def test_the_engines_message_becomes_one_clean_error() -> None:
    error = from_engine(
        "Streaming insert append failed: Code: 115. DB::Exception: Code: 115. DB::Exception: "
        "Unknown setting 'x'. (UNKNOWN_SETTING) (version 26.9.2.1). (UNKNOWN_SETTING)"
    )
    assert error.status == 404
    assert error.render() == "Code: 115. DB::Exception: Unknown setting 'x'. (UNKNOWN_SETTING)\n"


def test_a_message_without_a_code_is_still_an_error() -> None:
    assert from_engine("broken").status == 500
