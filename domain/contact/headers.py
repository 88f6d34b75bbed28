"""What the columns of a list are called, and which of them we know."""

from __future__ import annotations

import re
from typing import Final

KNOWN: Final[dict[str, tuple[str, ...]]] = {
    "email": ("e_mail", "email_address", "e_mail_address", "mail"),
    "first_name": ("firstname", "given_name", "forename", "first"),
    "last_name": ("lastname", "surname", "family_name", "last"),
    "timezone": ("time_zone", "tz"),
    "tags": ("tag", "labels"),
    "consent_status": ("consent",),
    "consent_source": (),
    "consent_at": ("consent_date", "consented_at", "opted_in_at", "opt_in_date"),
}
"""The columns with a meaning of their own, and other names for them."""

ROLE: Final = "last_purchase_at"
OF_THE_ROLE: Final[tuple[str, ...]] = (
    ROLE, "last_purchase", "last_purchase_date", "last_purchased", "last_purchased_at",
    "last_purchased_on", "last_purchase_on", "date_of_last_purchase", "most_recent_purchase",
    "last_order", "last_order_at", "last_order_date", "last_ordered", "last_ordered_at",
    "last_order_on", "date_of_last_order", "most_recent_order",
    "last_bought", "last_bought_at", "last_bought_on",
)  # fmt: skip
"""Names of the column that says when somebody bought last, the first one found counting."""

_BY_NAME: Final = {name: column for column, names in KNOWN.items() for name in (column, *names)}
_APART = re.compile(r"[\W_]+")


def column_name(heading: str, number: int) -> str:
    """A heading in the form in which names are compared and attributes are called.

    Lower case, words joined by underscores; a column without one is called by its number, from 1.
    """
    name = _APART.sub("_", heading.strip().lstrip("\ufeff").casefold()).strip("_")
    return name or f"column_{number}"


def known_column(name: str) -> str | None:
    """The known column of that name, None for an attribute."""
    return _BY_NAME.get(name)


def column_of_the_role(names: list[str]) -> str | None:
    """Of a list's attribute names the one that says when somebody bought last."""
    return next((synonym for synonym in OF_THE_ROLE if synonym in names), None)
