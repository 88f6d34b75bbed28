"""Held deliveries: a person decides about them through the API."""

from infra.migrations.run_sql import run_beside

revision = "0004"
down_revision = "0007"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
