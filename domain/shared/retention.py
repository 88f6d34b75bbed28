"""How long what more than one layer keeps is kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

LOGS_KEPT: Final = timedelta(days=30)
"""Log entries of processes."""
