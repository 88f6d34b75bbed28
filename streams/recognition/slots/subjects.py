"""What about: product, occasion, trigger, tone, subject line, language, campaign, metric."""

from __future__ import annotations

import re
from typing import Final

from streams.recognition.slots.numbers import SPAN
from streams.recognition.wording import Wording

_LANGUAGE = re.compile(
    r"\b(?P<l>spanish|german|french|portuguese|japanese|italian|english|dutch|polish|chinese|korean|arabic|russian|turkish|swedish|danish|norwegian|finnish|greek|czech|hindi|catalan|welsh|irish)\b"
)
_TONES: Final = {
    "friendly": "friendl(?:y|ier|iest)", "warm": "warm(?:er|est|ly)?", "formal": "formal(?:ly)?",
    "informal": "informal(?:ly)?", "funny": "funn(?:y|ier)", "playful": "playful(?:ly)?",
    "casual": "casual(?:ly)?", "professional": "professional(?:ly)?", "urgent": "urgent(?:ly)?",
    "cheerful": "cheerful(?:ly)?", "cheery": "cheer(?:y|ier)", "personal": "personal(?:ly)?", "polite": "polite(?:r|ly)?",
    "witty": "witt(?:y|ier)", "calm": "calm(?:er|ly)?", "cosy": "cos(?:y|ier)", "cozy": "coz(?:y|ier)",
    "bold": "bold(?:er|ly)?", "serious": "serious(?:ly)?", "elegant": "elegant(?:ly)?",
    "honest": "honest(?:ly)?", "humble": "humbl(?:e|er|y)", "excited": "excited", "upbeat": "upbeat", "gentle": "gentl(?:e|er|y)",
    "relaxed": "relaxed", "soft": "soft(?:er)?", "direct": "direct(?:ly)?", "enthusiastic": "enthusiastic(?:ally)?",
    "inspiring": "inspiring", "confident": "confident(?:ly)?", "respectful": "respectful(?:ly)?", "serene": "serene", "energetic": "energetic(?:ally)?",
    "technical": "technical", "concise": "concise(?:ly)?", "matter-of-fact": "matter-of-fact", "no-nonsense": "no-nonsense",
    "helpful": "helpful", "cheeky": "cheek(?:y|ier)", "festive": "festive", "quirky": "quirk(?:y|ier)", "luxurious": "luxurious",
    "encouraging": "encouraging", "motivating": "motivating", "motivational": "motivational", "empathetic": "empathetic", "neutral": "neutral", "sincere": "sincere(?:ly)?",
    "light": "light(?:er)?", "lively": "livel(?:y|ier)", "kind": "kinder", "simple": "simpler", "punchy": "punch(?:y|ier)", "snappy": "snapp(?:y|ier)", "down-to-earth": "down-to-earth", "apologetic": "apologetic", "celebratory": "celebratory", "poetic": "poetic", "mysterious": "mysterious", "welcoming": "welcoming", "thoughtful": "thoughtful", "mindful": "mindful", "blunt": "blunt(?:er)?", "humorous": "humorous", "understated": "understated", "conversational": "conversational", "educational": "educational", "corporate": "corporate", "fun": "fun", "chatty": "chatt(?:y|ier)", "hip": "hip", "trendy": "trend(?:y|ier)", "quiet": "quieter", "rustic": "rustic", "plain": "plainer", "straightforward": "straightforward", "exclusive": "exclusive", "sober": "sober", "sunny": "sunny", "cool": "cooler", "modern": "modern", "traditional": "traditional", "soothing": "soothing", "peaceful": "peaceful", "energising": "energising", "reassuring": "reassuring", "persuasive": "persuasive", "optimistic": "optimistic", "nostalgic": "nostalgic", "heartfelt": "heartfelt", "businesslike": "businesslike",
}  # fmt: skip
_WITH_TONE_NOUN = r"(?:tone|voice|style|manner|feel|mood|vibe|wording|language)"
_TRIGGER = re.compile(
    r"\b(?:when(?:ever)?|once|as soon as|if|after|every time|each time|the moment|right after|triggered (?:by|when)|upon|starting when|starts when)"
    r" (?P<person>(?:someone|somebody|anyone|a person|people|they|he|she|(?:a |an |the |our |any |each |every )?(?:new |first[- ]time |trial |free |paying )?(?:customer|user|member|client|visitor|subscriber|student|shopper|lead|account|contact|guest|buyer|runner|trial user|admin|workspace|prospect|owner|gardener)s?(?: who)?) )?(?P<what>(?:their |his |her |a |an |the )?[^,.;:!?\"]+)"
)
_TRIGGER_END = re.compile(
    rf"(?: (?:and )?(?:then )?(?:please )?(?:send|give|email|mail|offer|remind|wait|with|say|tell|welcome|thank|they get|we send|i want|i'd|should get|they should|you send|you should|in an? \w+ tone)\b.*$| (?:after|within) {SPAN}.*$| \d+ ?%.*$| {SPAN} (?:later|after).*$| in {SPAN}.*$)"
)
_NO_TRIGGER = re.compile(
    rf"^(?:that|this|i|we|you|it|possible|needed|{SPAN}|all|the (?:weekend|holidays|summer)|easter|christmas|lunch|work|not|so|any|approved|is|are|there)\b"
)
_OCCASION = re.compile(
    r"\b(?:(?:the |our |their |my |your )?(?P<o>"
    r"christmas(?: eve| day)?|xmas|easter(?: sunday| monday| weekend)?|mother'?s'? day|father'?s'? day|valentine'?s?'?(?: day)?|black friday|cyber monday|cyber week|halloween|new year'?s?(?: eve| day)?|thanksgiving|"
    r"hanukkah|diwali|ramadan|eid|pancake day|shrove tuesday|labou?r day|memorial day|independence day|4th of july|fourth of july|st\.? patrick'?s day|saint patrick'?s day|women'?s day|world \w+ day|international \w+(?: \w+)? day|national \w+(?: \w+)? day|earth day|boxing day|carnival|oktoberfest|bank holiday(?: weekend)?|golden week|singles'? day|small business saturday|summer solstice|winter solstice|"
    r"(?:(?:\w+ )?(?:\d+(?:st|nd|rd|th)|tenth|fifth|first|twentieth|one[- ]year|\w+-year|\d+[- ]year) )?(?:birthdays?|anniversary|jubilee)|back[- ]to[- ]school|grand opening|grand reopening|open day|open house|(?:\w+ )?marathon|spring|summer|autumn|winter|the holidays|holiday season|end of (?:the )?season|graduation|wedding season|marathon season|chelsea flower show|king's day|pride(?: month)?|advent|lent|july 4th|super bowl))\b"
    r"(?! (?:sale campaign|campaign|newsletter|collection|jackets|shoes|menu|range|school|camp))"
)
_SUBJECT = re.compile(
    r"\bsubject(?: lines?)?(?: (?:should|must|can|could|to|please))*(?: (?:be|is|as|say|read|use|to|=))?(?: (?:to|instead))?:? ?(?P<rest>[\"'].+|.+)",
    re.IGNORECASE,
)
_METRICS = (
    ("unsubscribes", r"unsubscri\w+|opt(?:ed)?[- ]?outs?|opted out|left the list|churn"),
    ("complaints", r"complain\w*|marked (?:\w+ )?as spam|spam (?:reports?|complaints?)|reported"),
    ("bounces", r"bounc\w+|undelivera\w+"),
    ("clicks", r"click\w*|ctr|clickthrough"),
    ("opens", r"open(?:s|ed|ing|ers)?(?:[- ]rates?)?|read it|read (?:the|my|our)"),
    ("sales", r"sales|sold|sell|revenue|orders?|ordered|bought|buy|purchases?|turnover|income|money|earn\w*"),
    ("deliveries", r"deliver\w*|arrived?|reached|got through|landed"),
)  # fmt: skip
_CAMPAIGN_NOUN = r"(?:campaigns?|e-?mails?|mails?|sequence|series|drip|flow|mailing|one|draft)"
_NAME_NOUN = r"(?:newsletter|sale|promo|promotion|announcement|reminder|launch|offer|invitation|digest|round-?up|onboarding|welcome|win-?back)"
_WORDY = r"(?!(?:the|my|our|this|that|a|an|last|latest|first|second|third|next|current|new|test|whole|entire|same|other|previous|email|mail|e-mail|these|all|of|for|on|in|to|it|and|your|scheduled|running|best|any|each|every|recent|draft|is|was|did|do|with|sending|subject|from|its|me|us|open|click|bounce|more|shorter|about|people|who|numbers|results|stats|report|audience|recipients|how|at|by|friendly|now|tone)\b)[\w'&+%-]+"
_CAMPAIGN = re.compile(
    rf"\b(?:the|my|our|this|that|of|for|on|pause|resume|cancel|stop|approve|schedule|kill|unpause|restart|end|send|reschedule|move|postpone|continue|launch|release|start|hold|delete|did|does|is|was|has|test|suspend|halt|from) (?P<name>(?:{_WORDY} ){{0,4}}?{_WORDY}) (?P<noun>{_CAMPAIGN_NOUN})\b"
)
_CAMPAIGN_NAMED = re.compile(
    rf"\b(?:the|my|our|this|that|last|pause|resume|cancel|stop|approve|schedule|unpause|restart|kill|postpone|move) (?P<name>(?:{_WORDY} ){{0,3}}(?:{_NAME_NOUN}))\b(?<!the offer)(?<!the sale)(?<!the launch)(?<!the reminder)(?<!the promo)(?<!our sale)(?<!our offer)(?<!the promotion)(?<!the invitation)(?<!the welcome)(?<!our launch)"
)
_CAMPAIGN_QUOTED = re.compile(
    r"[\"'](?P<name>[^\"']{3,60})[\"'](?= (?:campaign|email|mail|sequence|series|draft))|(?:campaign|sequence|series|email|mail) (?:called |named )?[\"'](?P<name2>[^\"']{3,60})[\"']"
)
_PRODUCT_WORDS = r"(?P<p>(?:(?!(?:is|are|was|to|for|with|on|at|until|from|in|next|this|tomorrow|today|and|who|that|because|so|please|by|before|when|if|has|have|just|will|now|of (?:the|our)|off|via|back|discount|sale|offer|email|campaign|newsletter|\d+)\b)[\w'&%/+-]+ ?){1,5})"
_PRODUCT = (
    re.compile(rf"\b(?:launch of|launching|introducing|introduce|release of|released|arrival of|promote|advertise|push|sell(?: more)?|sale on|promotion on|deal on|discount on|offer on|off on|we now (?:have|offer|sell|bake|stock)|start selling|overstock of|surplus of|(?:too many|too much|leftover|lots of)|announce|announcing|sell off|clear(?:ance of)?|get rid of|shift|featuring|about our new|about the new|about our|unveil|have launched|just launched|debut|bring out|tell \w+ about|know about) (?:our |the |my |a |an |some |all |new |brand new |brand-new |those |these )*{_PRODUCT_WORDS}"),
    re.compile(rf"\b(?:our|the|my|a) (?:brand[- ])?new {_PRODUCT_WORDS}"),
    re.compile(rf"(?:^|[,.] ?)(?:our |the |new )*{_PRODUCT_WORDS}(?:is|are) (?:back|here|available|in stock|finally|now)\b"),
    re.compile(rf"(?:%|percent|[$\u20ac\u00a3]\d+|\d (?:euros?|dollars?|pounds?)|half|discount) (?:off|on)(?: of)? (?:all |our |the |any |their |your |selected |new )*(?!(?:everything|their|the|first|next|entire|whole|order|orders|purchase|it|all|your|any|everyone|for|until|this|if|when|to)\b){_PRODUCT_WORDS}"),
    re.compile(rf"\b(?:offer|discount|sale|deal|price|prices|off|promo|promotion|special|reduction)\b[^,.;]{{0,12}} on (?:all |our |the )*{_PRODUCT_WORDS}(?= for| to|$|,| until| this|\b)"),
)  # fmt: skip
_NO_PRODUCT = re.compile(
    r"^(?:opening|closing|hours?|timetable|location|shop|store|website|prices?|move|everything|it|this|them|that|first|next|something|customers?|members?|subscribers?|people|users?|clients?|open day|newsletter|business|what|us|ourselves|students?|signups?|accounts?|contacts?|runners?|order|purchase|year|menu|orders|branch|address|phone|number|list|team|studio|gym|teacher|joiners?|leads?|sign|registrants?|starters?|regulars|monday|tuesday|wednesday|thursday|friday|saturday|sunday|discount|our|the|one|list)s?\b"
)


