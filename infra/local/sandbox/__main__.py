"""Starts the sandbox: `python -m infra.local.sandbox`."""

from __future__ import annotations

import sys

import uvicorn

from infra.local.sandbox.app import make_app
from infra.logging import configure_logging
from infra.settings import SettingsError, load_settings


def main() -> int:
    """Serve until SIGTERM or SIGINT; 2 when a setting is bad."""
    try:
        settings = load_settings()
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    configure_logging("postmark-sandbox", settings.log_level)
    port = settings.postmark_sandbox_port
    token = settings.postmark_server_token
    app = make_app(
        settings.data_dir / "sandbox",
        f"http://127.0.0.1:{port}",
        token.get_secret_value() if token else None,
    )
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=75,  # senders pause between batches; their connection should be there
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
