"""Postgres's catalogue read for holes: tables, views and functions that ignore the organization."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import psycopg

Connection = psycopg.Connection[tuple[Any, ...]]

SHARED: Final = {
    "log.tree": "hashes of the audit tree",
    "log.tree_heads": "signed heads of the audit tree",
    "log.tree_tiles": "hashes of the audit tree",
    "state.attempts": "keyed hashes of addresses and networks, and how often",
    "state.analytics_batches": "bounds of batches for ClickHouse",
    "state.clock": "how far the embedded stack's clock is ahead",
    "state.positions": "how far each consumer is",
    "state.topic_versions": "which topics the positions belong to",
    "state.token_keys": "keys that sign access tokens, wrapped",
    "state.rebuilds": "rebuilds of read models",
    "state.rebuild_parts": "rebuilds of read models",
}
"""Tables that hold nothing of any organization, and what they hold."""

COUNTED: Final = frozenset({"state.attempts"})
"""Those that the API may change: before it knows anybody."""

DOORS: Final = {
    "log.last_position": "a number",
    "log.position_at": "a number",
    "state.depart": "a number, and only about the caller's own organization",
    "state.sweep_departed": "a number, and only about an organization that left",
    "state.find_analyst": "an id, for who knows the hash of a login's password",
    "state.find_refresh_token": "ids, for who knows the hash of a token",
    "state.note_key_uses": "nothing: notes when keys were used",
    "state.find_user": "ids, for who knows the keyed hash of an address",
    "views.find_api_key": "ids, for who knows the hash of a key",
    "views.find_delivery": "ids and the kind, for who knows the delivery's id",
    "views.find_webhook_organizations": "ids, and hashes of webhook credentials",
}
"""Functions that see every organization, and what they give to the API's login."""

_OWN: Final = "(organization_id = ( SELECT log.current_organization() AS current_organization))"
_TABLES: Final = """
    SELECT n.nspname || '.' || c.relname, c.oid, c.relrowsecurity AND c.relforcerowsecurity,
        EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
            AND a.attname = 'organization_id')
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p', 'f') AND n.nspname NOT LIKE 'pg\\_%'
      AND n.nspname <> 'information_schema' AND (
        n.nspname IN ('log', 'state', 'views')
        OR EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = c.oid AND NOT a.attisdropped
            AND a.attname = 'organization_id')
        OR has_table_privilege('nudge_api', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE'))
    ORDER BY 1
"""
_POLICIES: Final = """
    SELECT polname, polpermissive, pg_get_expr(polqual, polrelid),
        pg_get_expr(polwithcheck, polrelid), polcmd
    FROM pg_policy WHERE polrelid = %s
      AND (polroles = '{0}' OR polroles @> ARRAY['nudge_api'::regrole::oid])
"""
_WRITES: Final = (
    "SELECT has_table_privilege('nudge_api', %s::oid, 'INSERT, UPDATE, DELETE, TRUNCATE')"
)
_VIEWS: Final = """
    SELECT n.nspname || '.' || c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND has_table_privilege('nudge_api', c.oid, 'SELECT')
      AND (c.relkind = 'm' OR c.relkind = 'v' AND NOT coalesce('security_invoker=true' = ANY(
        SELECT lower(option) FROM unnest(c.reloptions) AS o (option)), false))
    ORDER BY 1
"""
_FUNCTIONS: Final = """
    SELECT DISTINCT n.nspname || '.' || p.proname,
        EXISTS (SELECT 1 FROM unnest(p.proconfig) AS o (option) WHERE option LIKE 'search_path=%'),
        p.prorettype::regtype::text IN ('json', 'jsonb')
          OR EXISTS (SELECT 1 FROM pg_type t WHERE t.oid = p.prorettype AND t.typtype = 'c')
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
    WHERE p.prosecdef AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND has_function_privilege('nudge_api', p.oid, 'EXECUTE')
    ORDER BY 1
"""
_ROLE: Final = """
    SELECT r.rolname, r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolreplication,
        EXISTS (SELECT 1 FROM pg_auth_members m WHERE m.member = r.oid),
        EXISTS (SELECT 1 FROM pg_class c WHERE c.relowner = r.oid)
    FROM pg_roles r WHERE r.rolname = 'nudge_api'
"""


def holes(connection: Connection) -> list[str]:
    """What is open, one line each; `connection`: any login of the product's database."""
    return [
        *_open_tables(connection),
        *_open_views(connection),
        *_open_functions(connection),
        *_powers(connection),
    ]


def _open_tables(connection: Connection) -> Iterator[str]:
    for name, oid, forced, has_organization in connection.execute(_TABLES).fetchall():
        if not forced:
            yield f"{name}: row-level security is not forced (CALL log.protect)"
        if has_organization:
            yield from _wide_policies(connection, name, oid)
        elif name not in SHARED:
            yield f"{name}: has no organization_id; if it holds nobody's data, add it to SHARED"
        elif name not in COUNTED and connection.execute(_WRITES, (oid,)).fetchone() != (False,):
            yield f"{name}: is shared by all organizations, and the API may change it"


def _wide_policies(connection: Connection, table: str, oid: int) -> Iterator[str]:
    for name, permissive, sees, writes, command in connection.execute(_POLICIES, (oid,)).fetchall():
        bound = [each for each in (sees, writes) if each is not None]
        if permissive and (not bound or any(each != _OWN for each in bound)):
            yield f"{table}: policy {name} lets the API see more than one organization"
        if permissive and command == "*" and writes is None:
            yield f"{table}: policy {name} does not check what the API writes"


def _open_views(connection: Connection) -> Iterator[str]:
    for (name,) in connection.execute(_VIEWS).fetchall():
        yield f"{name}: a view that reads with its owner's rights (security_invoker)"


def _open_functions(connection: Connection) -> Iterator[str]:
    for name, pinned, whole_rows in connection.execute(_FUNCTIONS).fetchall():
        if name not in DOORS:
            yield f"{name}: sees every organization; add it to DOORS with what it gives away"
        if not pinned:
            yield f"{name}: has no search_path of its own"
        if whole_rows:
            yield f"{name}: gives back whole rows or JSON instead of ids"


def _powers(connection: Connection) -> Iterator[str]:
    for name, powerful, member, owner in connection.execute(_ROLE).fetchall():
        if powerful or member or owner:
            yield f"{name}: may do more than its grants say"
