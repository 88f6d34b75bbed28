"""What clients of ClickHouse's HTTP interface rely on, against the real engine."""
# ruff: noqa: S608 - the statements are these tests' own

from __future__ import annotations

import gzip
import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import clickhouse_connect
import httpx
import pytest
from clickhouse_connect.driver.client import Client
from clickhouse_connect.driver.exceptions import DatabaseError

from tests.integration.clickhouse_door.conftest import Server
from tests.unit.clickhouse_door.test_guard import REFUSED

TABLE = """CREATE TABLE {name} (a UInt64, b String, at DateTime64(3, 'UTC') DEFAULT 0)
ENGINE = MergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"""


@pytest.fixture
def table(client: Client, request: pytest.FixtureRequest) -> str:
    name = f"nudge.t_{abs(hash(request.node.name))}"
    client.command(TABLE.format(name=name))
    return name


def test_clickhouse_connect_creates_inserts_and_queries(client: Client, table: str) -> None:
    at = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    client.insert(table, [[1, "é'x\t", at], [2, "", at]], column_names=["a", "b", "at"])
    client.raw_insert(table, ["a", "b"], b'{"a": 3, "b": "raw"}\n', fmt="JSONEachRow")
    client.command(f"INSERT INTO {table} (a, b) VALUES (4, 'inline'), (5, concat('a', 'b'))")
    client.command(f"INSERT INTO {table} (a, b) SELECT a + 5, b FROM {table} WHERE a < 2")
    found = client.query(
        f"SELECT a, b FROM {table} WHERE a <= {{most:UInt64}} AND b != {{not:String}} ORDER BY a",
        parameters={"most": 6, "not": ""},
    )
    assert found.result_rows == [(1, "é'x\t"), (3, "raw"), (4, "inline"), (5, "ab"), (6, "é'x\t")]
    moments = client.query(f"SELECT at FROM {table} WHERE a = 1").result_columns[0]
    assert [moment.replace(tzinfo=UTC) for moment in moments] == [at]


@pytest.mark.parametrize("name", ["Native", "RowBinary", "JSONEachRow", "ArrowStream", "CSV"])
def test_rows_go_out_and_in_again_in_every_format(client: Client, table: str, name: str) -> None:
    rows = client.raw_query("SELECT number AS a, 'x' AS b FROM numbers(1000)", fmt=name)
    client.raw_insert(table, ["a", "b"], rows, fmt=name)
    assert client.command(f"SELECT count(), sum(a) FROM {table}") == ["1000", "499500"]


def test_the_same_token_twice_is_one_block(client: Client, table: str) -> None:
    rows = [[n, "x"] for n in range(20_000)]
    for token in ("p0:1-20000", "p0:1-20000", "p0:20001-40000"):
        settings = {"insert_deduplication_token": token}
        client.insert(table, rows, column_names=["a", "b"], settings=settings)
    assert client.command(f"SELECT count() FROM {table}") == 40_000


def test_settings_of_one_query_do_not_reach_the_next(http: httpx.Client) -> None:
    ask = {"query": "SELECT getSetting('max_block_size')"}
    first = http.get("", params={**ask, "max_block_size": "12345"})
    http.post("", content="SET max_block_size = 777")
    later = {http.get("", params=ask).text for _ in range(8)}
    assert first.text == "12345\n"
    assert len(later) == 1
    assert not later & {"12345\n", "777\n"}


def test_the_answer_carries_clickhouses_headers(http: httpx.Client) -> None:
    query = {"query": "SELECT number FROM numbers(3) FORMAT JSONEachRow", "query_id": "my-id"}
    answer = http.get("", params=query)
    assert answer.headers["X-ClickHouse-Format"] == "JSONEachRow"
    assert answer.headers["X-ClickHouse-Query-Id"] == "my-id"
    assert answer.headers["X-ClickHouse-Timezone"] == "UTC"
    assert json.loads(answer.headers["X-ClickHouse-Summary"])["result_rows"] == "3"
    assert [json.loads(line) for line in answer.text.splitlines()] == [
        {"number": n} for n in (0, 1, 2)
    ]


def test_the_default_format_is_applied(http: httpx.Client) -> None:
    answer = http.post("", content="SELECT 1 AS a", params={"default_format": "CSVWithNames"})
    assert answer.text == '"a"\n1\n'


@pytest.mark.parametrize("encoding", ["gzip", "lz4"])
def test_answers_are_compressed_when_asked(server: Server, encoding: str) -> None:
    client = server.client()
    assert client.query("SELECT number FROM numbers(5000)").row_count == 5000
    with server.http() as http:
        headers = {"Accept-Encoding": encoding}
        params = {"query": "SELECT number FROM numbers(5000)", "enable_http_compression": "1"}
        with http.stream("GET", "", params=params, headers=headers) as answer:
            assert answer.headers["Content-Encoding"] == encoding


def test_a_compressed_body_is_read(http: httpx.Client, table: str) -> None:
    body = gzip.compress(b"".join(b"%d,x\n" % n for n in range(300_000)))
    params = {"query": f"INSERT INTO {table} (a, b) FORMAT CSV"}
    http.post("", params=params, content=body, headers={"Content-Encoding": "gzip"})
    assert http.get("", params={"query": f"SELECT count() FROM {table}"}).text == "300000\n"


