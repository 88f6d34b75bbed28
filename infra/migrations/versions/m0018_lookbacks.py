"""Campaigns of a restored log look back before they send."""

from infra.migrations.run_sql import run_beside

revision = "0018"
down_revision = "0015"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
