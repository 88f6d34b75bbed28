"""What about: occasion, trigger, subject line, language."""

from __future__ import annotations

import re

from streams.recognition.slots.numbers import SPAN
from streams.recognition.wording import Wording

_LANGUAGE = re.compile(
    r"\b(?P<l>spanish|german|french|portuguese|japanese|italian|english|dutch|polish|chinese"
    r"|korean|arabic|russian|turkish|swedish|danish|norwegian|finnish|greek|czech|hindi"
    r"|catalan|welsh|irish)\b"
)
_TRIGGER = re.compile(
    r"\b(?:when(?:ever)?|once(?! an? | every | per )|as soon as|if(?= (?:someone|somebody"
    r"|anyone|an? ))|after|every time|each time|the moment|right after|triggered (?:by|when)"
    r"|upon|starting when|starts when)"
    r" (?P<person>(?:someone|somebody|anyone|a person|people|they|he|she|(?:a |an |the |our "
    r"|any |each |every )?(?:new |first[- ]time |trial |free |paying )?(?:(?:runner|parent"
    r"|player|client|friend|neighbour|gardener|patient|baker|yogi|teacher|couple|family"
    r"|athlete|freelancer|developer|manager|founder|company|team|registrant|attendee|trialist"
    r"|walk-in|joiner|newbie|guy|woman|man|lady|person|shopper|kid|human|baker|signup|sign-up"
    r"|cardholder|participant)s?|customer|user|member|client|visitor|subscriber|student"
    r"|shopper|lead|account|contact|guest|buyer|trial user|admin|prospect|owner"
    r"|gardener)s?(?: who)?) )?(?P<what>(?:their |his |her |a |an |the )?[^,.;:!?\"]+)"
)
TRIGGER_END = re.compile(
    rf"(?: (?:and )?(?:then )?(?:please )?(?:send|give|ping|nudge|drop|shoot|chase|email|mail"
    rf"|offer|remind|wait|with|say"
    rf"|tell|welcome|thank|they get|we send|i want|i'd|should get|they should|you send"
    rf"|you should|in an? \w+ tone|i (?:want|wanna|like|would|need)|(?:can|could|would|shall"
    rf"|should) (?:we|you|i)|(?:they|he|she) (?:should|get|must))\b.*$| (?:after"
    rf"|within) {SPAN}.*$| \d+ ?%.*$"
    rf"| {SPAN} (?:later|after).*$| in {SPAN}.*$)"
)
_NO_TRIGGER = re.compile(
    rf"^(?:that|this|i|we|you|it|possible|needed|{SPAN}|all|the (?:weekend|holidays|summer)"
    rf"|easter|christmas|lunch|work|not|so|any|approved|is|are|there)\b"
)
_OCCASION = re.compile(
    r"\b(?:(?:the |our |their |my |your )?(?P<o>"
    r"christmas(?: eve| day)?|xmas|easter(?: sunday| monday| weekend)?|mother'?s'? day"
    r"|father'?s'? day|valentine'?s?'?(?: day)?|black friday|cyber monday|cyber week"
    r"|halloween|(?:lunar |chinese )?new year'?s?(?: eve| day)?|thanksgiving|"
    r"hanukkah|diwali|ramadan|eid|pancake day|shrove tuesday|labou?r day|memorial day"
    r"|independence day|4th of july|fourth of july|st\.? patrick'?s day|saint patrick'?s day"
    r"|women'?s day|world \w+ day|international \w+(?: \w+)? day|national \w+(?: \w+)? day"
    r"|earth day|boxing day|carnival|oktoberfest|bank holiday(?: weekend)?|golden week"
    r"|singles'? day|small business saturday|summer solstice|winter solstice|"
    r"(?:(?:\w+ )?(?:\d+(?:st|nd|rd|th)|tenth|fifth|first|twentieth|one[- ]year|\w+-year"
    r"|\d+[- ]year) )?(?:birthdays?|anniversary|jubilee)|back[- ]to[- ]school|grand opening"
    r"|grand reopening|open day|open house|(?<=for )(?:the )?(?:spring|summer|autumn|winter"
    r"|holidays)|holiday season|end of (?:the )?season|graduation|wedding season"
    r"|marathon season|chelsea flower show|king's day|pride(?: month)?|advent|lent(?! (?:me|us"
    r"|you|him|her|them)\b)|july 4th"
    r"|super bowl|the \w+ marathon))\b"
    r"(?! (?:sale campaign|newsletter|collection|jackets|shoes|menu|range|school|camp))"
)
_SUBJECT = re.compile(
    r"\b(?:subj(?:ect)?(?: lines?)?|title(?: of (?:the )?mail)?(?=:))"
    r"(?: (?:should|shd|must|can|could|ought|needs|to|please))*(?: (?:be|is|as|say|read"
    r"|use|to|for(?= [A-Z])|=))?(?: (?:to|instead))?:? ?(?P<rest>[\"'].+|.+)",
    re.IGNORECASE,
)
_QUOTED_AS = re.compile(
    r"\"(?P<q>[^\"]+)\" (?:as|for|in) (?:the |a )?(?:subject|title|heading)", re.IGNORECASE
)
_AFTER_SUBJECT = re.compile(
    r",? (?:instead|please|pls|plz|thanks)\b.*$|\.$"
    r"|, (?=(?:to|for|send|with|code|everybody|everyone|keep|make|tone|in a|in an|and (?:send"
    r"|make|keep"
    r"|put|add|use|tell)|\d+ ?%|use|it|i|we|goes|out|free|valid|until|till|but|sent)\b).*$"
)
"""What follows the words of a subject line and is none of them."""


