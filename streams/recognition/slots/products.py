"""The thing or service that is sold, by its place in the sentence or by its noun."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from streams.recognition.wording import Wording

_PRODUCT_WORDS = (
    r"(?P<p>(?:(?!(?:is|are|was|to|for|with|on|at|until|from|in|next|this|tomorrow|today|and"
    r"|who|that|because|so|please|by|before|when|if|has|have|just|will|now|of (?:the|our)|off"
    r"|via|back|discount|sale|offer|email|campaign|newsletter|\d+)\b)[\w'&%/+-]++ ?){1,5})"
)
_PRODUCT = (
    re.compile(
        rf"\b(?:launch of|launching|introducing|introduce|release of|released|arrival of|promote"
        rf"|advertise|push|sell(?: more)?|sale on|promotion on|deal on|discount on|offer on"
        rf"|off on|we now (?:have|offer|sell|bake|stock)|start selling|overstock of|surplus of"
        rf"|(?:too many|too much|leftover|lots of)|announce|announcing|sell off|clear(?:ance of)?"
        rf"|get rid of|shift|featuring|about our new|about the new|about our|unveil|have launched"
        rf"|just launched|debut|bring out|tell \w+ about|know about) (?:our |the |my |a |an "
        rf"|some |all |new |brand new |brand-new |those |these )*{_PRODUCT_WORDS}"
    ),
    re.compile(rf"\b(?:our|the|my|a) (?:brand[- ])?new {_PRODUCT_WORDS}"),
    re.compile(
        rf"(?:^|[,.] ?)(?:our |the |new )*{_PRODUCT_WORDS}(?:is|are) (?:back|here|available"
        rf"|in stock|finally|now)\b"
    ),
    re.compile(
        rf"(?:%|percent|[$\u20ac\u00a3]\d+|\d (?:euros?|dollars?|pounds?)|half|discount) (?:off"
        rf"|on)(?: of)? (?:all |our |the |any |their |your |selected |new )*(?!(?:everything"
        rf"|their|the|first|next|entire|whole|order|orders|purchase|it|all|your|any|everyone|for"
        rf"|until|this|if|when|to)\b){_PRODUCT_WORDS}"
    ),
    re.compile(
        rf"\b(?:offer|discount|sale|deal|price|prices|off|promo|promotion|special"
        rf"|reduction)\b[^,.;]{{0,12}} on (?:all |our |the )*{_PRODUCT_WORDS}(?= for| to|$|,"
        rf"| until| this|\b)"
    ),
)
_NO_PRODUCT = re.compile(
    r"^(?:opening|closing|hours?|timetable|location|shop|store|website|prices?|move"
    r"|everything|it|this|them|that|first|next|something|customers?|members?|subscribers?"
    r"|people|users?|clients?|open day|newsletter|business|what|us|ourselves|students?"
    r"|signups?|accounts?|contacts?|runners?|order|purchase|year|menu|orders|branch|address"
    r"|phone|number|list|team|studio|gym|teacher|joiners?|leads?|sign|registrants?|starters?"
    r"|regulars|monday|tuesday|wednesday|thursday|friday|saturday|sunday|discount|our|the|one"
    r"|list)s?\b"
)


SOLD: Final = tuple((Path(__file__).with_name("products.txt")).read_text("utf-8").split())
"""Nouns of what small businesses sell."""
_HEADS = "|".join(sorted(SOLD, key=len, reverse=True))
_DESCRIBING = (
    r"(?!(?:the|our|my|your|their|a|an|new|all|any|some|of|for|on|in|to|and|with|at|by|from"
    r"|free|off|about|more|sell|selling|promote|push|announce|launch|launching|introduce"
    r"|introducing|half|price|discount|percent|buy|buys|every|each|last|next|this|that|these"
    r"|those|is|are|was|send|sending|email|mail|tell|get|give|offer|offering|try|book|remind"
    r"|left|leave|who|we|i|you|they|it|now|just|two|three|one|four|five|six|ten|into|bake"
    r"|baking|sale|deal|special|weekly|monthly|welcome|people|customers|members|everyone|them"
    r"|us|me|selected|first|second|have|has|had|be|start|starting|started|clear|out|seasons"
    r"|season|up|too|many|much|lots|leftover|extra|trial|complimentary|also|only|week|month"
    r"|day|please|can|could|do|make|create|write|draft|when|if|or|not|no|than|but|so|as"
    r"|because|before|after|until|take|took|taking|finish|teach|teaching|learn|best|remaining"
    r"|surplus|plus|bring|use|using|how|your|their|swap|replace|mention|include|add|let|know"
    r"|see|own|via|there|here|single|per|booking|pick|grow|growing|choose|choosing|little"
    r"|part|international|world|would|should|day|our|enjoy|love|eat|drink|wear|get|part"
    r"|step)\b)[a-z][\w'&-]*"
)
_HEADED_PRODUCT = re.compile(
    rf"(?P<p>(?:\b{_DESCRIBING} ){{0,2}}\b(?:{_HEADS}))\b(?! (?:shop|company|business|studio"
    rf"|store|owner|owners|lovers|people|users|members|customers|buyers|fans|club|list"
    rf"|holders|page|email|mail|series|campaign|newsletter|reminder|checkout|attendees"
    rf"|students|guys))"
)


def headed_product(wording: Wording) -> str | None:
    """The first thing that is known to be sold: up to two describing words and a known noun."""
    match = _HEADED_PRODUCT.search(wording.plain)
    return wording.said(*match.span("p")) if match else None


def product(wording: Wording) -> str | None:
    """The words of the thing or service that is sold."""
    return placed(wording) or headed_product(wording)


def placed(wording: Wording) -> str | None:
    """What is announced, introduced or sold, by its place in the sentence."""
    for pattern in _PRODUCT:
        for match in pattern.finditer(wording.plain):
            words = match["p"].strip()
            if words and not _NO_PRODUCT.match(words):
                start = match.start("p")
                return wording.said(start, start + len(words)).rstrip(" ,.")
    return None


_ON_OFFER = re.compile(
    r"\b(?:off|on|of|half[ -]price|bogo|for (?:one|1))(?: of)?(?: (?:all|any|our|the|selected"
    r"|purchases? of|orders? of|(?:any|all) (?:purchases?|orders?) of))* (?P<p>[a-z][\w' &-]+)$",
    re.IGNORECASE,
)
_NOT_SOLD = re.compile(
    r"(?:(?:till?|until|through|by|the|their|your|his|her|an?|next|first|second|every|each|everything|orders?"
    r"|purchases?|visit"
    r"|joining|fee|fees|shipping|delivery|postage|top|house|us|it|this|that|for|if|when|next"
    r"|one)\b)"
    r"|.*\b(?:fee|visit|order|purchase|year|month|week)s?$",
    re.IGNORECASE,
)
_SOLD = re.compile(
    r"\b(?:we|i) (?:(?:also|only|mainly|mostly|chiefly|now|repair and|make and|bake and"
    r"|grow and) )*"
    r"(?:sell|stock|teach|offer|make|bake|repair|provide|rent(?: out)?|grow|brew|roast|produce"
    r"|specialise in|specialize in)(?: (?:mainly|mostly|chiefly|only|and \w+))?"
    r" (?P<p>[^,.;:!?()]+?)(?= (?:to|for|in|at|on|with|from|online|since|by)\b|[,.;:!?()]|$)"
)


_THING = r"(?P<p>[a-z\d][\w'&-]*(?: (?!(?:is|are|has|have|in|for|to|and)\b)[\w'&-]+){0,3}?)"
_ARRIVED = re.compile(
    rf"(?:^|[.!?;] |that )(?:(?:our|the|my|new|some) )*{_THING}(?: is| are|'s| has| have)? "
    r"(?:(?:now|finally|just) )*(?:landed|arrived|published|in stock|(?<=is )in|(?<=are )in"
    r"|(?<='s )in|(?<=is )out|(?<=are )out)\b(?! (?:the|a|an|our|my|on|of)\b)"
)
_ANNOUNCED = re.compile(
    rf"\b(?:announc\w+|introduc\w+|launch(?:ing| of)?|unveil\w*|promot\w+) (?:our|the|my) "
    rf"(?:brand[- ])?new {_THING}(?= (?:to|for|on|with|at|in|by|and)\b|[.,;!?]|$)"
)
_IN_BASKET = re.compile(
    rf"\b(?:put|puts|putting|add|adds|adding|left|leave|leaves|leaving) (?:an?|the|some|with) "
    rf"{_THING} in(?:to)?(?: (?:the|their|a))?(?: (?:basket|cart|bag)|[.!,])"
    rf"|\bfill(?:s|ed|ing)? (?:the|their|a) (?:basket|cart|bag) with (?P<p2>[a-z][\w'&-]+)"
)
_TWO_FOR_ONE = re.compile(
    rf"\b(?:for (?:one|1|two)|half[ -]price) on (?:(?:all|our|the|any) )*{_THING}"
    r"(?= (?:for|to|till?|until|this|and|please)\b|[.,;!?]|$)"
)
_SWAPPED = re.compile(
    rf"\bswap (?:(?:the|our) )?[a-z][a-z -]*? (?:for|to|with) (?:(?:the|our) )?{_THING}"
    r"(?= (?:in|throughout|please|instead)\b|[.,;!?]|$)"
)
_NO_THING = re.compile(
    r"\b(?:it|this|that|they|them|something|photos?|pictures?|images?|headers?|subject|button"
    r"|logo|title|one|ones|mails?|emails?|code|offer|everything|what|who|how|all|people)\b"
)


def arrived(wording: Wording) -> str | None:
    """What is announced or has come in, lies in a basket, or is two for one."""
    return _thing(wording, (_ANNOUNCED, _ARRIVED, _IN_BASKET, _TWO_FOR_ONE))


def swapped(wording: Wording) -> str | None:
    """What is to stand there instead."""
    return _thing(wording, (_SWAPPED,))


def _thing(wording: Wording, patterns: tuple[re.Pattern[str], ...]) -> str | None:
    for pattern in patterns:
        if match := pattern.search(wording.plain):
            group = "p" if match["p"] else "p2"
            if not _NO_THING.search(match[group]):
                return wording.said(*match.span(group)).removesuffix("'s")
    return None


def offered(words: str) -> str | None:
    """What an offer is on: `road shoes` of `30% off all road shoes`."""
    match = _ON_OFFER.search(words)
    if match is None or _NOT_SOLD.match(match["p"]):
        return None
    return match["p"].strip()


def sold(wording: Wording) -> str | None:
    """What the business says it sells."""
    match = _SOLD.search(wording.plain)
    return wording.said(*match.span("p")) if match else None
