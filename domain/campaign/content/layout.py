"""From words to what is stored: Liquid-templated HTML (through MJML) and its matching plain text.

The unsubscribe link is one neutral marker, the Liquid variable `unsubscribe_url`. What fills it
depends on who handles unsubscribing for the stream: see `unsubscribe_field`.
"""

from __future__ import annotations

import re
import textwrap
from functools import cache
from importlib.resources import files
from typing import Literal

import mrml
from liquid import BoundTemplate, Environment
from markupsafe import Markup, escape

from domain.campaign.content.brief import BusinessProfile, EmailDraft
from domain.campaign.content.matching import industry_of, voice_of
from domain.campaign.content.personalise import escaped_outside_tags, neutralised, typed

UnsubscribeHandling = Literal["Postmark", "Custom"]

MARKER = "{{ unsubscribe_url }}"
POSTMARK_PLACEHOLDER = "{{{ pm:unsubscribe }}}"
PASTED_PLACEHOLDER = re.compile(r"\{\{\{\s*pm:unsubscribe(_url)?\b[^{}]*\}\}\}")
SANS = "Avenir Next, Segoe UI, Helvetica, Arial, sans-serif"
SERIF = "Georgia, Cambria, Times New Roman, serif"
TEXT_WIDTH = 72


def to_html(draft: EmailDraft, profile: BusinessProfile) -> str:
    """The mail as HTML that is still a Liquid template: responsive, under 30 KB, no images."""
    luxe = voice_of(profile, None, ()).register == "luxe"
    mjml = _template().render(
        language=draft.language,
        subject=_html(draft.subject),
        preheader=_html(draft.preheader),
        headline=_html(draft.headline),
        greeting=_html(draft.greeting),
        paragraphs=[_html(paragraph) for paragraph in draft.paragraphs],
        tip=draft.tip and _html(draft.tip),
        offer=draft.offer and _html(draft.offer),
        code=draft.code and _html(draft.code),
        button_label=_html(draft.button_label),
        button_url=_attribute(draft.button_url),
        closing=Markup("<br />").join(_html(line) for line in draft.closing.splitlines()),
        ps=draft.ps and _html(draft.ps),
        why=_html(_why(profile)),
        unsubscribe=_html(MARKER),
        business=_html(typed(profile.name)),
        address=_html(_address(profile)),
        accent=industry_of(profile).accent,
        font=SERIF if luxe else SANS,
        weight="normal" if luxe else "bold",
        spacing="3px" if luxe else "0.5px",
    )
    return str(mrml.to_html(mjml).content)


def to_text(draft: EmailDraft, profile: BusinessProfile) -> str:
    """The same words as plain text, wrapped at 72 columns; a Liquid template like the HTML."""
    link = draft.button_url.removeprefix("mailto:")
    blocks = [
        draft.headline,
        draft.greeting,
        *draft.paragraphs,
        draft.tip and f"* {draft.tip}",
        draft.code and f"Your code: {draft.code}",
        f"{draft.button_label}: {neutralised(link)}",
        draft.closing,
        draft.ps and f"PS: {draft.ps}",
        "--",
        _why(profile),
        f"Unsubscribe: {MARKER}",
        f"{typed(profile.name)}, {_address(profile)}",
    ]
    return "\n\n".join(_wrapped(block) for block in blocks if block) + "\n"


def unsubscribe_field(handling: UnsubscribeHandling, own_url: str) -> str:
    """What the sender puts into `unsubscribe_url`: Postmark's placeholder, or our own link.

    Liquid does not look into the values it inserts, so the placeholder arrives as it is.
    """
    return POSTMARK_PLACEHOLDER if handling == "Postmark" else own_url


def with_footer(html: str, text: str, profile: BusinessProfile) -> tuple[str, str]:
    """Add to HTML and text that an owner brought what every mail must carry and it lacks.

    Postmark's own placeholder, which is no Liquid, becomes the neutral marker. An empty text
    stays empty: the mail then goes out as HTML only.
    """
    html, text = PASTED_PLACEHOLDER.sub(MARKER, html), PASTED_PLACEHOLDER.sub(MARKER, text)
    signature = f"{typed(profile.name)}, {_address(profile)}"
    if "unsubscribe_url" not in html:
        footer = _OWN_FOOTER.format(why=_html(_why(profile)), marker=MARKER)
        if str(_html(_address(profile))) not in html:
            footer += f"<p>{_html(signature)}</p>"
        at = html.lower().rfind("</body>")
        html = f"{html}{footer}" if at < 0 else f"{html[:at]}{footer}{html[at:]}"
    if text.strip() and "unsubscribe_url" not in text:
        missing = "" if _address(profile) in text else f"\n{signature}"
        text = f"{text.rstrip()}\n\n--\n{_why(profile)}\nUnsubscribe: {MARKER}{missing}\n"
    return html, text


_OWN_FOOTER = '<p>{why} <a href="{marker}">Unsubscribe</a></p>'


@cache
def _template() -> BoundTemplate:
    source = files("domain.campaign.content").joinpath("layout.mjml.liquid")
    return Environment(autoescape=True).from_string(source.read_text(encoding="utf-8"))


def _html(text: str) -> Markup:
    return Markup(escaped_outside_tags(text))  # noqa: S704 - this is the escaping


def _attribute(url: str) -> Markup:
    return escape(neutralised(url))


def _why(profile: BusinessProfile) -> str:
    return f"You get this e-mail because you agreed to hear from {typed(profile.name)}."


def _address(profile: BusinessProfile) -> str:
    lines = (typed(line).strip(" ,") for line in profile.postal_address.splitlines())
    return ", ".join(line for line in lines if line)


def _wrapped(block: str) -> str:
    return (
        "\n".join(
            "\n".join(
                textwrap.wrap(line, TEXT_WIDTH, break_long_words=False, break_on_hyphens=False)
            )
            if "{{" not in line
            else line
            for line in block.split("\n")
        )
        or block
    )
