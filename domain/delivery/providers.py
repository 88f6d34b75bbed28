"""Which mailbox provider an address belongs to: what statistics may know of an address."""

from __future__ import annotations

from typing import Final, Literal, get_args

MailboxProvider = Literal[
    "gmail", "outlook", "yahoo", "apple", "gmx", "webde", "proton", "aol", "other"
]
PROVIDERS: Final[tuple[MailboxProvider, ...]] = get_args(MailboxProvider)

_DOMAINS: Final[dict[MailboxProvider, tuple[str, ...]]] = {
    "gmail": ("gmail.com", "googlemail.com"),
    "apple": ("icloud.com", "me.com", "mac.com"),
    "webde": ("web.de", "email.de"),
    "proton": ("proton.me", "protonmail.com", "protonmail.ch", "pm.me"),
}
# Providers with one domain in each of many countries: the label before the country decides.
_LABELS: Final[dict[str, MailboxProvider]] = {
    "outlook": "outlook",
    "hotmail": "outlook",
    "live": "outlook",
    "msn": "outlook",
    "yahoo": "yahoo",
    "ymail": "yahoo",
    "rocketmail": "yahoo",
    "gmx": "gmx",
    "aol": "aol",
}
_EXACT: Final = {domain: name for name, domains in _DOMAINS.items() for domain in domains}
_SECOND_LEVEL: Final = frozenset({"co", "com"})


def mailbox_provider(email: str) -> MailboxProvider:
    """The provider by the address's domain; a business's own domain is `other` wherever hosted."""
    domain = email.rpartition("@")[2].lower()
    known = _EXACT.get(domain)
    if known is not None:
        return known
    label, _, rest = domain.partition(".")
    return _LABELS.get(label, "other") if _is_ending(rest) else "other"


def _is_ending(rest: str) -> bool:
    """Whether what follows is a top-level domain, such as com, de or co.uk."""
    first, _, country = rest.partition(".")
    if not country:
        return 2 <= len(first) <= 3
    return first in _SECOND_LEVEL and len(country) == 2