def language(plain: str) -> str | None:
    match = re.search(
        rf"\b(?:in|into|to|as)(?: (?:a|an|good|simple|plain|proper))? {_LANGUAGE.pattern}|{_LANGUAGE.pattern.replace('?P<l>', '?P<l2>')} (?:version|translation|copy|text|email)",
        plain,
    )
    return (match["l"] or match["l2"]) if match else None


def tone(plain: str, *, loose: bool) -> str | None:
    """One adjective in its base form. `loose`: any such word counts, as in `make it warmer`."""
    for base, form in _TONES.items():
        strict = rf"\b(?:{form})(?:,? (?:and|but|yet) [\w-]+)? {_WITH_TONE_NOUN}\b|\b{_WITH_TONE_NOUN}(?: (?:should|must|to|is|be|of|has|needs))*:? (?:be |very |always |rather |quite |more |a bit |a little |kept |in |still )*(?:{form})\b|\b(?:make|keep|sound|write|be|sounding)(?: (?:it|them|this|the \w+|me))?(?: (?:very|more|a bit|a little|really|quite|rather|nice and|super|all|short and|to sound|sound|in a|much))* (?:{form})\b(?! (?:email|reminder|mail|offer|classes))"
        pattern = rf"{strict}|\b(?:{form})\b" if loose else strict
        for match in re.finditer(pattern, plain):
            before = plain[max(0, match.start() - 12) : match.start()] + match[0]
            if not re.search(
                rf"\b(?:less|not|too|without|isn't|so|fewer|never)(?: so| too| as| that| very)? (?:{form})\b",
                before,
            ):
                return base
    return None


