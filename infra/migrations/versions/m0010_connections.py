"""Which connection a batch was sent through, and the webhook credentials of earlier ones."""

from infra.migrations.run_sql import run_beside

revision = "0010"
down_revision = "0005"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
