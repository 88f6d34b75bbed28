"""The Postgres database made ready: logins, the database itself, extensions, migrations."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from alembic import command
from alembic.config import Config
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict
from sqlalchemy import create_engine

MIGRATIONS = Path(__file__).parent / "migrations"
_MIGRATION_LOCK = 7300


def make_database(admin_url: str, owner_url: str, *logins: str) -> None:
    """Make the logins and the owner's database where they are missing; again changes nothing.

    `logins` are the URLs of the other roles. Passwords are set to those of the URLs.
    """
    owner = conninfo_to_dict(owner_url)
    database = str(owner["dbname"])
    with psycopg.connect(admin_url, autocommit=True) as admin:
        for url in (owner_url, *logins):
            _make_login(admin, url)
        known = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
        if known.fetchone() is None:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(database), sql.Identifier(str(owner["user"]))
                )
            )
    with psycopg.connect(admin_url, dbname=database, autocommit=True) as inside:
        inside.execute("CREATE EXTENSION IF NOT EXISTS vector")


def _make_login(admin: psycopg.Connection[tuple[object, ...]], url: str) -> None:
    given = conninfo_to_dict(url)
    name, password = sql.Identifier(str(given["user"])), sql.Literal(str(given["password"]))
    known = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (str(given["user"]),))
    verb = "ALTER" if known.fetchone() else "CREATE"
    admin.execute(
        sql.SQL(verb + " ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD {}").format(name, password)
    )


def migrate(owner_url: str) -> None:
    """Bring the schema to the newest version; two callers at once wait for each other."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    parts = urlsplit(owner_url)
    engine = create_engine(parts._replace(scheme="postgresql+psycopg").geturl())
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MIGRATION_LOCK})")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()
