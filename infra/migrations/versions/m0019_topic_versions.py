"""Which version of the topics the positions of consumers belong to."""

from infra.migrations.run_sql import run_beside

revision = "0019"
down_revision = "0016"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
