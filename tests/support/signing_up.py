"""Signing up at a running product: over HTTP, the link read from the sandbox's mail."""

from __future__ import annotations

import re
from typing import Any

import httpx

from tests.support.whole_stack import WholeStack, eventually

PASSWORD = "crumbs in the morning"
_LINK = re.compile(r"/a/([A-Za-z0-9_-]+)")


def sign_up(stack: WholeStack, email: str) -> dict[str, Any]:
    """What `verify` answers somebody new, who owns an organization now."""
    with httpx.Client(base_url=stack.settings.base_url, timeout=30) as client:
        wanted = {"email": email, "password": PASSWORD, "name": "Rosa", "organization": "Rosa's"}
        asked = client.post("/v1/auth/signup", json=wanted)
        assert asked.status_code == 202, asked.text
        token = eventually(lambda: mailed_token(stack, email), what="the mail")
        verified = client.post("/v1/auth/verify", json={"token": token})
        assert verified.status_code == 200, verified.text
        admitted: dict[str, Any] = verified.json()
        return admitted


def mailed_token(stack: WholeStack, email: str) -> str | None:
    """The token in the newest mail to this address, once there is one."""
    with stack.sandbox as sandbox:
        found = sandbox.get("/sandbox/messages", params={"to": email, "limit": 1}).json()
        if not found["messages"]:
            return None
        message = sandbox.get(f"/sandbox/messages/{found['messages'][0]['message_id']}").json()
    link = _LINK.search(message["text"])
    return link[1] if link else None
