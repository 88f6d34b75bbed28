"""From what an owner brought to what is stored: the sender, the footer, templates that work."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from markupsafe import escape

from domain.campaign.content.brief import BusinessProfile, ContentError
from domain.campaign.content.layout import with_footer
from domain.campaign.content.personalise import compile as compile_template
from domain.campaign.content.personalise import typed
from domain.campaign.values import Content, Email, Sender
from domain.organization.commands import Profile
from domain.shared.canonical import canonical_json
from domain.shared.errors import InvalidValueError

LARGEST_CONTENT: Final = 500_000
"""Bytes of a content's JSON: an event holds 512 KiB, and all e-mails stand in one."""

_TAG = re.compile(r"<[^>]*>")
_WORD = re.compile(r"\w+")


def sender_of(profile: Profile) -> Sender:
    """Who a business's mails come from; a postal address of several lines is one line here."""
    return Sender(profile.sender_name, profile.sender_email, _one_line(profile.postal_address))


def writer_of(profile: Profile) -> BusinessProfile:
    """The business as copywriter and layout know it."""
    return BusinessProfile(
        name=profile.name,
        industry=profile.industry,
        business_model=profile.business_model,
        brand_voice=profile.brand_voice,
        target_audience=profile.target_audience,
        timezone=profile.timezone,
        sender_name=profile.sender_name,
        sender_email=profile.sender_email,
        postal_address=profile.postal_address,
        website=profile.website or None,
    )


def prepared(content: Content, profile: Profile) -> Content:
    """The content in the name of the business, every e-mail complete and its templates sound.

    A footer is added where one is missing, so that a draft made before the business had a postal
    address gets it when it is prepared again. Raises InvalidValueError that names the field, such
    as emails.0.html.
    """
    emails = tuple(_prepared(each, profile) for each in content.emails)
    ready = replace(content, emails=emails, sender=sender_of(profile))
    size = len(canonical_json({**ready.to_fields(), "schedule_at": None}).encode())
    if size > LARGEST_CONTENT:
        raise InvalidValueError(
            "emails", "too_large", f"All e-mails together hold at most {LARGEST_CONTENT} bytes."
        )
    return ready


def _prepared(email: Email, profile: Profile) -> Email:
    html, text = with_footer(email.html, email.text, writer_of(profile))
    html, text = _with_address(html, text, profile)
    _check(email.subject, f"emails.{email.step - 1}.subject", html=False)
    _check(email.preheader, f"emails.{email.step - 1}.preheader", html=True)
    _check(html, f"emails.{email.step - 1}.html", html=True)
    _check(text, f"emails.{email.step - 1}.text", html=False)
    return replace(email, html=html, text=text)


def _with_address(html: str, text: str, profile: Profile) -> tuple[str, str]:
    """The postal address, which every commercial mail must carry, where it is not there yet."""
    address = typed(_one_line(profile.postal_address))
    if not address:
        return html, text
    signature = f"{typed(profile.name)}, {address}"
    if _words(str(escape(address))) not in _words(_TAG.sub(" ", html)):
        at = html.lower().rfind("</body>")
        at = len(html) if at < 0 else at
        html = f"{html[:at]}<p>{escape(signature)}</p>{html[at:]}"
    if text.strip() and _words(address) not in _words(text):
        text = f"{text.rstrip()}\n\n{signature}\n"
    return html, text


def _one_line(address: str) -> str:
    lines = (" ".join(line.split()).strip(" ,") for line in address.splitlines())
    return ", ".join(line for line in lines if line)


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _check(template: str, field: str, *, html: bool) -> None:
    try:
        compile_template(template, html=html)
    except ContentError as error:
        raise InvalidValueError(field, error.code, str(error)) from None
