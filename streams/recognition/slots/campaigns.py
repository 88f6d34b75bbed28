"""Which campaign that exists, and which of its numbers."""

from __future__ import annotations

import re

from streams.recognition.wording import Wording

_METRICS = (
    (
        "unsubscribes",
        (
            r"unsubscri\w+|opt(?:ed)?[- ]?outs?|opted out|left the list|churn|unsub\w*|withdrawals?"
            r"|dropped off|quit the list|left us"
        ),
    ),
    (
        "complaints",
        (
            r"complain\w*|mark(?:ed|ing|s)? (?:[\w']+ ){0,4}(?:as|like) spam|spam (?:reports?"
            r"|complaints?)|reported"
        ),
    ),
    (
        "bounces",
        r"bounc\w+|undelivera\w+|came back|got returned|wrong address(?:es)?|dead address(?:es)?",
    ),
    (
        "clicks",
        (
            r"click\w*|ctr|clickthrough|(?:followed|touched|tapped|pressed|hit|used) (?:on )?(?:the"
            r"|my|our|a) (?:link|button)s?"
        ),
    ),
    (
        "opens",
        (
            r"open(?! (?:house|day|evening|studio|mic)s?\b)(?:s|ed|ing|ers)?(?:[- ]rates?)?"
            r"|read it|read (?:the|my|our)"
        ),
    ),
    (
        "sales",
        (
            r"sales|sold|sell|revenue|orders?|ordered|bought|buy|purchases?|turnover|income|money"
            r"|earn\w*|\$\$+|made us|(?:did|have|has) (?:we|i|it|they) (?:make|made)|brought in"
        ),
    ),
    ("deliveries", r"deliver\w*|arrived?|reached|got through|landed"),
)
_CAMPAIGN_NOUN = r"(?:campaigns?|e-?mails?|mails?|sequence|series|mailings?|one|flow|thing)"
_NAME_NOUN = (
    r"(?:newsletter|sale|promo|promotion|announcement|reminder|launch|offer|invitation|digest"
    r"|round-?up|onboarding|welcome|win-?back|drip|letter|special|update|challenge|deal"
    r"|survey|giveaway|teaser|invite|nurture)"
)
_WORDY = (
    r"(?!(?:own|paused|old|right|the|my|our|this|that|a|an|last|latest|first|second|third|next"
    r"|current|new|test"
    r"|whole|entire|same|other|previous|email|mail|e-mail|these|those|all|of|for|on|in|to|it"
    r"|and|your|scheduled|running|best|any|each|every|recent|draft|is|was|did|do|does|with"
    r"|sending|subject|from|its|me|us|open|click|bounce|more|shorter|about|people|who|numbers"
    r"|results|stats|report|audience|recipients|how|at|by|friendly|now|tone|please|pls|yes|ok"
    r"|okay|can|could|would|you|we|i|i'd|will|let|so|then|but|hold|pause|stop|resume|cancel"
    r"|approve|send|schedule|kill|end|move|continue|restart|unpause|suspend|freeze|halt"
    r"|launch|delete|abort|postpone|release|start|drop|take|put|get|turn|switch|bring|many"
    r"|much|what|which|when|why|want|like|need|no|not|don't|do|into|as|be|are|were|has|have"
    r"|had|compare|show|give|tell|see|check|between|too|only|out|some|such|their|his|her"
    r"|short|long|go|ahead|under|over|both|there|here|if|make|change|update|edit|add|remove"
    r"|also|just|or|than|s|anyone|everyone|off|up|down|back|write|create|draft|another|sent"
    r"|automated|weird|one|two|three)\b)[\w'&+%-]+"
)
_LEADS = (
    r"(?:the|my|our|this|that|of|for|on|in|with|from|to|pause|resume|cancel|stop|approve"
    r"|schedule|kill|unpause|restart|end|send|reschedule|move|postpone|continue|launch"
    r"|release|start|hold|delete|did|does|is|was|has|test|suspend|halt|freeze|abort|drop"
    r"|unfreeze|scheduled|axe|terminate|scrap|delay|push|shift|see|reactivate)"
)
_CAMPAIGN = re.compile(
    rf"(?:\b{_LEADS} |(?:^|[.,;:!?-] ?))(?P<name>(?:{_WORDY} ){{0,4}}?{_WORDY}) "
    rf"(?P<noun>{_CAMPAIGN_NOUN})\b"
)
_CAMPAIGN_NAMED = re.compile(
    rf"(?:\b{_LEADS} |(?:^|[.,;:!?-] ?))(?P<name>(?:{_WORDY} ){{1,3}}{_NAME_NOUN}|newsletter"
    rf"|drip|onboarding)\b(?! (?:subscribers|readers|list))"
)
_LAST_LETTER = re.compile(r"\b(?:last|latest|previous) newsletter\b")
_CAMPAIGN_QUOTED = re.compile(
    r"[\"'](?P<name>[^\"']{3,60})[\"'](?= (?:campaign|email|mail|sequence|series|draft))"
    r"|(?:campaign|sequence|series|email|mail) (?:called "
    r"|named )?[\"'](?P<name2>[^\"']{3,60})[\"']"
)


def metric(plain: str) -> str | None:
    """The number that is asked about; the first when there are several."""
    found = [
        (match.start(), name)
        for name, pattern in _METRICS
        if (match := re.search(rf"(?<!\w)(?:{pattern})(?!\w)", plain))
    ]
    return min(found)[1] if found else None


def known_campaign(wording: Wording, known: tuple[str, ...]) -> str | None:
    """The words of a name that is known to exist."""
    span = known_span(wording.plain, known)
    return wording.said(*span) if span else None


def known_span(plain: str, known: tuple[str, ...]) -> tuple[int, int] | None:
    """Where in the plain words a name that is known to exist stands."""
    for name in sorted(known, key=lambda n: (-len(n), n)):
        core = re.sub(rf"^(?:the|our|my) | {_CAMPAIGN_NOUN}$", "", name.lower())
        for words in (name.lower(), core):
            pattern = r"[ -]?".join(re.escape(word) for word in re.split(r"[ -]+", words) if word)
            if pattern and (match := re.search(rf"\b{pattern}\b", plain)):
                return match.span()
    return None


def without_name(plain: str, known: tuple[str, ...], instead: str) -> str:
    """The plain words with a known name replaced: what a campaign is called says nothing."""
    span = known_span(plain, known)
    return f"{plain[: span[0]]}{instead}{plain[span[1] :]}" if span else plain


def campaign(wording: Wording, known: tuple[str, ...]) -> str | None:
    """The words that name a campaign that exists."""
    if name := known_campaign(wording, known):
        return name
    plain = wording.plain
    if match := _CAMPAIGN_QUOTED.search(wording.original):
        return match["name"] or match["name2"]
    if match := _LAST_LETTER.search(plain):
        return wording.said(*match.span())
    for pattern_ in (_CAMPAIGN_NAMED, _CAMPAIGN):
        if match := pattern_.search(plain):
            return wording.said(*match.span("name"))
    return None
