"""What is offered: its kind, its size, the words of it, the code, how many e-mails."""

from __future__ import annotations

import re
from typing import Any

from streams.recognition.lexicon import common_words, lexicon, usual_words
from streams.recognition.slots.numbers import NUMBER, number, whole
from streams.recognition.wording import Wording

_CURRENCY = {
    "$": "USD",
    "usd": "USD",
    "dollar": "USD",
    "dollars": "USD",
    "bucks": "USD",
    "buck": "USD",
    "\u20ac": "EUR",
    "eur": "EUR",
    "euro": "EUR",
    "euros": "EUR",
    "\u00a3": "GBP",
    "gbp": "GBP",
    "pound": "GBP",
    "pounds": "GBP",
    "quid": "GBP",
    "chf": "CHF",
    "aud": "AUD",
    "cad": "CAD",
    "nzd": "NZD",
    "sgd": "SGD",
    "inr": "INR",
    "rs": "INR",
    "rupees": "INR",
    "francs": "CHF",
    "s$": "SGD",
    "a$": "AUD",
    "c$": "CAD",
    "nz$": "NZD",
    "\u20b9": "INR",
    "yen": "JPY",
    "\u00a5": "JPY",
    "jpy": "JPY",
}
_STOP = (
    r"(?= (?:for|until|till|til|this|next (?:week|month|weekend|monday|tuesday|wednesday"
    r"|thursday|friday|saturday|sunday)|when|if|to|with|and|by|ends?|ending|who|that|valid"
    r"|using|code"
    r"|tomorrow|today|tonight|because|please|send|expires?|through|only|but|or|as|while"
    r"|before|after"
    r"|instead|coupon|promo|voucher|weekdays?|plus|via|from|so|is|in|on|at|within|then|thanks"
    r"|rather|thrown|they|we|i|you|would)\b"
    r"|\s?[,.;:!?()\"]|\s-|$)"
)
_OFF = (
    rf"(?: ?(?:less\b|off\b)(?: of)?(?: (?!for\b|until\b|till\b|this\b|next (?:week|month"
    rf"|weekend)\b"
    rf"|when\b|if\b|to\b|with\b|and\b|by\b|code\b|please\b|only\b|in\b|instead\b|ends?\b"
    rf"|valid\b|who\b|or\b|but\b|tomorrow\b|today\b|as\b|is\b|at\b|send\b|on\b|using\b"
    rf"|through\b|so\b|per (?!pouch|person|item|order|head|pair|box|bottle|class)"
    rf"|and\b)[^,.;:!?()\"]+?{_STOP})?"
)
_NOUN = (
    r" (?:discount|reduction|price cut|voucher|coupon|gift card|credit|gift voucher|cashback"
    r"|rebate)(?: code)?"
)
_PERCENT = re.compile(
    rf"\b(?:up to )?(?P<n>\d+(?:[.,]\d+)?|{NUMBER}) ?(?:%|percent|per cent|pct)(?P<tail>{_OFF}"
    rf"|{_NOUN}| of (?:all )?[\w' -]+?{_STOP}))?"
)
_SYMBOL = (
    r"(?:\b(?:nz|[sac]) ?\$|[$\u20ac\u00a3\u00a5\u20b9]|\b(?:chf|rs|inr|aud|cad|sgd|nzd"
    r"|eur|usd|gbp)\b\.?)"
)
_UNIT = (
    r"(?:usd|eur|gbp|jpy|chf|aud|cad|nzd|sgd|inr|rupees|francs|dollars?|euros?|pounds?|quid"
    r"|bucks?|yen)"
)
_AMOUNT = re.compile(
    rf"(?:(?P<sym>{_SYMBOL}) ?(?P<n1>\d+(?:[.,]\d+)?)|\b(?P<n2>{NUMBER}) ?(?P<unit>{_UNIT}\b"
    rf"|{_SYMBOL}))"
    rf"(?P<tail>{_OFF}|{_NOUN}))"
)
_VOUCHER_OF = re.compile(
    rf"\b(?:voucher|coupon|gift card|discount|credit) (?:of|for|worth"
    rf"|over) (?:(?P<sym>{_SYMBOL}) ?(?P<n1>\d+)|(?P<n2>\d+|{NUMBER}) ?(?P<unit>{_UNIT}\b"
    rf"|{_SYMBOL}))"
)
_DISCOUNT_OF = re.compile(r"\bdiscount of (?P<n>\d+) ?(?:%|percent)")
_SHIPPING = re.compile(
    r"\b(?:(?:free|complimentary) (?:\w+ )?(?:shipp?ing|delivery|postage)|(?:shipping|delivery"
    r"|postage)(?:'s"
    r"| is| for)? free|no (?:shipping|delivery) (?:costs?|fees?|charges?))\b"
)
_OTHER = re.compile(
    r"\b(?:(?:two|2|three|3)[ -]?(?:for|4)[ -]?(?:one|1|two|2)\b|(?:two|2|three"
    r"|3) (?:[a-z]+ ){0,2}for the price of (?:one|1|two|2)\b"
    r"|bogo\b(?: [a-z]+(?= this| until| till|$|[,.]))?|\d+ \w+ for (?:the )?price of (?:\d+|one"
    r"|two|ten)|buy (?:one|two|three|four|five|six|ten|\d+),? (?:and )?get (?:one|two|\d"
    r"|the (?:second|third"
    r"|next)(?: one)?|another)(?: (?:free|half price|for free|half off))?"
    r"|half[ -]price(?: [^,.;:!?()\"]+?" + _STOP + r")?"
    r"|half off(?: [^,.;:!?()\"]+?" + _STOP + r")?"
    r"|(?:(?:the |their |your )?(?:first|one|two|three|\d|an? extra"
    r"|an? additional) )?(?:free )(?:first )?(?:week|month|year|day)s?\b(?: (?:pass|trial"
    r"|of [a-z ]+?" + _STOP + r"))?"
    r"|(?:first|one|two|three|\d|extra) (?:week|month|year|day)s? (?:for )?free\b"
    r"|(?:no|waived|waive the|waiving the) (?:[a-z]+ ){0,2}fees?\b"
    r"|(?:[a-z]+ )?fees? (?:is )?waived\b"
    r"|spend \S+,? (?:and )?get \S+ (?:free|off)|(?:[\w']+ ){1,3}at no (?:extra )?(?:charge|cost)"
    r"|double (?:loyalty )?points"
    r"|early access|a second [a-z]+ for free)"
)
_GIFT = re.compile(
    r"\b(?:(?:(?<=^)|(?<=\ba )|(?<=\bone )|(?<=\bwith )|(?<=\bget )|(?<=\bgets )|(?<=\bgive )"
    r"|(?<=\boffer )|(?<=\bthem )|(?<=\band )|(?<=\bplus )|(?<=\bmaybe )|(?<=\bsay )"
    r"|(?<=\bmention )|(?<=\badd )|(?<=, )|(?<=: )"
    r"|(?<=\btheir )|(?<=\bwin )|(?<=\bsome )|(?<=\bsmall )|(?<=\btwo ))(?:free"
    r"|complimentary) (?!plans?\b|users?\b|trials?\b|accounts?\b|tier\b|members?\b"
    r"|customers?\b|subscribers?\b|shipping\b|delivery\b|postage\b|of\b)"
    r"[^,.;:!?()\"]+?"
    + _STOP
    + r"|(?:[a-z]+ )?(?:on the house|on us)\b|free (?:gift|trial class|trial session|trial lesson))"
)
_GIFT_PLAIN = re.compile(r"\ba (?:small )?gift(?! card)\b")
_FREE = re.compile(r"\b(?:free|complimentary|gift|for nothing|on the house)\b", re.IGNORECASE)
_CODE = re.compile(
    r"\b(?:(?:discount|promo|promotion|promotional|coupon|voucher|offer) )?(?:code"
    r"|coupon)(?: wrong,? its| is| of| called| word| named| to| 2| should be)?:? "
    r"?[\"']?(?P<code>[A-Za-z][A-Za-z0-9_-]*\d[A-Za-z0-9_-]*|[A-Z][A-Z0-9_-]{2,})",
)
_CODE_LOWER = re.compile(
    r"\b(?:code|coupon code|promo)(?: is| of| called| word)?:? ?[\"']?(?P<code>[a-z0-9_-]{4,})"
)
_CODE_ALONE = re.compile(
    r"(?<![\w@.-])(?=[A-Z0-9_-]*[A-Z]{3})(?:[A-Z][A-Z_-]*\d[A-Z0-9_-]*|[A-Z]{6,})(?![\w@-])"
)
"""A word in capitals that looks like a code even where nobody calls it one."""
_DEAL = re.compile(r"[%$\u20ac\u00a3]|\b(?:off|code|coupon|voucher|promo|free|discount)\b")
_CODE_WORD = re.compile(r"\bcode:? (?P<code>[a-z]{5,})(?=$|[,.;!?)])")
_NOT_CODES = {
    "with",
    "that",
    "please",
    "this",
    "from",
    "should",
    "instead",
    "the",
    "and",
    "until",
    "valid",
    "expires",
}
_COUNT = re.compile(
    rf"\b(?!an? (?!couple|hundred|dozen))(?P<n>{NUMBER}"
    rf"|single)[ -]?(?:[a-z-]+[ -])?(?:[a-z-]+[ -])?(?:e ?- ?mails?|emails?"
    rf"|mails?|messages|parts?|parters?|steps?|touch(?:es)?|newsletters|letters|notes|nudges|chapters"
    r"|instal?lments)\b(?! address| for the price)"
    rf"|\b(?:series|sequence|drip|set|course|campaign) of (?P<m>{NUMBER})\b(?! (?:days|weeks))"
    rf"|\b(?P<r>{NUMBER}) (?:reminders?|nudges?|follow-ups|msgs?|(?:[a-z]+ )?(?:tips"
    rf"|lessons)(?! for the price)"
    rf"|mailings)\b"
    rf"|(?:^|[.;!?] )(?P<e>{NUMBER}) (?:is|are|will be|would be) (?:enough|plenty|fine)\b"
)


