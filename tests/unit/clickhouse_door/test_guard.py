"""What the ClickHouse door refuses, and what it must let through."""

from __future__ import annotations

import pytest

from infra.local.clickhouse.errors import ClickHouseError
from infra.local.clickhouse.guard import Guard, check_database, check_settings
from infra.local.clickhouse.lexer import tokenize

REFUSED = [
    "SELECT * FROM file('/etc/hostname', LineAsString)",
    "SELECT * FROM\n/* harmless */\n`file` /**/ ('/etc/hostname')",
    "SELECT * FROM \"url\"('http://127.0.0.1')",
    "SELECT * FROM (SELECT 1) AS a, s3('http://x/y.csv')",
    "SELECT 1 UNION ALL SELECT * FROM remote('127.0.0.1', system.one)",
    "WITH x AS (SELECT * FROM mysql('h', 'd', 't', 'u', 'p')) SELECT * FROM x",
    "SELECT 1 WHERE 1 IN (SELECT * FROM postgresql('h', 'd', 't', 'u', 'p'))",
    "SELECT * FROM numbers(1) JOIN sqlite('a', 'b') USING number",
    "SELECT file('/etc/hostname')",
    "SELECT dictGet('d', 'a', 1)",
    "SELECT joinGet('default.x', 'a', 1)",
    "SELECT aiGenerate('hello')",
    "SELECT * FROM merge('nudge', '^events$')",
    "SELECT * FROM mergeTreeIndex('nudge', 'events')",
    "SELECT * FROM a_function_nobody_knows(1)",
    "SELECT * FROM python(x)",
    "SELECT * FROM input('a Int32')",
    "INSERT INTO FUNCTION file('/tmp/x', CSV) SELECT 1",
    "INSERT INTO TABLE FUNCTION url('http://x', CSV) SELECT 1",
    "INSERT INTO t FROM INFILE '/etc/passwd' FORMAT CSV",
    "SELECT 1 INTO OUTFILE '/tmp/x'",
    "SELECT 1 INTO -- where to\n OUTFILE '/tmp/x'",
    "CREATE TABLE t (a Int32) ENGINE = URL('http://x', CSV)",
    "CREATE TABLE t (a Int32) ENGINE File(CSV)",
    "CREATE TABLE t (a Int32) ENGINE = `S3`('http://x')",
    "CREATE TABLE t (a Int32) ENGINE = Kafka",
    "CREATE TABLE t (a Int32) ENGINE = ReplicatedMergeTree('/a', 'b') ORDER BY a",
    "CREATE TABLE t (a Int32) ENGINE = Buffer('default', 'x', 1, 1, 1, 1, 1, 1, 1)",
    "CREATE TABLE t (a Int32) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local)",
    "CREATE TABLE t AS file('/etc/hostname')",
    "CREATE TABLE t (a String DEFAULT file('/etc/hostname')) ENGINE = Memory",
    "CREATE MATERIALIZED VIEW v ENGINE = URL('http://x') AS SELECT 1",
    "CREATE DATABASE d ENGINE = Filesystem('/etc')",
    "CREATE DICTIONARY d (a Int32) PRIMARY KEY a SOURCE(FILE(path '/x' format 'CSV'))",
    "CREATE OR REPLACE DICTIONARY d (a Int32) PRIMARY KEY a SOURCE(NULL())",
    "CREATE FUNCTION f AS (x) -> x",
    "CREATE USER u",
    "CREATE NAMED COLLECTION c AS a = 1",
    "SYSTEM SHUTDOWN",
    "ATTACH TABLE t FROM '/tmp/x' (a Int32) ENGINE = MergeTree ORDER BY a",
    "DETACH TABLE t",
    "BACKUP TABLE t TO File('x')",
    "RESTORE TABLE t FROM File('x')",
    "KILL QUERY WHERE 1",
    "GRANT ALL ON *.* TO u",
    "ALTER TABLE t FREEZE",
    "ALTER TABLE t ATTACH PARTITION 1",
    "ALTER TABLE t FETCH PARTITION 1 FROM '/x'",
    "SELECT 1 PARALLEL WITH SYSTEM SHUTDOWN",
    "SELECT 1; SELECT 2",
    "SELECT * FROM default.`/etc/hostname`",
    "SELECT * FROM `default` . `/etc/hostname`",
    "SELECT * FROM 'default'.'/etc/hostname'",
    "SELECT * FROM DEFAULT.x",
    "SELECT * FROM default.1x",
    "USE default",
    "DROP DATABASE default",
    "SHOW TABLES FROM default",
    "SET dialect = 'prql'",
    "SET max_threads = 1, format_schema = '/x'",
    "SELECT 1 SETTINGS max_threads = 1, `url_base` = 'http://x'",
    "SELECT 1 SETTINGS additional_result_filter = 'file(1) = 2'",
    "INSERT INTO t SETTINGS input_format_values_interpret_expressions = 1 VALUES (1)",
    "ALTER TABLE nudge.t MODIFY SETTING disk = 'x'",
    "SELECT * FROM {d:Identifier}.{t:Identifier}",
    "CREATE TABLE t (a Int32) ENGINE = {e:Identifier}",
    "",
    "-- nothing",
    "EXPLAIN SYSTEM SHUTDOWN",
    "SELECT 1 /* /* ' */ */ , file('/etc/hostname') -- '",
]

