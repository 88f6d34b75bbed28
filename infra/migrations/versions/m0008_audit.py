"""The log's Merkle tree in tiles, and its signed heads."""

from infra.migrations.run_sql import run_beside

revision = "0008"
down_revision = "0006"


def upgrade() -> None:
    """Run the SQL file beside this one."""
    run_beside(__file__)
