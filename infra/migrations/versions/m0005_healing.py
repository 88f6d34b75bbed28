"""Webhooks that heal: what was heard by day, and what was compared with the provider."""

from infra.migrations.run_sql import run_beside

revision = "0005"
down_revision = "0008"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
