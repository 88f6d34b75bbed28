"""API keys that expire and are replaced, their last use, and quotas."""

from infra.migrations.run_sql import run_beside

revision = "0013"
down_revision = "0017"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