def subject_line(wording: Wording) -> str | None:
    """The words wanted as subject line, without quotation marks."""
    text = wording.original.translate(str.maketrans("\u2018\u2019\u201c\u201d", "''\"\""))
    match = _SUBJECT.search(text)
    if match is None:
        return None
    rest = match["rest"].strip()
    if quoted := re.search(r"\"(?P<q>[^\"]+)\"|(?:^|\s)'(?P<s>.+?)'(?=\W|$)", rest):
        return (quoted["q"] or quoted["s"]).strip()
    asked = re.search(
        r"subject(?: lines?)?(?: (?:should|must|to))*(?: (?:be|is|as|say|read|to)|:|,)",
        match[0],
        re.IGNORECASE,
    )
    if asked is None or re.match(
        r"(?:something|a bit|shorter|catchier|more|less|different|another|better|too|not|be|not so|the|a|sound|friendl|warm|punch|with|without|in|please)\b",
        rest,
        re.IGNORECASE,
    ):
        return None
    return re.sub(r"[,;] .*$|\.$| (?:instead|please|pls)$", "", rest).strip() or None


def trigger(wording: Wording) -> str | None:
    """What starts it: the words after when, if or after, without the person."""
    for match in _TRIGGER.finditer(wording.plain):
        start = match.start("what")
        what = _TRIGGER_END.sub("", match["what"])
        lead = re.match(r"(?:their|his|her|a|an|the) ", what)
        if lead:
            start += lead.end()
            what = what[lead.end() :]
        if not _NO_TRIGGER.match(what) and what.strip():
            return wording.said(start, start + len(what.rstrip())).rstrip(" ,.")
    return None


