"""Postgres itself binds every table to its organization, and every way around it."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import fresh_database
from tests.support.isolation.catalogue import DOORS, SHARED, Connection, holes
from tests.support.services import Services

TABLE = "CREATE TABLE views.planted (id uuid PRIMARY KEY, organization_id uuid NOT NULL);"
PROTECT = "CALL log.protect('views.planted', 'SELECT, INSERT');"
FINDER = "CREATE FUNCTION views.planted() RETURNS {} LANGUAGE sql SECURITY DEFINER {} AS '{}';"
VIEW = (
    "CREATE {} VIEW views.planted AS SELECT * FROM views.contacts;"
    " GRANT SELECT ON views.planted TO nudge_api;"
)
PINNED = "SET search_path = pg_catalog"

HOLES = {
    "nothing forced": (TABLE, "not forced"),
    "enabled, and not forced": (
        TABLE + PROTECT + "ALTER TABLE views.planted NO FORCE ROW LEVEL SECURITY;",
        "not forced",
    ),
    "in another schema": (TABLE.replace("views.", "public."), "public.planted: row-level"),
    "a policy that shows all": (
        TABLE + PROTECT + "CREATE POLICY wide ON views.planted TO nudge_api USING (true);",
        "policy wide",
    ),
    "a policy for everybody": (
        TABLE + PROTECT + "CREATE POLICY wide ON views.planted FOR SELECT USING (true);",
        "policy wide",
    ),
    "a policy that writes anywhere": (
        TABLE + PROTECT + "CREATE POLICY wide ON views.planted FOR INSERT TO nudge_api"
        " WITH CHECK (true);",
        "policy wide",
    ),
    "no organization at all": (
        "CREATE TABLE state.planted (id uuid); CALL log.protect_shared('state.planted');",
        "no organization_id",
    ),
    "a shared table that may be changed": (
        "GRANT UPDATE ON state.clock TO nudge_api;",
        "state.clock: is shared",
    ),
    "a view with its owner's rights": (
        VIEW.format(""),
        "security_invoker",
    ),
    "a materialized view": (
        VIEW.format("MATERIALIZED"),
        "security_invoker",
    ),
    "a function that sees all": (
        FINDER.format("bigint", PINNED, "SELECT count(*) FROM views.contacts"),
        "sees every organization",
    ),
    "a function that gives rows": (
        FINDER.format("SETOF views.contacts", PINNED, "SELECT * FROM views.contacts"),
        "whole rows",
    ),
    "a function that gives JSON": (
        FINDER.format("jsonb", PINNED, "SELECT jsonb_agg(c) FROM views.contacts c"),
        "whole rows",
    ),
    "a function that can be led astray": (
        FINDER.format("bigint", "", "SELECT count(*) FROM views.contacts"),
        "search_path",
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def owner_url(stack: Services) -> Iterator[str]:
    with fresh_database(stack) as database:
        yield database.owner_url


@pytest.fixture
def catalogue(owner_url: str) -> Iterator[Connection]:
    """The owner's connection; whatever a test plants is rolled back."""
    with psycopg.connect(owner_url) as connection, connection.transaction(force_rollback=True):
        yield connection


def test_nothing_in_the_catalogue_ignores_the_organization(catalogue: Connection) -> None:
    assert holes(catalogue) == []


@pytest.mark.parametrize("name", HOLES)
def test_a_hole_in_the_catalogue_is_found(catalogue: Connection, name: str) -> None:
    planted, said = HOLES[name]
    catalogue.execute(planted.encode())

    found = holes(catalogue)

    assert any(said in line for line in found), found


def test_what_is_listed_as_open_is_there(catalogue: Connection) -> None:
    tables = catalogue.execute(
        "SELECT name FROM unnest(%s::text[]) AS t (name) WHERE to_regclass(name) IS NULL",
        (list(SHARED),),
    ).fetchall()
    functions = catalogue.execute(
        "SELECT DISTINCT n.nspname || '.' || p.proname FROM pg_proc p"
        " JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.prosecdef"
    ).fetchall()

    assert tables == []
    assert set(DOORS) <= {name for (name,) in functions}
