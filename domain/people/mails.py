"""The product's own mails to its users: what each says."""

from __future__ import annotations

from html import escape
from typing import Final, Literal, NamedTuple

MailKind = Literal["signup", "known_already", "reset", "invitation", "password_changed"]


class Mail(NamedTuple):
    """A mail's subject and both its bodies."""

    subject: str
    text: str
    html: str


class _Words(NamedTuple):
    subject: str
    says: str
    button: str = ""


_WORDS: Final[dict[MailKind, _Words]] = {
    "signup": _Words(
        "Confirm your e-mail address",
        "Somebody, probably you, wants to use NudgeCampaign with this address. The link is good"
        " for a day. If it was not you, ignore this mail: nothing has been made.",
        "Confirm the address",
    ),
    "known_already": _Words(
        "You have an account already",
        "Somebody, probably you, wanted to sign up with this address. It has an account: log in,"
        " or ask for a new password. If it was not you, there is nothing to do.",
    ),
    "reset": _Words(
        "Choose a new password",
        "Somebody, probably you, asked for a new password. The link is good for an hour and for"
        " one use. If it was not you, ignore this mail: the password stays as it is.",
        "Choose a new password",
    ),
    "invitation": _Words(
        "You are invited to {organization}",
        "You are invited to work with {organization} on NudgeCampaign. The link is good for seven"
        " days.",
        "Accept the invitation",
    ),
    "password_changed": _Words(
        "Your password was changed",
        "The password of your account was changed, and everything else that was logged in is logged"
        " out. If it was not you, ask for a new password now and tell an owner of your"
        " organization.",
    ),
}


def mail(kind: MailKind, link: str = "", organization: str = "") -> Mail:
    """The mail of a kind. `link` for those with a button; names are taken as one line of text."""
    words = _WORDS[kind]
    named = " ".join(organization.split()) or "an organization"
    subject = words.subject.format(organization=named)
    says = words.says.format(organization=named)
    button = f'<p><a href="{escape(link)}">{escape(words.button)}</a></p>' if words.button else ""
    return Mail(
        subject,
        f"{says}\n\n{words.button}: {link}\n" if words.button else f"{says}\n",
        f"<html><body><p>{escape(says)}</p>{button}</body></html>",
    )
