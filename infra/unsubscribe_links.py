"""Our own unsubscribe links: a delivery's id with a proof that we wrote it."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable
from uuid import UUID

from infra.bootstrap import Core

PURPOSE = "unsubscribe"
_PROOF = 16


def unsubscribe_link(core: Core) -> Callable[[str], str]:
    """Links by delivery id, such as https://example.com/u/<token>."""
    base = (core.settings.public_url or core.settings.base_url).rstrip("/")
    key = core.secret(PURPOSE)

    def link(delivery_id: str) -> str:
        identity = UUID(delivery_id).bytes
        proof = hmac.digest(key, identity, "sha256")[:_PROOF]
        return f"{base}/u/{base64.urlsafe_b64encode(identity + proof).decode().rstrip('=')}"

    return link
