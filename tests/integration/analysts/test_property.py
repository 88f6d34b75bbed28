"""Whatever is nested in whatever: an analyst gets what would be there if nobody else existed."""
# ruff: noqa: S608 - the statements are these tests' own

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.analysts.conftest import Analytics
from tests.integration.analysts.rows import ALONE

TABLES = [
    "SELECT toString(position) AS k, data AS v FROM {db}events",
    "SELECT toString(position) AS k, toString(organization_id) AS v FROM {db}events AS turns",
    "SELECT toString(event_id) AS k, type AS v FROM {db}events",
    "SELECT toString(stream_id) AS k, toString(count()) AS v FROM {db}events GROUP BY stream_id",
    "SELECT intent AS k, toString(organization_id) AS v FROM {db}turns",
    "SELECT toString(turn_id) AS k, intent AS v FROM {db}turns WHERE confidence > 0.5",
    "SELECT toString(delivery_id) AS k, event AS v FROM {db}deliveries",
    "SELECT event AS k, toString(organization_id) AS v FROM {db}deliveries",
    "SELECT toString(delivery_id) AS k, state AS v FROM {db}delivery_states",
    "SELECT toString(campaign_id) AS k, toString(accepted) AS v FROM {db}campaign_metrics",
    "SELECT toString(position) AS k, toString(organization_id) AS v FROM {db}reply_times",
    "SELECT toString(position) AS k, 'x' AS organization_id, data AS v FROM {db}events",
    (
        "SELECT toString(e.position) AS k, d.event AS v FROM {db}events AS e"
        " LEFT JOIN {db}deliveries AS d ON e.organization_id = d.organization_id"
    ),
    "SELECT toString(count()) AS k, toString(max(position)) AS v FROM {db}events, {db}turns",
]
NAMES = ["x", "events", "deliveries", "turns", "delivery_states", "progress", "k", "system"]
WRAPS = [
    "SELECT k, v FROM ({a})",
    "SELECT DISTINCT v AS k, k AS v FROM ({a}) AS events",
    "SELECT k, v FROM ({a}) UNION ALL SELECT k, v FROM ({b})",
    "SELECT k, v FROM ({a}) UNION DISTINCT SELECT v, k FROM ({b})",
    "SELECT k, v FROM ({a}) EXCEPT SELECT k, v FROM ({b})",
    "SELECT k, v FROM ({a}) INTERSECT SELECT k, v FROM ({b})",
    "SELECT k, v FROM ({a}) WHERE k IN (SELECT k FROM ({b}))",
    "SELECT k, v FROM ({a}) WHERE (k, v) NOT IN (SELECT k, v FROM ({b}))",
    "SELECT k, v FROM ({a}) WHERE v = (SELECT max(v) FROM ({b}))",
    "SELECT DISTINCT l.k AS k, r.v AS v FROM ({a}) AS l JOIN ({b}) AS r ON l.k = r.k",
    "SELECT DISTINCT l.v AS k, r.k AS v FROM ({a}) AS l LEFT JOIN ({b}) AS r USING (v)",
    "SELECT DISTINCT l.k AS k, r.k AS v FROM ({a}) AS l CROSS JOIN ({b}) AS r",
    "SELECT k, max(v) AS v FROM ({a}) GROUP BY k",
    "SELECT toString(count()) AS k, max(v) AS v FROM ({a}) HAVING count() > 0",
    "SELECT toString(row_number() OVER (PARTITION BY v ORDER BY k, v)) AS k, v FROM ({a})",
    "SELECT k, ifNull(toString((SELECT count() FROM ({b}))), '') AS v FROM ({a})",
    "SELECT concat(k, toString(n)) AS k, v FROM ({a}) ARRAY JOIN [1, 2] AS n",
    "WITH (SELECT count() FROM ({b})) AS n SELECT k, toString(n) AS v FROM ({a})",
    "WITH {name} AS ({a}) SELECT k, v FROM {name}",
    (
        "WITH {name} AS ({a}) SELECT l.k AS k, l.v AS v FROM {name} AS l ANY JOIN {name} AS r"
        " ON l.k = r.k AND l.v = r.v"
    ),
    (
        "WITH {name} AS ({a}), y AS (SELECT v AS k, k AS v FROM {name}) SELECT k, v FROM y"
        " UNION ALL SELECT k, v FROM ({b})"
    ),
    "SELECT k, v FROM ({a}) WHERE arrayExists(e -> e = k, (SELECT groupArray(k) FROM ({b})))",
    "SELECT * REPLACE (upper(v) AS v) FROM ({a}) WHERE intDiv(1, 1) = 1 ORDER BY k, v LIMIT 5",
    "SELECT CASE WHEN v = k THEN v ELSE k END AS k, v FROM ({a}) WHERE EXISTS(SELECT 1 FROM ({b}))",
]


def nested(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A query around one or two others."""
    return st.builds(
        lambda wrap, a, b, name: wrap.replace("{a}", a).replace("{b}", b).replace("{name}", name),
        st.sampled_from(WRAPS),
        inner,
        inner,
        st.sampled_from(NAMES),
    )


QUERIES = st.recursive(st.sampled_from(TABLES), nested, max_leaves=5)


def compare(analytics: Analytics, query: str, *, as_operator: bool = False) -> None:
    """Fails unless the answer over everybody's rows is that over mine alone."""
    whole = f"SELECT k, v FROM ({query}) ORDER BY k, v"
    here = whole.replace("{db}", "nudge." if len(query) % 2 else "")
    answer = analytics.operator(here) if as_operator else analytics.ask(here)
    expected = analytics.operator(whole.replace("{db}", f"{ALONE}."), database=ALONE)
    assert expected.status_code == 200, expected.text
    assert answer.status_code == 200, answer.text
    assert answer.text == expected.text
    assert "theirs" not in answer.text
    assert str(analytics.theirs) not in answer.text


@settings(max_examples=80, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(QUERIES)
def test_an_answer_is_as_if_nobody_else_existed(analytics: Analytics, query: str) -> None:
    compare(analytics, query)


@pytest.mark.parametrize("query", TABLES + [wrap.replace("{name}", "events") for wrap in WRAPS])
def test_each_kind_of_query_by_itself(analytics: Analytics, query: str) -> None:
    compare(analytics, query.replace("{a}", TABLES[1]).replace("{b}", TABLES[7]))


@pytest.mark.parametrize("table", [0, 4, 6, 8, 10])
def test_the_comparison_finds_a_planted_hole(analytics: Analytics, table: int) -> None:
    """Must fail: the operator is not filtered."""
    with pytest.raises(AssertionError):
        compare(analytics, TABLES[table], as_operator=True)
