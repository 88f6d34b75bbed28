"""Reading statements: where strings, comments and data begin and end."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.local.clickhouse.errors import ClickHouseError
from infra.local.clickhouse.formats import output_format, split_insert
from infra.local.clickhouse.lexer import Kind, tokenize, without_values


def literal(value: str) -> bytes:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'".encode()


@given(st.text(), st.text(alphabet=st.characters(codec="utf-8", exclude_characters="*/")))
def test_nothing_inside_strings_and_comments_is_code(value: str, comment: str) -> None:
    sql = b"SELECT " + literal(value) + b" /*" + comment.encode() + b"*/ AS x"
    tokens = list(tokenize(sql))
    assert [token.kind for token in tokens] == [Kind.NAME, Kind.STRING, Kind.NAME, Kind.NAME]


@given(st.binary(max_size=200))
def test_any_bytes_are_read_completely_or_refused(data: bytes) -> None:
    try:
        tokens = list(tokenize(data))
    except ClickHouseError:
        return
    assert all(a.end <= b.start for a, b in pairwise(tokens))
    outside = b"".join(data[t.start : t.end] for t in tokens if t.kind in {Kind.NAME, Kind.PUNCT})
    assert outside.isascii()
    assert not set(outside) & set(b"$#\\'\"`")


@pytest.mark.parametrize(
    "sql",
    [
        b"SELECT $$x$$",
        b"SELECT /* a /* b */ c */ 1",
        b"SELECT `fil\\x65`('x')",
        b"SELECT\xc2\xa01",
        b"SELECT 1 -- a\r FROM x",
        b"SELECT 'never closed",
        b"SELECT 1 \x00 2",
        "SELECT \u2018x\u2019".encode(),
    ],
)
def test_spellings_two_readers_could_read_differently_are_refused(sql: bytes) -> None:
    with pytest.raises(ClickHouseError) as refused:
        list(tokenize(sql))
    assert refused.value.code == 62


@given(st.binary(max_size=300), st.sampled_from(["RowBinary", "Native", "JSONEachRow"]))
def test_data_begins_right_after_the_line_of_its_format(data: bytes, name: str) -> None:
    sql = f"INSERT INTO nudge.t (a, `format`) SETTINGS async_insert = 0 FORMAT {name}\n".encode()
    insert = split_insert(sql + data)
    assert insert is not None
    assert insert.format == name
    assert (sql + data)[insert.data_start :] == data
    assert insert.head.rstrip().endswith(b"async_insert = 0")


def test_inline_values_are_data() -> None:
    insert = split_insert(b"insert into values (a) values (1, 'x')")
    assert insert is not None
    assert (insert.head, insert.format) == (b"insert into values (a) ", "Values")


@pytest.mark.parametrize(
    "sql",
    [
        b"INSERT INTO t SELECT 1 FORMAT Null",
        b"INSERT INTO t (a) WITH 1 AS x SELECT x",
        b"INSERT INTO t (SELECT 1)",
        b"SELECT 1 FORMAT Native",
        b"INSERT INTO t (a)",
        b"",
    ],
)
def test_statements_without_data_are_left_whole(sql: bytes) -> None:
    assert split_insert(sql) is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        (b"SELECT 1", "TabSeparated"),
        (b"SELECT 1 FORMAT JSON", "JSON"),
        (b"SELECT 1 FORMAT Native SETTINGS max_threads = 1;", "Native"),
        (b"SELECT 'FORMAT JSON'", "TabSeparated"),
        (b"SELECT format('{}', 1)", "TabSeparated"),
    ],
)
def test_the_format_of_the_answer_is_known(sql: bytes, expected: str) -> None:
    assert output_format(tuple(tokenize(sql)), "TabSeparated") == expected


def test_a_logged_statement_shows_no_values() -> None:
    shown = without_values(b"SELECT * FROM t WHERE email = 'ada@example.com' AND n = 42", 200)
    assert shown == "SELECT * FROM t WHERE email = ? AND n = ?"
    assert "ada" not in without_values(b"INSERT INTO t VALUES ('ada', 'broken", 200)
