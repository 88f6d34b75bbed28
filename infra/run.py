"""`python -m infra.run ROLE`: one process of the product."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable

from domain.shared.masking import mask_text
from infra.logging import configure_logging
from infra.settings import Settings, SettingsError, load_settings

ROLES = ("api", "relay", "projections", "analytics", "reactions", "effects")


def main(arguments: list[str] | None = None) -> None:
    """Run a role until SIGTERM or SIGINT. Exits with one line when the role cannot go on."""
    given = sys.argv[1:] if arguments is None else arguments
    if len(given) != 1 or given[0] not in ROLES:
        sys.exit(f"usage: python -m infra.run ({' | '.join(ROLES)})")
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.exit(str(error))
    role = given[0]
    configure_logging(role, settings.log_level)
    stop = threading.Event()
    if role != "api":  # uvicorn installs its own handlers
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stop.set())
    try:
        _hold_to_topics(role, settings, stop)
        if not stop.is_set():
            _runner(role)(settings, stop)
    except Exception as error:  # noqa: BLE001 - whatever it is, the supervisor gets one line
        import structlog

        structlog.get_logger().exception("the process stops", reason=str(error))
        sys.exit(mask_text(f"{role}: {error}".splitlines()[0]))


def _hold_to_topics(role: str, settings: Settings, stop: threading.Event) -> None:
    from infra.local.addresses import resolve
    from infra.topic_versions import hold_to_topics

    at = resolve(settings)
    url = at.postgres_api_url if role == "api" else at.postgres_worker_url
    hold_to_topics(url, settings.topic_prefix, role, stop)


def _runner(role: str) -> Callable[[Settings, threading.Event], None]:
    """Late imports, because a role loads only what it needs."""
    import infra.roles as roles

    return getattr(roles, f"run_{role}")  # type: ignore[no-any-return]


if __name__ == "__main__":
    main()
