"""Mails: from approved content and one person to one message as Postmark takes it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.headerregistry import Address
from typing import Any

from domain.campaign.content.brief import BusinessProfile, ContentError
from domain.campaign.content.layout import unsubscribe_field, with_footer
from domain.campaign.content.personalise import Compiled, compile, render  # noqa: A004
from domain.campaign.values import Email, Sender
from domain.delivery.lookback import part_of
from streams.effects.ports import CampaignContent, Claim, Contents, Recipient, Sending

TEST_MARK = "[Test] "
OwnLink = Callable[[str, bytes], str]
_KEPT = 64
"""Compiled e-mails; one of 30 KB takes about 100 KB."""


@dataclass(frozen=True, slots=True)
class Template:
    """One e-mail of one content, read and understood once."""

    subject: Compiled
    html: Compiled
    text: Compiled | None
    sender: str
    campaign_type: str


def read_template(content: CampaignContent, step: int) -> Template:
    """The e-mail of a step. Raises ContentError: it cannot be used, or is not there."""
    emails = {email.step: email for email in content.content.emails}
    email = emails.get(step)
    if email is None:
        raise ContentError("content_missing", f"There is no e-mail {step} to send.")
    html, text = _complete(email, content.content.sender)
    return Template(
        subject=compile(email.subject, html=False),
        html=compile(html),
        text=compile(text, html=False) if text.strip() else None,
        sender=_mailbox(content.content.sender),
        campaign_type=content.campaign_type,
    )


def _complete(email: Email, sender: Sender) -> tuple[str, str]:
    """HTML and text, with the unsubscribe link and postal address if the owner left them out."""
    profile = BusinessProfile(
        name=sender.name,
        industry="",
        business_model="",
        brand_voice="",
        target_audience="",
        timezone="UTC",
        sender_name=sender.name,
        sender_email=sender.email,
        postal_address=sender.postal_address,
    )
    return with_footer(email.html, email.text, profile)


def _mailbox(sender: Sender) -> str:
    try:
        return str(Address(sender.name, addr_spec=sender.email))
    except (ValueError, IndexError) as error:
        raise ContentError("sender_invalid", f"Not an address to send from: {error}") from error


@dataclass(frozen=True, slots=True)
class MailShop:
    """Makes the messages of claims. Thread-safe; keeps the templates last used.

    `own_link` gives our unsubscribe link of a delivery to an address, by its keyed hash.
    """

    contents: Contents
    own_link: OwnLink
    _templates: OrderedDict[tuple[str, str, int], Template]
    _lock: threading.Lock

    @classmethod
    def of(cls, contents: Contents, own_link: OwnLink) -> MailShop:
        """An empty shop."""
        return cls(contents, own_link, OrderedDict(), threading.Lock())

    def template(self, claim: Claim, step: int) -> Template:
        """The compiled e-mail. Raises ContentError."""
        place = claim.lane.campaign_id, claim.content_hash, step
        with self._lock:
            if place in self._templates:
                self._templates.move_to_end(place)
                return self._templates[place]
        made = read_template(self.contents.content(claim.lane, claim.content_hash), step)
        with self._lock:
            self._templates[place] = made
            while len(self._templates) > _KEPT:
                self._templates.popitem(last=False)
        return made

    def message(self, sending: Sending, claim: Claim, recipient: Recipient) -> dict[str, Any]:
        """One message. Raises ContentError when this person's fields cannot be filled in."""
        template = self.template(claim, recipient.step)
        own = sending.handling != "Postmark"
        link = self.own_link(recipient.delivery_id, recipient.address_hmac)
        field = unsubscribe_field("Custom" if own else "Postmark", link)
        fields = {**recipient.fields, "unsubscribe_url": field}
        mark = TEST_MARK if claim.lane.kind == "test" else ""
        message: dict[str, Any] = {
            "From": template.sender,
            "To": recipient.email,
            "Subject": mark + " ".join(render(template.subject, fields).split()),
            "HtmlBody": render(template.html, fields),
            "Tag": template.campaign_type,
            "Metadata": _metadata(claim, recipient),
            "Headers": _headers(claim, link if own else None),
            "TrackOpens": True,
            "TrackLinks": "HtmlAndText",
            "MessageStream": sending.stream,
        }
        if template.text is not None:
            message["TextBody"] = render(template.text, fields)
        return message


def _metadata(claim: Claim, recipient: Recipient) -> Mapping[str, str]:
    return {
        "delivery_id": recipient.delivery_id,
        "batch_id": claim.batch_id,
        "campaign_id": claim.lane.campaign_id,
        "campaign_part": part_of(claim.lane.campaign_id, recipient.delivery_id),
        "organization_id": claim.lane.organization_id,
        "step": str(recipient.step),
        "kind": claim.lane.kind,
    }


def _headers(claim: Claim, own_link: str | None) -> dict[str, str]:
    """By name, as postmarker takes them."""
    headers = {"X-NudgeCampaign-ID": claim.lane.campaign_id}
    if own_link is not None:
        headers["List-Unsubscribe"] = f"<{own_link}>"
        headers["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    return headers
