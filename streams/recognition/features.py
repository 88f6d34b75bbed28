"""What a model sees of a sentence: word and letter sequences, numbers and times by their kind."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

_ABSTRACTIONS = (
    (re.compile(r"\[\[[^\[\]\s]{1,64}\]\]|[^\s@]{1,64}@[^\s@]{1,255}\.\w+"), " xaddress "),
    (re.compile(r"\b\d+(?:[.,]\d+)?\s?(?:%|percent\b|pct\b|per cent\b)"), " xpercent "),
    (
        re.compile(
            r"[$\u20ac\u00a3]\s?\d+(?:[.,]\d+)?"
            r"|\b\d+\s?(?:euros?|dollars?|pounds?|quid|bucks|eur|usd|gbp)\b"
        ),
        " xmoney ",
    ),
    (
        re.compile(
            r"\b\d{1,2}(?:[:.]\d{2})?\s?(?:am|pm)\b|\b\d{1,2}:\d{2}\b|\b(?:noon|midnight)\b"
        ),
        " xclock ",
    ),
    (re.compile(r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)days?\b"), " xweekday "),
    (
        re.compile(
            r"\b(?:january|february|april|june|july|august|september|october|november|december)\b"
        ),
        " xmonth ",
    ),
    (re.compile(r"\b\d+(?:st|nd|rd|th)?\b"), " xnumber "),
)
_FAMILIES = {
    name: re.compile(rf"\b(?:{words})\b")
    for name, words in {
        "pause": "pause|pausing|suspend|freeze|hold|halt|on ice|park|interrupt|for now"
        "|for a while|for the moment|temporarily|until further notice|for the time being",
        "resume": "resume|off pause|paused|unpause|un-pause|unfreeze|continue|restart|reactivate"
        "|carry on|go on"
        "|back on|up again|running again|on again|off hold|pick up|live again",
        "cancel": "cancel|abort|kill|terminate|axe|discontinue|shut down|call off|called off"
        "|no longer|for good|forever|permanently|any more|pull the plug|not go out|withdraw",
        "make": "create|draft|write|build|compose|prepare|design|announce|introduce|introducing"
        "|launch|launching|promote|invite|remind|welcome|nurture|set up|compile|teach|tell|inform"
        "|put together|whip up|let people know|let everyone know|bring back|win back",
        "change": "change|swap|replace|add|remove|rewrite|shorten|use|instead|drop|mention"
        "|shorter|rephrase|bigger|smaller|less|more|too|include|take out|leave out|translate"
        "|exclude|update|edit|tweak|longer|fix|put in",
        "measure": "opens?|opened|clicks?|clicked|bounced?|bounces|results?|stats|numbers"
        "|perform\\w*|ctr|rates?|sales|revenue|sold|report|metrics|analytics|received|unsubscribes",
        "people": "contacts?|csv|spreadsheet|import|upload|tag|tagged|unsubscribe|spelling|column"
        "|mailing list|my list|our list|the list|duplicates?",
        "privacy": "gdpr|erase|erasure|personal data|data|forgotten|article|everything|trace"
        "|anonymi[sz]e|forget",
        "test": "test|tests|preview|sample|proof|trial copy|inbox",
        "yes": "yes+|yep|yup|yeah|approve|approved|go ahead|ship|green light|lgtm|confirm",
        "no": "no|nope|nah|reject|rejected|don't like|hate|bin|scrap",
        "business": "we are|we're|our customers|our voice|our tone|our brand|we sell|i own|i run"
        "|my business|our shop|our company|our address|always|never|from now on|timezone|time zone",
        "question": "who|how many|which|why|what|how|where|when|is|are|does|did|do|can|could",
        "ask": r"\?",
        "absence": "haven't|hasn't|not bought|inactive|lapsed|gone|quit|dormant|miss you|old"
        "|former|ex|lost|churned|no order|no purchase",
        "trial": "trial|free plan|free users|leads|day pass|first purchase|first order|upgrade",
        "basket": "cart|basket|checkout|booking|unfinished|abandon\\w*|payment|left",
        "entering": "signs up|sign up|signup|signups|joins|joined|subscribes|new members|onboarding"
        "|new customers|new subscribers|new users|registers|newcomers|newbies",
        "learning": "tips|teach|course|lessons|series|guide|how to|drip|educational|explain|learn",
        "roundup": "newsletter|round-up|roundup|digest|bulletin|update|news|monthly|recap",
        "news": "announce|announcement|new|launch|launching|opening|open|closed|moved|moving|now",
        "deal": "off|discount|sale|offer|deal|promo|voucher|free|coupon|code|half price|special",
        "abuse": "idiot|moron|scrape|scraped|your rules|instructions|bypass|password|bought a list"
        "|strangers|competitor|hack|phishing|who unsubscribed|without consent|opted out",
        "thanks": "thanks|thank you|cheers|hello|hi|hey|morning|bye|lol|haha|nice|great|how are",
        "doubt": "maybe|perhaps|not sure|hm+|dunno|idk|i guess|let me|think about|later|not yet",
    }.items()
}
"""Words that mean much the same to this conversation, so that a rare one is not a stranger."""
NAMED = "xcampaign"
"""Stands for the name of a campaign that is known to exist."""
_WORD = re.compile(r"[\w']+|[?!\"]")
_LONGEST_WORDS = 2
_LETTERS = (3, 4)

Grams = dict[str, int]


def model_words(plain: str, shown: bool) -> list[str]:
    """The words a model sees, then the context: was a campaign shown, how long is it."""
    for pattern, kind in _ABSTRACTIONS:
        plain = pattern.sub(kind, plain)
    words = _WORD.findall(plain)
    length = "xtiny" if len(words) <= 2 else "xshort" if len(words) <= 5 else "xlong"
    families = _families(" ".join(words))
    return [*words, *families, "xshown" if shown else "xunshown", length]


def _families(plain: str) -> list[str]:
    """Which families of words occur, and which comes first: synonyms share what was learned."""
    found = [
        (match.start(), name)
        for name, pattern in _FAMILIES.items()
        if (match := pattern.search(plain))
    ]
    first = [f"xfirst_{min(found)[1]}"] if found else []
    return [f"xhas_{name}" for _, name in found] + first


def word_grams(words: list[str]) -> Grams:
    """Runs of one or two words, with how often each occurs."""
    return Counter(
        " ".join(words[at : at + size])
        for size in range(1, _LONGEST_WORDS + 1)
        for at in range(len(words) - size + 1)
    )


def letter_grams(words: Iterable[str]) -> Grams:
    """Runs of three or four letters inside each word, its edges marked by a space."""
    return Counter(gram for word in words for gram in _letters(word))


@lru_cache(maxsize=20_000)
def _letters(word: str) -> tuple[str, ...]:
    edged = f" {word} "
    return tuple(edged[at : at + size] for size in _LETTERS for at in range(len(edged) - size + 1))
