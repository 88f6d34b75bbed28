"""Headers that tell a browser what it may do with an answer: nothing, unless a page says more."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Mapping
from typing import Final

from starlette.datastructures import MutableHeaders

_SHARED: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "X-Permitted-Cross-Domain-Policies": "none",
}
_YEAR: Final = 365 * 24 * 3600


def policy(**allowed: str) -> str:
    """A content security policy that allows this and nothing else; `_` stands for `-` in names.

    `policy(script_src="'self'")` lets a page run the scripts of this server, none of its own text.
    """
    given = {name.replace("_", "-"): value for name, value in allowed.items()}
    directives = {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'",
                  "frame-ancestors": "'none'", **given}  # fmt: skip
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def hash_of(text: str) -> str:
    """What allows exactly this style or script that stands in a page."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"


class SecurityHeaders:
    """Adds to an answer what it does not say itself.

    `encrypted`: others reach the API by https, so that browsers are told to use nothing else.
    """

    def __init__(self, *, encrypted: bool) -> None:
        always = {"Content-Security-Policy": policy(), "Cache-Control": "no-store", **_SHARED}
        if encrypted:
            always["Strict-Transport-Security"] = f"max-age={_YEAR}; includeSubDomains"
        self._always: Iterable[tuple[str, str]] = tuple(always.items())

    def add(self, headers: MutableHeaders) -> None:
        """In place; what is there already stays."""
        for name, value in self._always:
            headers.setdefault(name, value)
