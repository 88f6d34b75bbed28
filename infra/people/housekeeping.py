"""What is over, forgotten: sign-ups, links, sessions, counts; and old keys replaced in time."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Final, LiteralString

from infra.people.token_keys import KEEPS_SIGNING, TokenKeys
from infra.postgres import Connection

_OVER: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM state.signups USING n WHERE expires_at < n.now",
    "DELETE FROM state.password_resets USING n WHERE expires_at < n.now",
    "DELETE FROM state.refresh_tokens USING n WHERE expires_at < n.now",
    "DELETE FROM state.sessions USING n WHERE expires_at < n.now - interval '30 days'",
    (
        "DELETE FROM state.errands USING n"
        " WHERE kind <> 'connect' AND asked_at < n.now - interval '7 days'"
    ),
    "DELETE FROM state.attempts USING n WHERE at < n.now - interval '1 day'",
    "DELETE FROM state.token_keys USING n WHERE retired_at < n.now - interval '1 day'",
)
_NOW: Final[LiteralString] = "WITH n AS (SELECT now() + ahead AS now FROM state.clock) "
EVERY: Final = 60.0


class Housekeeper:
    """Tidies up once a minute. Several at once do each other no harm."""

    def __init__(
        self, connections: Callable[[], AbstractContextManager[Connection]], keys: TokenKeys
    ) -> None:
        self._connections = connections
        self._keys = keys

    def step(self) -> bool:
        """Tidy up; there is never more to do at once."""
        with self._connections() as connection, connection.transaction():
            for statement in _OVER:
                connection.execute(_NOW + statement)
            self._keys.rotate(connection, only_after=KEEPS_SIGNING)
        return False
