"""What an owner should know before a mail goes out; warnings never stop it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from urllib.parse import urlsplit

Finding = tuple[str, str]

LONGEST_SUBJECT, SHORTEST_SUBJECT = 60, 10
WORDS_PER_IMAGE = 20
BIGGEST_HTML = 100_000  # bytes: Gmail cuts a mail off at 102 KB
SPAM_PHRASES = (
    "100% free", "act now", "apply now", "as seen on", "be your own boss", "best price",
    "buy now", "call now", "cash bonus", "click below", "click here", "congratulations",
    "dear friend", "double your", "earn money", "extra cash", "fast cash", "free gift",
    "free money", "full refund", "get paid", "guaranteed", "incredible deal", "limited time",
    "lowest price", "make money", "miracle", "money back", "no catch", "no cost", "no obligation",
    "offer expires", "once in a lifetime", "only today", "order now", "prize", "risk-free",
    "satisfaction", "special promotion", "this is not spam", "urgent", "what are you waiting for",
    "while supplies last", "winner", "you have been selected",
)  # fmt: skip
LIQUID = re.compile(r"\{[{%].*?[%}]\}", re.DOTALL)
SHOUTING = re.compile(r"\b[A-Z]{4,}\b")
SCHEMES = ("http", "https", "mailto", "tel")


def warnings_for(subject: str, html: str, text: str) -> list[Finding]:
    """`(code, detail)` for each thing to look at, in a fixed order; templates or rendered mails."""
    page = _Page()
    try:
        page.feed(html)
        page.close()
    except AssertionError:  # html.parser's answer to a broken <![ section
        return [("html_unreadable", "The HTML has a section that mail programs cannot read.")]
    return [
        *_about_subject(subject),
        *_about_words(f"{subject} {' '.join(page.words)}"),
        *_about_images(page),
        *_about_links(page),
        *_about_unsubscribing(page, text),
        *_about_size(html, text),
    ]


class _Page(HTMLParser):
    """The words, links and images of a mail; a browser's view without its styles."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str | None] = []
        self.alts: list[str | None] = []
        self._hidden = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in ("style", "script", "title"):
            self._hidden += 1
        if tag == "a":
            self.links.append(given.get("href"))
        if tag == "img":
            self.alts.append(given.get("alt"))

    def handle_endtag(self, tag: str) -> None:
        if tag in ("style", "script", "title"):
            self._hidden = max(0, self._hidden - 1)

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self.words += LIQUID.sub(" ", data).split()


def _about_subject(subject: str) -> Iterator[Finding]:
    plain = LIQUID.sub("", subject).strip()
    if not plain and not subject.strip():
        yield "subject_empty", "The subject is empty."
    elif len(plain) > LONGEST_SUBJECT:
        yield "subject_long", f"{len(plain)} characters: phones show about 40, most inboxes 60."
    elif len(plain) < SHORTEST_SUBJECT:
        yield "subject_short", f"{len(plain)} characters say little: 30 to 50 work best."
    if words := SHOUTING.findall(plain):
        yield "subject_shouts", f"Words in capitals look like spam: {', '.join(words)}."
    if plain.count("!") > 1:
        yield "subject_shouts", "More than one exclamation mark looks like spam."


def _about_words(words: str) -> Iterator[Finding]:
    lowered = words.lower()
    found = [p for p in SPAM_PHRASES if re.search(rf"(?<!\w){re.escape(p)}(?!\w)", lowered)]
    if found:
        yield "spam_words", f"Filters dislike these words: {', '.join(found)}."


def _about_images(page: _Page) -> Iterator[Finding]:
    count = len(page.alts)
    if count and len(page.words) < WORDS_PER_IMAGE * count:
        yield (
            "mostly_images",
            f"{count} images and only {len(page.words)} words: many see no images.",
        )
    if missing := sum(1 for alt in page.alts if alt is None):
        yield "image_without_alt", f"{missing} images have no alternative text."


def _about_links(page: _Page) -> Iterator[Finding]:
    empty = [link for link in page.links if link is None or link.strip() in ("", "#")]
    if empty:
        yield "link_empty", f"{len(empty)} links lead nowhere."
    for link in page.links:
        if link and link.strip() not in ("", "#") and not LIQUID.search(link) and not _leads(link):
            yield "link_broken", f"This link cannot work in a mail: {link[:100]}"


def _leads(link: str) -> bool:
    try:
        parts = urlsplit(link.strip())
    except ValueError:
        return False
    reachable = bool(parts.path) if parts.scheme in ("mailto", "tel") else "." in parts.netloc
    return parts.scheme in SCHEMES and reachable


def _about_unsubscribing(page: _Page, text: str) -> Iterator[Finding]:
    if not any(link and "unsubscribe" in link for link in page.links):
        yield (
            "no_unsubscribe",
            "The HTML has no unsubscribe link: put {{ unsubscribe_url }} in one.",
        )
    if text.strip() and "unsubscribe" not in text.lower():
        yield "no_unsubscribe_text", "The text has no unsubscribe link: add {{ unsubscribe_url }}."


def _about_size(html: str, text: str) -> Iterator[Finding]:
    if (size := len(html.encode())) > BIGGEST_HTML:
        yield "html_big", f"{size // 1024} KB: Gmail cuts a mail off at about 100 KB."
    if not text.strip():
        yield "no_text", "There is no text version for people who read mail without HTML."
