"""What the door refuses: whatever reaches files, other machines, processes or the server itself.

The rules work on tokens, so strings and comments cannot trigger or hide anything, and they deny by
default: kinds of statements, kinds of objects, engines and table functions are allow-lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import pairwise

from infra.local.clickhouse.errors import ACCESS_DENIED, SYNTAX_ERROR, ClickHouseError
from infra.local.clickhouse.lexer import Kind, Token

TABLE_FUNCTIONS = frozenset(
    [
        "numbers",
        "numbers_mt",
        "zeros",
        "zeros_mt",
        "values",
        "view",
        "null",
        "generaterandom",
        "generateseries",
        "generate_series",
    ]
)
_ALSO_ORDINARY_FUNCTIONS = frozenset({"format"})
_STATEMENTS = frozenset(
    [
        "SELECT",
        "WITH",
        "FROM",
        "INSERT",
        "CREATE",
        "ALTER",
        "DROP",
        "TRUNCATE",
        "RENAME",
        "EXCHANGE",
        "OPTIMIZE",
        "SHOW",
        "DESCRIBE",
        "DESC",
        "EXISTS",
        "EXPLAIN",
        "USE",
        "SET",
        "DELETE",
        "UPDATE",
        "CHECK",
    ]
)
_CREATABLE = frozenset({"TABLE", "VIEW", "DATABASE"})
_CREATE_MODIFIERS = frozenset({"OR", "REPLACE", "TEMPORARY", "MATERIALIZED"})
_ENGINES = frozenset(
    [
        "mergetree",
        "replacingmergetree",
        "aggregatingmergetree",
        "summingmergetree",
        "collapsingmergetree",
        "versionedcollapsingmergetree",
        "coalescingmergetree",
        "memory",
        "null",
        "log",
        "tinylog",
        "stripelog",
        "set",
        "join",
        "view",
        "materializedview",
        "generaterandom",
        "atomic",
    ]
)
_REFUSED_ALTER = frozenset(
    ["ATTACH", "DETACH", "FETCH", "FREEZE", "UNFREEZE", "MOVE", "EXPORT", "IMPORT", "UNLOCK"]
)
_REFUSED_FUNCTION = re.compile(
    r"file|dict(get|has|isin).*|joinget.*|hascolumnintable|ai[a-z]+|addressto.*|catboost.*|disk"
    r"|model.*|naivebayes.*|reversedns.*|showcertificate|trap|demangle|named_collection|eval"
    r"|python|executable.*|input|(file|url|remote|s3|gcs|oss|cosn|hdfs|azure|iceberg|deltalake"
    r"|hudi|paimon|merge|cluster|mysql|postgresql|mongodb|redis|sqlite|jdbc|odbc|bigquery"
    r"|ytsaurus|arrowstream|arrowflight|dictionary|prometheus|timeseries|filesystem"
    r"|fuzz(json|query)|loop|viewifpermitted|viewexplain)(cluster|secure|allreplicas|s3|local|"
    r"azure|hdfs|query.*|data|metrics|samples|tags|metricfamilies|selector|blobstorage|"
    r"[a-z0-9]+cluster)?|mergetree[a-z]+",
    re.IGNORECASE,
)
_REFUSED_SETTING = re.compile(
    r"(^|_)(url|path|file|files|dialect|disk|credentials|implicit|hosts?|s3|s3queue|azure|hdfs)"
    r"(_|$)|^format_schema|^format_template_(row|resultset)$|^output_format_schema$|^dialect"
    r"|^default_view_definer$|^param_|^cluster_for|^distributed|^ai_|^allow_.*(kusto|prql|promql)"
    r"|^promql|^allow_introspection|^local_filesystem|^chdb_|^additional_|^parallel_replicas_custom"
    r"|^input_format_values_|^(select|filter|order|sort|database|format|input_format|output_format)$",
    re.IGNORECASE,
)
_SETTINGS_END = frozenset({"SELECT", "FORMAT", "VALUES", "AS", "COMMENT"})
_BEFORE_A_SETTING = frozenset({"SETTINGS", "SETTING", "SET", ","})
_FROM_IS_ARGUMENT = frozenset({"extract", "trim", "ltrim", "rtrim", "substring", "overlay"})
_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)
# The engine lays this database over the file system: a table name there may be any file.
FILE_DATABASE = "default"


class Guard:
    """Checks statements. `known_table_functions`: every table function the engine has."""

    def __init__(self, known_table_functions: frozenset[str] = frozenset()) -> None:
        lowered = {name.lower() for name in known_table_functions}
        self._refused_names = lowered - TABLE_FUNCTIONS - _ALSO_ORDINARY_FUNCTIONS

    def check_statement(self, tokens: Sequence[Token], params: Mapping[str, str]) -> None:
        """Raises ClickHouseError when the statement may not run. `params` by bare name."""
        _check_kind(tokens)
        self.check_expressions(tokens)
        _check_settings_clauses(tokens)
        _check_identifier_params(tokens, params)
        if tokens[0].word == "CREATE":
            _check_create(tokens)

    def check_expressions(self, tokens: Sequence[Token]) -> None:
        """Raises ClickHouseError for a function or a name that reaches outside the engine.

        For statements, and for the rows of VALUES, which may hold expressions.
        """
        for token, following in pairwise(tokens):
            if token.is_name and following.text == "(" and following.kind is Kind.PUNCT:
                self._check_function(token.text)
            if following.text == "." and following.kind is Kind.PUNCT:
                _check_database(token)
            touching = following.kind is Kind.NUMBER and token.end == following.start
            if touching and following.text.startswith("."):
                _check_database(token)
        _check_sources(tokens)

    def _check_function(self, name: str) -> None:
        lowered = name.lower()
        if lowered in self._refused_names or (
            _REFUSED_FUNCTION.fullmatch(lowered) and lowered not in _ALSO_ORDINARY_FUNCTIONS
        ):
            raise _denied(f"the function `{name}` reaches outside the database")


def check_settings(names: Mapping[str, str]) -> None:
    """Raises ClickHouseError for a setting that reaches outside the query."""
    for name in names:
        if not _PLAIN_NAME.fullmatch(name) or _REFUSED_SETTING.search(name):
            raise _denied(f"the setting `{name}` may not be changed")


def check_database(name: str) -> None:
    """Raises ClickHouseError unless `name` is a plain name of a database."""
    if not _PLAIN_NAME.fullmatch(name):
        raise _denied(f"the database name {name!r} is not a plain name")


def _denied(reason: str) -> ClickHouseError:
    return ClickHouseError(ACCESS_DENIED, f"Not enough privileges: {reason}.")


def _check_kind(tokens: Sequence[Token]) -> None:
    first = next((token for token in tokens if token.text != "("), None)
    if first is None:
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: Empty query.")
    if first.word not in _STATEMENTS:
        raise _denied(f"statements that begin with {first.text.upper()!r} are not available")
    if any(token.text == ";" and token.kind is Kind.PUNCT for token in tokens[:-1]):
        raise ClickHouseError(SYNTAX_ERROR, "Syntax error: Multi-statements are not allowed.")
    words = [token.word for token in tokens]
    if "PARALLEL" in words and ("PARALLEL", "WITH") in set(pairwise(words)):
        raise _denied("PARALLEL WITH is not available")
    if first.word == "EXPLAIN" and {"SYSTEM", "BACKUP", "RESTORE", "ATTACH", "CREATE"} & set(words):
        raise _denied("only queries can be explained")
    if first.word == "ALTER" and (refused := _REFUSED_ALTER & set(words)):
        raise _denied(f"ALTER ... {min(refused)} is not available")


def _check_create(tokens: Sequence[Token]) -> None:
    what = next((t for t in tokens[1:] if t.word not in _CREATE_MODIFIERS), None)
    if what is None or what.word not in _CREATABLE:
        raise _denied(f"CREATE {what.text.upper() if what else ''} is not available")
    for index, token in enumerate(tokens):
        if token.text.upper() != "ENGINE" or not token.is_name:
            continue
        rest = [t for t in tokens[index + 1 : index + 3] if t.text != "="]
        if rest and rest[0].is_name and rest[0].word not in {"FROM", "AS", "IN"}:
            _check_engine(rest[0].text)
        elif rest and rest[0].text == "{":
            raise _denied("an engine's name cannot be a parameter")


def _check_engine(name: str) -> None:
    if name.lower() not in _ENGINES:
        raise _denied(f"the engine `{name}` is not available")


def _check_sources(tokens: Sequence[Token]) -> None:
    """Files as source or target, unknown table functions, and the file database as a whole."""
    openers: list[str] = []
    before = ""
    for index, token in enumerate(tokens[:-1]):
        following = tokens[index + 1]
        _track_parentheses(openers, token, tokens[index - 1].text if index else "")
        if (token.word, following.word) in {("INTO", "OUTFILE"), ("FROM", "INFILE")}:
            raise _denied(f"{token.word} {following.word} reaches files")
        ordinary = token.word == "FROM" and (
            before == "DISTINCT" or (openers and openers[-1] in _FROM_IS_ARGUMENT)
        )
        if token.word in {"FROM", "JOIN", "FUNCTION"} and not ordinary:
            _check_table_function(following, tokens[index + 2 : index + 3])
        if token.word in {"USE", "DATABASE"} or (
            token.word in {"FROM", "IN"} and tokens[0].word == "SHOW"
        ):
            _check_database(following)
        before = token.word


def _track_parentheses(openers: list[str], token: Token, previous: str) -> None:
    if token.kind is not Kind.PUNCT:
        return
    if token.text == "(":
        openers.append(previous.lower())
    elif token.text == ")" and openers:
        openers.pop()


def _check_table_function(name: Token, after: Sequence[Token]) -> None:
    called = bool(after) and after[0].text == "(" and after[0].kind is Kind.PUNCT
    if called and name.kind is not Kind.PUNCT and name.text.lower() not in TABLE_FUNCTIONS:
        raise _denied(f"the table function `{name.text}` is not available")


def _check_database(token: Token) -> None:
    if token.kind is Kind.STRING:
        raise _denied("a string cannot name a database")
    if token.is_name and token.text.lower() == FILE_DATABASE:
        raise _denied(f"the database `{FILE_DATABASE}` is not available; name another")


def _check_settings_clauses(tokens: Sequence[Token]) -> None:
    inside = False
    for index, token in enumerate(tokens):
        opens = token.word in {"SETTINGS", "SETTING"} or (token.word == "SET" and index == 0)
        if token.word in _SETTINGS_END:
            inside = False
        elif opens and index + 1 < len(tokens) and tokens[index + 1].is_name:
            inside = True
        elif inside and token.is_name and tokens[index - 1].text.upper() in _BEFORE_A_SETTING:
            check_settings({token.text: ""})


def _check_identifier_params(tokens: Sequence[Token], params: Mapping[str, str]) -> None:
    for brace, name, colon, kind in zip(tokens, tokens[1:], tokens[2:], tokens[3:], strict=False):
        if (brace.text, colon.text, kind.word) != ("{", ":", "IDENTIFIER"):
            continue
        value = params.get(name.text, "")
        if not _PLAIN_NAME.fullmatch(value) or value.lower() == FILE_DATABASE:
            raise _denied(f"the parameter `{name.text}` is not a plain name")