@pytest.mark.parametrize(
    ("sql", "status", "code"),
    [
        ("SELECT * FROM", 400, "62"),
        ("SELECT * FROM nothing_here", 404, "60"),
        ("SELECT * FROM nowhere.t", 404, "81"),
        ("SELECT nope", 400, "47"),
        ("SELECT nope()", 404, "46"),
        ("SELECT count() FROM numbers(100000000000) SETTINGS max_execution_time = 1", 408, "159"),
        ("SELECT number FROM numbers(1000000000)", 500, "396"),
    ],
)
def test_errors_are_clickhouses(http: httpx.Client, sql: str, status: int, code: str) -> None:
    answer = http.post("", content=sql)
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (status, code)
    assert answer.text.startswith(f"Code: {code}. DB::Exception: ")


def test_get_changes_nothing(http: httpx.Client, table: str) -> None:
    answer = http.get("", params={"query": f"DROP TABLE {table}", "readonly": "0"})
    assert answer.headers["X-ClickHouse-Exception-Code"] == "164"
    assert http.get("", params={"query": f"EXISTS TABLE {table}"}).text == "1\n"


@pytest.mark.parametrize("sql", [sql for sql in REFUSED if sql.strip()])
def test_the_engine_never_sees_what_is_refused(http: httpx.Client, sql: str) -> None:
    answer = http.post("", content=sql, params={"param_d": "default", "param_t": "/etc/hostname"})
    assert answer.headers["X-ClickHouse-Exception-Code"] in {"497", "62"}, answer.text


def test_a_file_is_read_neither_by_values_nor_by_a_table_name(
    http: httpx.Client, table: str
) -> None:
    inline = http.post("", content=f"INSERT INTO {table} (b) VALUES (file('/etc/hostname'))")
    named = http.post("", content="SELECT * FROM `/etc/hostname`", params={"database": "default"})
    padding = ",(1,'x')" * 200_000
    long = f"INSERT INTO {table} (a,b) VALUES (1,'x'){padding},(1,file('/etc/hostname'))"
    assert inline.status_code == 403
    assert named.status_code == 404
    refused = http.post("", content=long)
    assert refused.status_code == 400, refused.text


@pytest.mark.parametrize("password", ["wrong", ""])
def test_a_wrong_password_gets_in_nowhere(server: Server, password: str) -> None:
    answer = httpx.post(server.url, auth=("nudge", password), content="SELECT 1")
    assert (answer.status_code, answer.headers["X-ClickHouse-Exception-Code"]) == (401, "516")
    with pytest.raises(DatabaseError, match="516"):
        clickhouse_connect.get_client(
            host="127.0.0.1", port=server.port, username="nudge", password=password
        )


def test_only_ping_is_open(server: Server) -> None:
    assert httpx.get(server.url + "ping").text == "Ok.\n"
    assert httpx.get(server.url).status_code == 401


def test_many_clients_at_once_get_their_own_answers(http: httpx.Client) -> None:
    def ask(n: int) -> bool:
        answer = http.get("", params={"query": "SELECT {n:UInt32} + 1", "param_n": str(n)})
        return answer.text == f"{n + 1}\n"

    with ThreadPoolExecutor(12) as pool:
        assert all(pool.map(ask, range(120)))


def test_an_error_is_one_line_of_json_without_values(server: Server, http: httpx.Client) -> None:
    sql = "SELECT secret_column FROM nudge.nope WHERE x = 'ada@example.com' AND y = {p:String}"
    http.get("", params={"query": sql, "param_p": "topsecret", "query_id": "logged-once"})
    lines = [line for line in server.log.read_text().splitlines() if "logged-once" in line]
    assert len(lines) == 1
    assert json.loads(lines[0])["metadata"]["error"] == "UNKNOWN_TABLE"
    assert "ada@example.com" not in lines[0]
    assert "topsecret" not in lines[0]


def test_a_body_that_is_too_large_is_refused(http: httpx.Client, table: str) -> None:
    body = gzip.compress(b"1,x\n" * 70_000_000, compresslevel=1)
    params = {"query": f"INSERT INTO {table} (a, b) FORMAT CSV"}
    answer = http.post("", params=params, content=body, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert http.get("", params={"query": f"SELECT count() FROM {table}"}).text == "0\n"


def test_long_parameters_come_as_form_fields(client: Client) -> None:
    wanted = list(range(3000))
    found = client.query(
        "SELECT length({ids:Array(UInt32)})", parameters={"ids": wanted}
    ).result_rows
    assert found == [(3000,)]


def test_a_form_is_guarded_like_any_statement(http: httpx.Client) -> None:
    refused = http.post("/", files={"query": (None, "SELECT * FROM file('/etc/hostname')")})
    assert refused.status_code >= 400
    assert refused.headers["X-ClickHouse-Exception-Code"] == "497"


def test_external_data_is_refused(http: httpx.Client) -> None:
    refused = http.post("/", files={"_data": ("data.tsv", b"1"), "query": (None, "SELECT 1")})
    assert refused.status_code == 501
