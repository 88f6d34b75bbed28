"""The step between stores and roles: database, migrations, topics; run once at each start.

It starts together with the embedded stores and loads its code while they start.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Mapping

from infra.local.processes import Probe
from infra.settings import SettingsError, load_settings

_PATIENCE = 900.0
"""Seconds. The supervisor gives a store that does not start up earlier, and ends this process."""
_PAUSE = 0.1


class NoAnswerError(Exception):
    """A store that should be starting never answered."""


def main() -> None:
    """Prepare the stores; what stops it is one line."""
    # Late, because it loads every layer.
    from infra.local.stack import store_probes
    from infra.preparation import prepare
    from infra.topic_versions import WrongTopicsError

    try:
        settings = load_settings()
        prepare(settings, patiently(store_probes(settings)))
    except (SettingsError, NoAnswerError, WrongTopicsError) as error:
        sys.exit(str(error))


def patiently(probes: Mapping[str, Probe], patience: float = _PATIENCE) -> Callable[[str], None]:
    """Waits, when called with a store's name, until its probe succeeds; at once without one.

    Raises NoAnswerError after `patience` seconds.
    """

    def wait_for(store: str) -> None:
        probe = probes.get(store)
        deadline = time.monotonic() + patience
        while probe is not None and not asyncio.run(_asked(probe)):
            if time.monotonic() > deadline:
                raise NoAnswerError(f"{store} has not answered for {patience:.0f} s")
            time.sleep(_PAUSE)

    return wait_for


async def _asked(probe: Probe) -> bool:
    return await probe()


if __name__ == "__main__":
    main()