ALLOWED = [
    "SELECT 1",
    "(SELECT 1) UNION ALL (SELECT 2);",
    "FROM numbers(3) SELECT number",
    "SELECT 'file(1)', \"url\" FROM t -- file('/etc/hostname')",
    "SELECT 'it''s', 'a\\'b' /* s3('x') */",
    "SELECT format('{}', 1), extract(YEAR FROM toDate(d)), trim(BOTH 'x' FROM lower(s)) FROM t",
    "SELECT a IS NOT DISTINCT FROM toUInt8(2) FROM t",
    "SELECT * FROM (SELECT 1) AS x JOIN generateSeries(1, 2) AS g ON 1 = 1",
    "SELECT * FROM nudge.events FINAL WHERE file = 'x' AND url = 'y' FORMAT JSON",
    "SELECT engine, name FROM system.tables WHERE engine = 'MergeTree'",
    "SELECT windowFunnel(10)(t, a = 1), uniq(b) FROM t SETTINGS max_threads = 1",
    "CREATE DATABASE IF NOT EXISTS nudge ENGINE = Atomic",
    """CREATE TABLE t (a UInt64 DEFAULT 1.5, b String DEFAULT 'x') ENGINE = MergeTree() ORDER BY a
    SETTINGS non_replicated_deduplication_window = 100""",
    """CREATE TABLE t (a UInt64, INDEX i a TYPE set(100) GRANULARITY 1)
    ENGINE = ReplacingMergeTree(a) PARTITION BY toYYYYMM(d) ORDER BY a""",
    "CREATE TABLE t2 AS nudge.t",
    "CREATE OR REPLACE VIEW v AS SELECT count() FROM t",
    "CREATE MATERIALIZED VIEW v TO t AS SELECT sumState(a) FROM u",
    "ALTER TABLE t ADD COLUMN c LowCardinality(String)",
    "ALTER TABLE t REPLACE PARTITION 1 FROM u",
    "EXCHANGE TABLES a AND b",
    "RENAME TABLE a TO b",
    "TRUNCATE TABLE IF EXISTS t",
    "INSERT INTO t (format, a) SELECT 'x', 1",
    "INSERT INTO t SETTINGS insert_deduplication_token = 'a' SELECT 1",
    "SET max_threads = 1",
    "ALTER TABLE nudge.t MODIFY SETTING non_replicated_deduplication_window = 10",
    "UPDATE t SET url = 'x' WHERE a = 1",
    "SHOW TABLES FROM nudge",
    "DESCRIBE TABLE nudge.events",
    "EXPLAIN SELECT 1",
    "SELECT {x:String}, {y:Array(UInt8)}",
]


@pytest.mark.parametrize("sql", REFUSED)
def test_what_reaches_outside_is_refused(sql: str) -> None:
    with pytest.raises(ClickHouseError) as refused:
        Guard().check_statement(tuple(tokenize(sql.encode())), {"d": "default", "t": "/etc/x"})
    assert refused.value.code in {497, 62}


@pytest.mark.parametrize("sql", ALLOWED)
def test_ordinary_statements_pass(sql: str) -> None:
    tokens = tuple(tokenize(sql.encode()))
    Guard(frozenset({"file", "format", "numbers", "generateSeries"})).check_statement(tokens, {})


def test_a_table_function_only_the_engine_knows_is_refused_everywhere() -> None:
    tokens = tuple(tokenize(b"SELECT * FROM t, brandNewSource(1)"))
    Guard().check_statement(tokens, {})
    with pytest.raises(ClickHouseError, match="brandNewSource"):
        Guard(frozenset({"brandNewSource"})).check_statement(tokens, {})


def test_expressions_among_values_are_checked() -> None:
    Guard().check_expressions(tuple(tokenize(b"(1, 'file(2)'), (2, upper('x'))")))
    with pytest.raises(ClickHouseError):
        Guard().check_expressions(tuple(tokenize(b"(1, (SELECT * FROM url('http://x')))")))


def test_identifier_parameters_are_plain_names() -> None:
    tokens = tuple(tokenize(b"SELECT {c:Identifier} FROM {t:Identifier}"))
    Guard().check_statement(tokens, {"c": "position", "t": "events"})
    with pytest.raises(ClickHouseError, match="`t`"):
        Guard().check_statement(tokens, {"c": "position", "t": "default./etc/hostname"})


@pytest.mark.parametrize(
    "name", ["url_base", "dialect", "format_schema", "database", "a b", "x=1,y"]
)
def test_settings_that_reach_outside_are_refused(name: str) -> None:
    with pytest.raises(ClickHouseError):
        check_settings({name: "1"})


def test_ordinary_settings_pass() -> None:
    check_settings(
        {"max_threads": "1", "session_timezone": "UTC", "insert_deduplication_token": "a"}
    )


@pytest.mark.parametrize("name", ["x`y", "a.b", "../x", ""])
def test_a_database_has_a_plain_name(name: str) -> None:
    with pytest.raises(ClickHouseError):
        check_database(name)
