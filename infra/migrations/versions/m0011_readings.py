"""Opens and clicks told apart by person and machine."""

from infra.migrations.run_sql import run_beside

revision = "0011"
down_revision = "0009"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
