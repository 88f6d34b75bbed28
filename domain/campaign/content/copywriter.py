"""The copywriter: a business and a brief in, the words of one e-mail out, with nothing made up.

Lines come from the packaged copy; a line is used only when the brief states every fact that it
names. Which of the fitting lines is taken depends on `variant` alone, so the same input gives
the same mail.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import shorten
from urllib.parse import urlsplit
from zlib import crc32

from domain.campaign.content import personalise
from domain.campaign.content.brief import (
    BusinessProfile,
    ContentBrief,
    ContentError,
    EmailDraft,
    Tone,
)
from domain.campaign.content.facts import Facts, facts_of, stated_facts
from domain.campaign.content.matching import industry_of, tones_in, voice_of
from domain.campaign.content.packs import Aside, Industry, Packs, Register, Slot, Voice, packs
from domain.campaign.content.personalise import UNSHOWABLE, neutralised, typed

GOOD_SUBJECT = range(28, 51)  # characters: shows whole on a phone and still says something
LONGEST_PREHEADER = 110
LONGEST_LABEL = 26
LONGEST_BANNER = 32
FOLLOW_UPS: dict[str, tuple[str, ...]] = {
    "welcome": ("orient", "ask", "tip", "open_door"),
    "nurture": ("tip", "ask", "help", "open_door"),
    "convert": ("help", "reminder", "ask", "open_door"),
    "abandon": ("help", "reminder", "ask", "open_door"),
    "win_back": ("reminder", "ask", "help", "farewell"),
    "announce": ("reminder", "ask", "tip", "open_door"),
    "newsletter": ("newsletter", "newsletter", "newsletter", "newsletter"),
    "promotional": ("reminder", "ask", "tip", "open_door"),
}
WITHOUT_OFFER = {"orient", "ask", "tip", "open_door", "newsletter", "nurture"}
WITH_TIP = {"nurture", "newsletter", "tip"}
WITHOUT_HOOK = {"abandon", "orient", "help", "ask", "farewell", "last_day", "open_door"}
WITHOUT_PRODUCT = {"nurture", "orient", "ask", "tip", "help", "farewell", "open_door"}
ASKS_FOR_REPLY = {"help", "ask"}
OPENS_WITH_OFFER = {"reminder", "last_day"}
TOKEN = re.compile(r"\{(\w+)\}")
SENTENCE_BEGINS = re.compile(r"(^|[.!?] )$")
SENTENCE = re.compile(r"(?<=[.!?])\s+")


def write_email(
    profile: BusinessProfile,
    brief: ContentBrief,
    variant: int = 0,
    adjustments: Sequence[Tone] = (),
) -> EmailDraft:
    """Write e-mail `brief.step` of the campaign.

    `adjustments` are what "make it friendlier, and shorter" asks for (see `tones_in`), the last
    one winning. Raises ContentError(`step_unknown`) for a step outside 1..count_of_emails (5 at
    most). Language is English whatever `brief.language` says, and the draft says so.
    """
    tones = (*tones_in(brief.tone or ""), *adjustments)
    industry = industry_of(profile)
    desk = _Desk(
        packs(),
        facts_of(profile, industry, brief),
        industry,
        voice_of(profile, brief.tone, adjustments),
        f"{variant}/{'+'.join(tones)}",
        brief.step,
    )
    role = role_of(brief)
    mail = _Mail(desk, profile, brief, role, frozenset(tones))
    return mail.draft()


def role_of(brief: ContentBrief) -> str:
    """What this step is for: the first states the matter, later ones follow it up."""
    last = min(brief.count_of_emails, 1 + len(FOLLOW_UPS[brief.campaign_type]))
    if not 1 <= brief.step <= last:
        raise ContentError("step_unknown", f"There is no e-mail {brief.step} of {last}.")
    if brief.step == 1:
        return brief.campaign_type
    if brief.step == last and brief.campaign_type != "newsletter":
        if brief.offer and brief.expires:
            return "last_day"
        if brief.campaign_type == "win_back" and last > 2:
            return "farewell"
    return FOLLOW_UPS[brief.campaign_type][brief.step - 2]


@dataclass(frozen=True, slots=True)
class _Desk:
    """The lines at hand, the facts known, and how to choose."""

    packs: Packs
    facts: Facts
    industry: Industry
    voice: Voice
    seed: str
    step: int

    @property
    def register(self) -> Register:
        return self.voice.register

    def usable(self, lines: Sequence[str]) -> list[str]:
        return [line for line in lines if set(TOKEN.findall(line)) <= set(self.facts)]

    def choose(self, slot: str, lines: Sequence[str]) -> str | None:
        """One of the lines; consecutive steps of a drip take different ones."""
        if not lines:
            return None
        return self.fill(lines[(crc32(f"{self.seed}/{slot}".encode()) + self.step) % len(lines)])

    def fill(self, line: str) -> str:
        """The line with its facts in place; what begins a sentence begins in upper case."""

        def fact(token: re.Match[str]) -> str:
            words = self.facts[token[1]]
            begins = SENTENCE_BEGINS.search(line[: token.start()])
            return words[:1].upper() + words[1:] if begins and token[1] != "business" else words

        return TOKEN.sub(fact, line)

    def slot(self, role: str, slot: Slot) -> str | None:
        """A line that says as much as is known."""
        usable = self.usable(self.packs.lines(role, self.register, slot))
        most = max((_stated(line) for line in usable), default=0)
        return self.choose(slot, [line for line in usable if _stated(line) == most])

    def aside(self, aside: Aside) -> str | None:
        return self.choose(aside, self.usable(self.packs.aside(aside, self.register)))


@dataclass(frozen=True, slots=True)
class _Mail:
    """One e-mail in the making."""

    desk: _Desk
    profile: BusinessProfile
    brief: ContentBrief
    role: str
    tones: frozenset[Tone]

    def draft(self) -> EmailDraft:
        picture = self._picture()
        subject = self._subject()
        headline = self.desk.slot(self.role, "headline") or subject
        label, url = self._button()
        return EmailDraft(
            subject=subject,
            preheader=self._preheader(subject, picture),
            headline=headline,
            offer=self._banner(headline),
            greeting=self._greeting(),
            paragraphs=self._paragraphs(picture),
            tip=picture if self.role in WITH_TIP else None,
            code=self._code(),
            button_label=label,
            button_url=url,
            closing=self._closing(),
            ps=self._ps(),
        )

    @property
    def _offers(self) -> bool:
        return "offer" in self.desk.facts and self.role not in WITHOUT_OFFER

    def _greeting(self) -> str:
        voice = self.desk.voice
        return voice.greeting.format(name=f'{{{{ first_name | default: "{voice.stranger}" }}}}')

    def _subject(self) -> str:
        if self.brief.subject and self.brief.step == 1:
            return _dictated(self.brief.subject)
        lines = self.desk.usable(self.desk.packs.lines(self.role, self.desk.register, "subject"))
        for wanted in self._wanted():
            lines = [line for line in lines if wanted & set(TOKEN.findall(line))] or lines
        lengths = {line: len(self.desk.fill(line)) for line in lines}
        off = {line: _distance(length) for line, length in lengths.items()}
        slack = 6 if self.role == "newsletter" else 0  # every issue wants a line of its own
        best = min(off.values()) + slack
        chosen = self.desk.choose("subject", [line for line in lines if off[line] <= best])
        return chosen or self.profile.name

    def _wanted(self) -> list[set[str]]:
        """What the subject should name, if it is known and a line does."""
        offer = [{"offer", "deal"}] if self._offers else [{"product", "product_plain", "occasion"}]
        return offer + ([{"until"}] if "urgent" in self.tones else [])

    def _preheader(self, subject: str, picture: str | None) -> str:
        """The line beside the subject: what the subject left out, else how the mail begins."""
        left_out = {"offer", "until"} & self._unsaid(subject)
        if self._offers and left_out:
            return self.desk.fill("{deal_until}.")
        if code := self._code():
            return f"Your code: {code}."
        text = picture or self.desk.slot(self.role, "open") or self.profile.name
        return shorten(SENTENCE.split(text)[0], LONGEST_PREHEADER, placeholder="…")

    def _unsaid(self, subject: str) -> set[str]:
        facts = self.desk.facts
        return {name for name, words in facts.items() if words.lower() not in subject.lower()}

    def _picture(self) -> str | None:
        """The paragraph that only this kind of business could send."""
        industry = self.desk.industry
        if self.role in WITH_TIP:
            return self.desk.choose("tip", industry.tips)
        if self.role in WITHOUT_HOOK:
            return None
        return self.desk.choose(
            "hook", industry.away if self.role == "win_back" else industry.hooks
        )

    def _paragraphs(self, picture: str | None) -> tuple[str, ...]:
        brief_mail = "shorter" in self.tones
        opening = self.desk.slot(self.role, "open")
        body = None if brief_mail else self.desk.slot(self.role, "body")
        offer = self._offers and self.role not in OPENS_WITH_OFFER
        told = (
            opening,
            self.desk.aside("offer") if offer else None,
            picture if self.role not in WITH_TIP and not brief_mail else None,
            body,
        )
        about = None if self._names_product(told) else self.desk.aside("product")
        return tuple(paragraph for paragraph in (told[0], about, *told[1:]) if paragraph)

    def _names_product(self, told: tuple[str | None, ...]) -> bool:
        """Whether nothing is missing: the product is named, or this mail is not about one."""
        product = self.desk.facts.get("product_plain", "")
        elsewhere = self.role in WITHOUT_PRODUCT
        return elsewhere or any(paragraph and product in paragraph for paragraph in told)

    def _button(self) -> tuple[str, str]:
        website = self.profile.website
        if self.role in ASKS_FOR_REPLY or not website or not _is_web(website):
            return "Write to us", f"mailto:{self.profile.sender_email}"
        if self.role == "abandon":
            return "Pick up where you left off", website
        visit = f"Visit {self.desk.facts['business']}"
        if self.role in WITH_TIP and len(visit) <= LONGEST_LABEL:
            return visit, website
        return self.desk.industry.cta, website

    def _banner(self, headline: str) -> str | None:
        """The offer in a few large letters, unless the headline is just that."""
        offer = self.desk.facts.get("offer", "")
        fits = 0 < len(offer) <= LONGEST_BANNER and offer.lower() not in headline.lower()
        return self.desk.fill("{offer}") if fits and self._offers else None

    def _closing(self) -> str:
        words = self.desk.choose("closing", self.desk.voice.closings) or ""
        names = [self.profile.sender_name, self.profile.name]
        if self.profile.name.lower() in self.profile.sender_name.lower():
            names.pop()
        return "\n".join([f"{words},", *(line for name in names if (line := typed(name)))])

    def _code(self) -> str | None:
        code = typed(self.brief.discount_code or "")
        return code if code and self.role not in WITHOUT_OFFER else None

    def _ps(self) -> str | None:
        if self._offers and "until" in self.desk.facts and self.role != "last_day":
            return self.desk.aside("ps_until")
        if "urgent" in self.tones:
            return self.desk.aside("ps_today")
        if "shorter" in self.tones or self.role in ASKS_FOR_REPLY | {"farewell", "last_day"}:
            return None
        replies_already = self.role in ("welcome", "orient", "convert", "announce", "abandon")
        return None if replies_already else self.desk.aside("ps_reply")


def _stated(line: str) -> int:
    return len(set(TOKEN.findall(line)) & stated_facts())


def _distance(length: int) -> int:
    return max(GOOD_SUBJECT.start - length, length - GOOD_SUBJECT.stop + 1, 0)


def _dictated(subject: str) -> str:
    """The owner's own words; personal fields in them work, half a Liquid tag is only text."""
    words = " ".join(UNSHOWABLE.sub(" ", subject).split())
    try:
        personalise.compile(words, html=False)
    except ContentError:
        return neutralised(words)
    return words


def _is_web(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.netloc)