def language(plain: str) -> str | None:
    match = re.search(
        rf"\b(?:in|into|to|as)(?: (?:a|an|good|simple|plain|proper))? {_LANGUAGE.pattern}"
        rf"|{_LANGUAGE.pattern.replace('?P<l>', '?P<l2>')} (?:version|translation|copy|text"
        rf"|email)",
        plain,
    )
    return (match["l"] or match["l2"]) if match else None


def subject_line(wording: Wording) -> str | None:
    """The words wanted as subject line, without quotation marks."""
    text = wording.original.translate(str.maketrans("\u2018\u2019\u201c\u201d", "''\"\""))
    if quoted := _QUOTED_AS.search(text):
        return quoted["q"].strip()
    match = _SUBJECT.search(text)
    if match is None:
        return None
    rest = match["rest"].strip()
    if quoted := re.search(r"\"(?P<q>[^\"]+)\"|(?:^|\s)'(?P<s>.+?)'(?=\W|$)", rest):
        return (quoted["q"] or quoted["s"]).strip()
    asked = (
        re.search(
            r"(?:subj(?:ect)?(?: lines?)?|title)(?: of (?:the )?mail)?(?: (?:should|shd|must"
            r"|ought|needs"
            r"|to))*"
            r"(?: (?:be|is|as|say|read|to|for)| ?[:=]|,)",
            match[0],
            re.IGNORECASE,
        )
        or re.search(r"subject(?: line)? (?=[A-Z\d])", match[0])
        or re.search(r"[,.;!?] $", text[: match.start()])
    )
    if asked is None or re.match(
        r"(?:something|a bit|shorter|catchier|more|less|different|another|better|too|not|be"
        r"|not so|the|a|sound|friendl|warm|punch|with|without|in|please)\b",
        rest,
        re.IGNORECASE,
    ):
        return None
    rest = re.sub(r"[.!] (?=[A-Z]).*$|;.*$", "", rest)
    return _AFTER_SUBJECT.sub("", rest).strip() or None


def trigger(wording: Wording) -> str | None:
    """What starts it: the words after when, if or after, without the person."""
    for match in _TRIGGER.finditer(wording.plain):
        start = match.start("what")
        what = TRIGGER_END.sub("", match["what"])
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
