"""Shadow tables: read models built beside the live ones."""

from infra.migrations.run_sql import run_beside

revision = "0006"
down_revision = "0004"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