_NOT_OFFERED = re.compile(
    r"\b(?:skip|drop|lose|scrap|forget|replace|not|without|instead of|rather than|in place of"
    r"|isn't)"
    r"(?: (?:the|a|an|that|any))? $"
)
"""What stands before an offer that is taken back."""


def offer(wording: Wording) -> dict[str, Any] | None:
    """The contract's offer: `kind`, `text`, and for percent and amount their `value`."""
    plain = wording.plain
    for kind, pattern in (
        ("percent", _DISCOUNT_OF),
        ("percent", _PERCENT),
        ("amount", _AMOUNT),
        ("amount", _VOUCHER_OF),
        ("free_shipping", _SHIPPING),
        ("other", _OTHER),
        ("gift", _GIFT),
        ("gift", _GIFT_PLAIN),
    ):
        for match in pattern.finditer(plain):
            if not _NOT_OFFERED.search(plain[: match.start()]):
                return _shape(kind, match, wording)
    return None


def in_words(words: str) -> dict[str, Any]:
    """An offer that no grammar knows, from its words alone."""
    return {"kind": "gift" if _FREE.search(words) else "other", "text": words}


def _shape(kind: str, match: re.Match[str], wording: Wording) -> dict[str, Any]:
    text = wording.said(match.start(), match.end())
    text = re.sub(
        r"^(?:a|an|the|their|your|our|waive the) (?!second)", "", text, flags=re.IGNORECASE
    )
    found: dict[str, Any] = {"kind": kind, "text": text.rstrip(" ,.")}
    parts = match.groupdict()
    words = parts.get("n") or parts.get("n1") or parts.get("n2")
    if kind in ("percent", "amount") and words:
        value = number(words)
        if value:
            found["value"] = whole(value)
    sign = parts.get("sym") or parts.get("unit")
    if kind == "amount" and sign:
        found["currency"] = _CURRENCY[sign.replace(" ", "").rstrip(".")]
    return found


def discount_code(wording: Wording) -> str | None:
    """The code as customers type it, in capitals."""
    if match := _CODE.search(wording.original):
        return match["code"].upper()
    if _DEAL.search(wording.plain) and (match := _CODE_ALONE.search(wording.original)):
        return match[0]
    if (match := _CODE_LOWER.search(wording.original.lower())) and _is_code(match["code"]):
        return match["code"].upper()
    if (match := _CODE_WORD.search(wording.original)) and not _usual(match["code"]):
        return match["code"].upper()
    return None


def _is_code(word: str) -> bool:
    return word not in _NOT_CODES and any(c.isdigit() for c in word)


def _usual(word: str) -> bool:
    return word in common_words() | usual_words() or lexicon().nearest(word) != word


def count_of_emails(plain: str) -> int | None:
    """How many e-mails, when said as a count; `an email` is none."""
    for match in _COUNT.finditer(plain):
        words = match["n"] or match["m"] or match["r"] or match["e"]
        if words in ("a", "an", "the"):
            continue
        value = 1 if words == "single" else number(words)
        if value and value == int(value) and value < 100:
            return int(value)
    return None
