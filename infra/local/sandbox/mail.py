"""What Postmark does to a mail on its way out: the unsubscribe link, headers, templates, links."""

from __future__ import annotations

import html as html_module
import re
from typing import Any

_ANCHOR = re.compile(r"\{\{\{\s*pm:unsubscribe\s*\}\}\}")
_URL = re.compile(r"\{\{\{\s*pm:unsubscribe_url\s*\}\}\}")
_HREF = re.compile(r"""href\s*=\s*(?:"(https?://[^"]+)"|'(https?://[^']+)')""", re.IGNORECASE)
_TEXT_LINK = re.compile(r"https?://[^\s<>\"')\]]+")
_VARIABLE = re.compile(r"\{\{\{\s*([\w.]+)\s*\}\}\}|\{\{\s*([\w.]+)\s*\}\}")
_UNSUBSCRIBE_HEADERS = ("list-unsubscribe", "list-unsubscribe-post")

Headers = list[dict[str, str]]


def outgoing(message: dict[str, Any], handling: str, unsubscribe_url: str) -> dict[str, Any]:
    """The mail as it leaves: html, text and headers.

    With the handling `Postmark` its own link and List-Unsubscribe headers replace ours; with any
    other they stay as we wrote them.
    """
    html, text = message.get("HtmlBody") or "", message.get("TextBody") or ""
    headers: Headers = list(message.get("Headers") or [])
    if handling == "Postmark":
        html = _linked_html(html, unsubscribe_url) if html else ""
        text = _linked_text(text, unsubscribe_url) if text else ""
        headers = [h for h in headers if h["Name"].lower() not in _UNSUBSCRIBE_HEADERS]
        headers += [
            {"Name": "List-Unsubscribe", "Value": f"<{unsubscribe_url}>"},
            {"Name": "List-Unsubscribe-Post", "Value": "List-Unsubscribe=One-Click"},
        ]
    return {"html": html, "text": text, "headers": headers}


def _linked_html(html: str, url: str) -> str:
    anchor = f'<a href="{url}">Unsubscribe</a>'
    if not (_ANCHOR.search(html) or _URL.search(html)):
        footer = f'<p style="font-size:12px">{anchor} from this list.</p>'
        head, body_end, tail = html.rpartition("</body>")
        return f"{head}{footer}{body_end}{tail}" if body_end else html + footer
    # inside an attribute the placeholder stands for the address alone
    html = re.sub(r"""(["'])\{\{\{\s*pm:unsubscribe\s*\}\}\}\1""", rf"\g<1>{url}\g<1>", html)
    return _URL.sub(url, _ANCHOR.sub(anchor, html))


def _linked_text(text: str, url: str) -> str:
    if _ANCHOR.search(text) or _URL.search(text):
        return _URL.sub(url, _ANCHOR.sub(url, text))
    return f"{text}\n\nUnsubscribe: {url}\n"


def one_click_url(headers: Any) -> str | None:
    """The https or http address in List-Unsubscribe, when the mail offers one click (RFC 8058)."""
    values = {h["Name"].lower(): h["Value"] for h in headers or []}
    if "list-unsubscribe-post" not in values:
        return None
    match = re.search(r"<(https?://[^>]+)>", values.get("list-unsubscribe", ""))
    return match[1] if match else None


def links_to_click(message: dict[str, Any], track_links: str) -> list[tuple[str, str]]:
    """(ClickLocation, link) of every tracked link that really stands in the mail."""
    skipped = one_click_url(message.get("Headers"))
    found: list[tuple[str, str]] = []
    if track_links in ("HtmlAndText", "HtmlOnly"):
        hrefs = _HREF.findall(message.get("HtmlBody") or "")
        found += [("HTML", html_module.unescape(double or single)) for double, single in hrefs]
    if track_links == "TextOnly" or (track_links == "HtmlAndText" and not found):
        found += [("Text", link) for link in _TEXT_LINK.findall(message.get("TextBody") or "")]
    return [(where, link) for where, link in found if link != skipped and "{{{" not in link]


def render(template: str, model: dict[str, Any], *, escape: bool) -> str:
    """Mustachio's plain variables: {{name}}, {{a.b}}, and {{{raw}}}; what is missing is empty."""

    def value(match: re.Match[str]) -> str:
        raw, plain = match[1], match[2]
        found: Any = model
        for part in (raw or plain).split("."):
            found = found.get(part) if isinstance(found, dict) else None
        text = "" if found is None else str(found)
        return html_module.escape(text) if escape and plain else text

    return _VARIABLE.sub(value, template)