def occasion(wording: Wording) -> str | None:
    match = _OCCASION.search(wording.plain)
    return wording.said(*match.span("o")) if match else None


def metric(plain: str) -> str | None:
    """The one number that is asked about."""
    for name, pattern in _METRICS:
        if re.search(rf"\b(?:{pattern})\b", plain):
            return name
    return None


def campaign(wording: Wording, known: tuple[str, ...]) -> str | None:
    """The words that name a campaign that exists."""
    plain = wording.plain
    for name in sorted(known, key=lambda n: (-len(n), n)):
        core = re.sub(rf"^(?:the|our|my) | {_CAMPAIGN_NOUN}$", "", name.lower())
        for words in (name.lower(), core):
            pattern = r"[ -]?".join(re.escape(word) for word in re.split(r"[ -]+", words) if word)
            if pattern and (match := re.search(rf"\b{pattern}\b", plain)):
                return wording.said(*match.span())
    if match := _CAMPAIGN_QUOTED.search(wording.original):
        return match["name"] or match["name2"]
    for pattern_ in (_CAMPAIGN_NAMED, _CAMPAIGN):
        if match := pattern_.search(plain):
            return wording.said(*match.span("name"))
    return None


def product(wording: Wording) -> str | None:
    """The words of the thing or service that is sold."""
    for pattern in _PRODUCT:
        for match in pattern.finditer(wording.plain):
            words = match["p"].strip()
            if words and not _NO_PRODUCT.match(words):
                start = match.start("p")
                return wording.said(start, start + len(words)).rstrip(" ,.")
    return None
