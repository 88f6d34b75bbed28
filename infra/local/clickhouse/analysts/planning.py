"""One statement of an analyst, from its text to the call of the engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Final
from uuid import UUID

from infra.local.clickhouse.analysts.catalogue import LIMITS, spoken_for
from infra.local.clickhouse.analysts.checking import check
from infra.local.clickhouse.analysts.reading import query_of, tokens_of, without_format
from infra.local.clickhouse.analysts.refusals import denied
from infra.local.clickhouse.analysts.rewriting import bind
from infra.local.clickhouse.analysts.sources import source_of
from infra.local.clickhouse.analysts.tables import ORGANIZATION, STORED
from infra.local.clickhouse.analysts.writing import text_of
from infra.local.clickhouse.engine import Call, quoted
from infra.local.clickhouse.formats import DEFAULT_FORMAT
from projections.clickhouse.connect import DATABASE

SPELLINGS: Final = frozenset(
    """
    date_time_output_format output_format_json_quote_64bit_integers
    output_format_json_quote_64bit_floats output_format_json_quote_denormals
    output_format_json_named_tuples_as_objects output_format_decimal_trailing_zeros
    """.split()
)
"""Settings that only change how values are spelt."""
HARMLESS: Final = frozenset(
    """
    cancel_http_readonly_queries_on_client_close http_response_buffer_size
    http_write_exception_in_output_format max_block_size
    """.split()
)
"""Settings drivers send by themselves and that this door has no use for: dropped."""


_LONGEST_REMEMBERED: Final = 4_000


@dataclass(frozen=True, slots=True)
class Asked:
    """What came with a request: the statement, and what an HTTP client may send beside it."""

    text: str
    params: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, str] = field(default_factory=dict)
    default_format: str = DEFAULT_FORMAT


def plan(asked: Asked, organization: UUID) -> Call:
    """The call that answers a statement. Raises ClickHouseError for what is refused.

    The text that is called is written from the checked tree; nothing of the original is passed on
    but values. Beneath it the engine filters the tables once more, in case a table was missed.
    """
    chosen = _spellings(asked.settings)
    bind_it = _remembered if len(asked.text) <= _LONGEST_REMEMBERED else _bound
    bound, answer_format = bind_it(asked.text, asked.default_format, organization)
    limits = {**chosen, "additional_table_filters": filters(organization), **LIMITS}
    return Call(bound, answer_format, database=DATABASE, settings=limits, params=asked.params)


@lru_cache(maxsize=512)
def _remembered(text: str, default_format: str, organization: UUID) -> tuple[str, str]:
    """The same: dashboards ask it again and again."""
    return _bound(text, default_format, organization)


def _bound(text: str, default_format: str, organization: UUID) -> tuple[str, str]:
    """The text for the engine and its format. Raises ClickHouseError."""
    tokens = tokens_of(text)
    text, tokens, answer_format = without_format(text, tokens, default_format)
    answer = spoken_for(tokens)
    query = query_of(answer, tokens_of(answer)) if answer else query_of(text, tokens)
    check(query)
    bind(query, partial(source_of, organization))
    return text_of(query, organization), answer_format


def filters(organization: UUID) -> str:
    """The engine's own condition on every stored table, as the setting takes it."""
    condition = quoted(f"{ORGANIZATION} = '{organization}'")
    return "{" + ", ".join(f"'{DATABASE}.{name}': {condition}" for name in STORED) + "}"


def _spellings(settings: Mapping[str, str]) -> dict[str, str]:
    for name in settings:
        if name not in SPELLINGS and name not in HARMLESS:
            raise denied(
                f"the setting `{name[:60]}` may not be changed",
                f"Analysts may set {', '.join(sorted(SPELLINGS))}",
            )
    return {name: value for name, value in settings.items() if name in SPELLINGS}
