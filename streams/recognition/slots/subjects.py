"""What about: product, occasion, trigger, tone, subject line, language, campaign, metric."""

from __future__ import annotations

import re
from pathlib import Path
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
_TONED_DOWN = re.compile(
    r"\b(?:less|not|too|without|isn't|so|fewer|never|way too|no|nothing)(?: so| too| as| that| very| the)? [\w-]+$"
)
_TONE_OTHER = re.compile(
    rf"\b(?P<before>[a-z][a-z-]{{2,}}) (?:tone|voice)\b(?! of)|\b(?:tone|voice|style)(?: of voice)?(?: (?:should|must|is|be|to|has|:))*:? (?:be |a bit |very |always |rather |quite |more |really )*(?P<after>[a-z][a-z-]{{2,}})\b"
)
_TONE_COMPARED = re.compile(
    r"\bmake (?:it|this|that|the \w+|them) (?:a bit |a little |much |slightly |sound |feel |way |lot )*(?:more )?(?P<word>[a-z-]{4,}(?:ier|er)|(?<=more )[a-z-]{4,})\b"
)
_NO_TONES: Final = frozenset(
    "the our your brand same that this shorter longer better bigger smaller larger higher lower different other right good bad less later earlier number offer "
    "another better-looking clear clearer simpler my and for with too its tone voice change sender newer older faster quicker sooner fewer under over after "
    "should must has have was were will please what which change email mail text subject fit from nice own all general use keep set more very short easier letter".split()
)
_TRIGGER = re.compile(
    r"\b(?:when(?:ever)?|once(?! an? | every | per )|as soon as|if(?= (?:someone|somebody|anyone|an? ))|after|every time|each time|the moment|right after|triggered (?:by|when)|upon|starting when|starts when)"
    r" (?P<person>(?:someone|somebody|anyone|a person|people|they|he|she|(?:a |an |the |our |any |each |every )?(?:new |first[- ]time |trial |free |paying )?(?:(?:runner|parent|player|client|friend|neighbour|gardener|patient|baker|yogi|teacher|couple|family|athlete|freelancer|developer|manager|founder|company|team|registrant|attendee|trialist|walk-in|joiner|newbie|guy|woman|man|lady|person|shopper|kid|human|baker|signup|sign-up|cardholder|participant)s?|customer|user|member|client|visitor|subscriber|student|shopper|lead|account|contact|guest|buyer|trial user|admin|prospect|owner|gardener)s?(?: who)?) )?(?P<what>(?:their |his |her |a |an |the )?[^,.;:!?\"]+)"
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
    r"(?:(?:\w+ )?(?:\d+(?:st|nd|rd|th)|tenth|fifth|first|twentieth|one[- ]year|\w+-year|\d+[- ]year) )?(?:birthdays?|anniversary|jubilee)|back[- ]to[- ]school|grand opening|grand reopening|open day|open house|(?<=for )(?:the )?(?:spring|summer|autumn|winter|holidays)|holiday season|end of (?:the )?season|graduation|wedding season|marathon season|chelsea flower show|king's day|pride(?: month)?|advent|lent|july 4th|super bowl|the \w+ marathon))\b"
    r"(?! (?:sale campaign|newsletter|collection|jackets|shoes|menu|range|school|camp))"
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
    ("sales", r"sales|sold|sell|revenue|orders?|ordered|bought|buy|purchases?|turnover|income|money|earn\w*|\$\$+|made us|brought in"),
    ("deliveries", r"deliver\w*|arrived?|reached|got through|landed"),
)  # fmt: skip
_CAMPAIGN_NOUN = r"(?:campaigns?|e-?mails?|mails?|sequence|series|mailings?|one|flow|thing)"
_NAME_NOUN = r"(?:newsletter|sale|promo|promotion|announcement|reminder|launch|offer|invitation|digest|round-?up|onboarding|welcome|win-?back|drip|letter|special|update|challenge|deal|survey|giveaway|teaser|invite|nurture)"
_WORDY = r"(?!(?:the|my|our|this|that|a|an|last|latest|first|second|third|next|current|new|test|whole|entire|same|other|previous|email|mail|e-mail|these|those|all|of|for|on|in|to|it|and|your|scheduled|running|best|any|each|every|recent|draft|is|was|did|do|does|with|sending|subject|from|its|me|us|open|click|bounce|more|shorter|about|people|who|numbers|results|stats|report|audience|recipients|how|at|by|friendly|now|tone|please|pls|yes|ok|okay|can|could|would|you|we|i|i'd|will|let|so|then|but|hold|pause|stop|resume|cancel|approve|send|schedule|kill|end|move|continue|restart|unpause|suspend|freeze|halt|launch|delete|abort|postpone|release|start|drop|take|put|get|turn|switch|bring|many|much|what|which|when|why|want|like|need|no|not|don't|do|into|as|be|are|were|has|have|had|compare|show|give|tell|see|check|between|too|only|out|some|such|their|his|her|short|long|go|ahead|under|over|both|there|here|if|make|change|update|edit|add|remove|also|just|or|than|s|anyone|everyone|off|up|down|back|write|create|draft|another|sent|automated|weird|one|two|three)\b)[\w'&+%-]+"
_LEADS = r"(?:the|my|our|this|that|of|for|on|in|with|from|to|pause|resume|cancel|stop|approve|schedule|kill|unpause|restart|end|send|reschedule|move|postpone|continue|launch|release|start|hold|delete|did|does|is|was|has|test|suspend|halt|freeze|abort|drop|unfreeze|scheduled|axe|terminate|scrap|delay|push|shift|see|reactivate)"
_CAMPAIGN = re.compile(
    rf"(?:\b{_LEADS} |(?:^|[.,;:!?-] ?))(?P<name>(?:{_WORDY} ){{0,4}}?{_WORDY}) (?P<noun>{_CAMPAIGN_NOUN})\b"
)
_CAMPAIGN_NAMED = re.compile(
    rf"(?:\b{_LEADS} |(?:^|[.,;:!?-] ?))(?P<name>(?:{_WORDY} ){{1,3}}{_NAME_NOUN}|newsletter|drip|onboarding)\b(?! (?:subscribers|readers|list))"
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
    found = [
        (match.start(), base)
        for base, form in _TONES.items()
        for match in re.finditer(_toned(form, loose=loose), plain)
        if not _TONED_DOWN.search(plain[: match.end()])
    ]
    if found:
        return min(found)[1]
    if match := _TONE_OTHER.search(plain):
        word = match["before"] or match["after"]
        return None if word in _NO_TONES else word
    if loose and (match := _TONE_COMPARED.search(plain)):
        return _positive(match["word"])
    return None


def _toned(form: str, *, loose: bool) -> str:
    if loose:
        return rf"\b(?:{form})\b"
    return (
        rf"\b(?:{form})(?:,? (?:and|but|yet) (?:[\w-]+ ?){{1,2}})? {_WITH_TONE_NOUN}\b"
        rf"|\b{_WITH_TONE_NOUN}\b[^.;]{{0,25}}?\b(?:{form})\b"
        rf"|\b(?:make|keep|sound|write|be|sounding|keeping|something|sent|nice and|short and|but|tone|voice|style|style|rather|quite|very|really|super)"
        rf"(?: (?:it|them|this|me|very|more|a bit|a little|a|really|quite|rather|nice|and|super|all|short|to|sound|in|much|please|something|always|kept|warm|clear|simple))* (?:{form})\b"
        rf"(?! (?:users?|customers?|members?|training))"
        rf"|\b(?:{form})(?:,? (?:and )?[\w-]+)? (?:e-?mails?|mails?|messages?|notes?|letters?|hello|greetings?|reminders?|nudge|newsletter|announcement|welcome|invitation|campaign|sequence|series|intro|way|update|thank you|thank-you|follow-up|line|wording|copy|text|touch|one)\b"
        rf"|(?:^|[,:;] ?)(?:and |very |but |quite |really |not too long,? |short,? |all )?(?:{form})(?: and [\w-]+)?(?: please| pls)?(?=$|[,.;!])"
    )


def _positive(word: str) -> str | None:
    """`crisper` is `crisp`, `jollier` is `jolly`; words of size and worth are no tone."""
    if word in _NO_TONES:
        return None
    if word.endswith("ier"):
        return word[:-3] + "y"
    return word[:-2] if word.endswith("er") else word


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
    """The number that is asked about; the first when there are several."""
    found = [
        (match.start(), name)
        for name, pattern in _METRICS
        if (match := re.search(rf"(?<!\w)(?:{pattern})(?!\w)", plain))
    ]
    return min(found)[1] if found else None


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


_HEADS = "|".join(
    sorted((Path(__file__).with_name("products.txt")).read_text("utf-8").split(), key=len, reverse=True)
)
_DESCRIBING = r"(?!(?:the|our|my|your|their|a|an|new|all|any|some|of|for|on|in|to|and|with|at|by|from|free|off|about|more|sell|selling|promote|push|announce|launch|launching|introduce|introducing|half|price|discount|percent|buy|buys|every|each|last|next|this|that|these|those|is|are|was|send|sending|email|mail|tell|get|give|offer|offering|try|book|remind|left|leave|who|we|i|you|they|it|now|just|two|three|one|four|five|six|ten|into|bake|baking|sale|deal|special|weekly|monthly|welcome|people|customers|members|everyone|them|us|me|selected|first|second|have|has|had|be|start|starting|started|clear|out|seasons|season|up|too|many|much|lots|leftover|extra|trial|complimentary|also|only|week|month|day|please|can|could|do|make|create|write|draft|when|if|or|not|no|than|but|so|as|because|before|after|until|take|took|taking|finish|teach|teaching|learn|best|remaining|surplus|plus|bring|use|using|how|your|their|swap|replace|mention|include|add|let|know|see|own|via|there|here|single|per|booking|pick|grow|growing|choose|choosing|little|part|international|world|would|should|day|our|enjoy|love|eat|drink|wear|get|part|step)\b)[a-z][\w'&-]*"
_HEADED_PRODUCT = re.compile(rf"(?P<p>(?:\b{_DESCRIBING} ){{0,2}}\b(?:{_HEADS}))\b(?! (?:shop|company|business|studio|store|owner|owners|lovers|people|users|members|customers|buyers|fans|club|list|holders|page|email|mail|series|campaign|newsletter|reminder|checkout|attendees|students|guys))")


def headed_product(wording: Wording) -> str | None:
    """The first thing that is known to be sold: up to two describing words and a known noun."""
    match = _HEADED_PRODUCT.search(wording.plain)
    return wording.said(*match.span("p")) if match else None


def product(wording: Wording) -> str | None:
    """The words of the thing or service that is sold."""
    for pattern in _PRODUCT:
        for match in pattern.finditer(wording.plain):
            words = match["p"].strip()
            if words and not _NO_PRODUCT.match(words):
                start = match.start("p")
                return wording.said(start, start + len(words)).rstrip(" ,.")
    return headed_product(wording)
