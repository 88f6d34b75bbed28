"""Migrations of the one Postgres database: forward only, plain SQL, run by Alembic."""
