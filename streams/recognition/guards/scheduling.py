"""The words that set a time for sending, told rather than asked."""

from __future__ import annotations

import re

from streams.recognition.slots.times import RECURRENCE

_MIGHT = re.compile(r"\b(?:might|may|could|can|should|shall|would) (?:it|i|we|this|that)\b.*\?")
TIME = re.compile(
    r"\b(?:today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|weekend|week|month|noon|midday|midnight|morning|afternoon|evening|january|february"
    r"|march|april|may|june|july|august|september|october|november|december|\d{1,2}(?:st|nd"
    r"|rd|th)|\d{1,2}/\d{1,2}|\d{1,2}[:.]\d{2}|\d{1,2} ?(?:am|pm)|at \d{1,2}"
    r"|in (?:\w+ ){1,3}(?:minutes?"
    r"|hours?|days?|weeks?)|(?:an|one|two|three|\d+) (?:hours?|days?|weeks?) (?:later|earlier"
    r"|from now)|later today|half (?:past )?(?:\d+|one|two|three|four|five|six|seven|eight|nine"
    r"|ten|eleven|twelve)"
    r"|\d{1,2} ?h(?:\d\d)?|hour \d+|in (?:an?|one|two|three|four|five|six|\d+) (?:hours?|minutes?)"
    r"|lunch ?time|halloween|\d{4}-\d\d-\d\d|fortnight|first thing|the \d{1,2}|earlier|later"
    r"|christmas eve|new year's day|easter)\b"
)
_SENDING = re.compile(
    r"\b(?:send\w*|sent|schedul\w+|re-?schedul\w+|mov\w+|postpon\w+|push\w*|delay\w*|shift\w*"
    r"|deliver\w*|dispatch\w*|go(?:es)? out|going out|queue\w*|set|plan\w*|release\w*|leave"
    r"|launch\w*"
    r"|bring\w* forward|book\w*|hold|wait|out|arrange\w*|time|timed|mail|email|let's do"
    r"|let's say|make it|instead|repeat|put it|start|change|better|run|land|arrive|do it"
    r"|defer\w*|hit|line (?:\w+ ){1,5}up|program\w*|depart\w*|leaves|leaving|parts?|pencil\w*"
    r"|stick it|slot|drop (?:it|this|that)|fire|goes|going|get it|have it|ship|aim|target|save it"
    r"|publish\w*|bump|rather|prefer|park it|on the calendar|not (?:now|before|until|till)"
    r"|no earlier than|not till|go)\b"
)
_BUT_THEN = re.compile(
    rf"^(?:(?:yes|yep|yeah|nah|no|ok|okay|good|great|grand|fine|perfect|lovely|is|it|looks"
    rf"|but|later|like|rather|better|only|not now|not today|please|at|on|for)[,.!]* )+"
    rf"{TIME.pattern}"
)
"""A yes or no to the moment alone, and at once another one."""
_ONLY_TIME = re.compile(
    r"^(?:(?:yes|yep|ok|okay|good|great|perfect|fine|looks good|but|not now"
    r"|not today)[,.]? )*(?:(?:on|at|for|then|this|rather|better|but|please"
    r"|later) )*(?:(?:this |next )?(?:week|weekend|month)\b|(?:next )?(?:today|tonight"
    r"|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday|\d{1,2} ?(?:am"
    r"|pm)))\b"
)
_WHOLLY_TIME = re.compile(
    r"(?:(?:yes|ok|okay|please|on|at|for|and|then|the|first thing|early|late|in|of|o'clock"
    r"|sharp|am|pm"
    r"|next|this|coming|rather|better|instead|day|after|later|today|tonight|tomorrow|monday"
    r"|tuesday"
    r"|wednesday|thursday|friday|saturday|sunday|morning|afternoon|evening|noon|week|weekend"
    r"|month"
    r"|january|february|march|april|may|june|july|august|september|october|november|december"
    r"|\d+(?:st|nd|rd|th)?)[\s,.:/-]*)+"
)
_ABOUT_THE_END = re.compile(
    r"\b(?:end date|deadline|closing date|expir\w+|valid|ends|offer (?:run|last)s?)\b"
)
_ABOUT_THE_TEXT = re.compile(
    r"\b(?:text|subject|header|headline|mentions?|typo|spelling|price|opening hours|button"
    r"|paragraph"
    r"|footer|says)\b|\b(?:first|second|third|last|other) (?:e?mail|reminder|message|letter)\b"
)
_IF = re.compile(
    r"\b(?:if(?! you (?:can|could|please|would|don't mind))|unless|in case"
    r"|depending)\b"
)
_REQUEST = re.compile(r"\b(?:(?:can|could|would|will) (?:you|we|it)|please|kindly|possible|mind)\b")
_MOVES = re.compile(
    r"\b(?:schedul\w+|re-?schedul\w+|mov(?:e|ing)|postpon\w+|shift\w*|push\w*|delay\w*"
    r"|go(?:es)? out|goes|going out|leaves?|depart\w*|posted|dispatch|send|sent"
    r"|bring \w+ forward|defer\w*|queue|repeat|program\w*|arrange\w*|bump|hits? inboxes"
    r"|(?:set|put|pencil|stick|slot|book|line)\b[^,.;]*?\b(?:for|to go|on every|up for))\b"
)
_MAKES = re.compile(
    r"\b(?:create|draft|write|prepare|design|compose|build|set up a|put together|new campaign"
    r"|a campaign|an email|a mail|a newsletter|a message|a reminder)\b"
)
ASKS_LEAVE = re.compile(
    r"^(?:hi,? |hey,? |ok,? |so,? |and )?(?:(?:can|could|may|might|should|shall) (?:i|we|it"
    r"|this)\b|would it be (?:ok|okay|possible|fine|better)|is it (?:ok|okay|possible|better"
    r"|fine|too late)|am i able)"
)


def schedules(plain: str, *, shown: bool, named: bool) -> bool:
    """A time for sending something that exists, told rather than asked."""
    if _ABOUT_THE_END.search(plain) or _ABOUT_THE_TEXT.search(plain) or _IF.search(plain):
        return False
    if plain.rstrip(" .!").endswith("?") and not _REQUEST.search(plain):
        return False
    timed = TIME.search(plain) or RECURRENCE.search(plain)
    if not timed or ASKS_LEAVE.match(plain) or _MIGHT.search(plain) or _MAKES.search(plain):
        return False
    if re.search(
        r"^(?:what|when|why|how|who|is (?:it|this|that|there)|did|does|was|were|will|are|has"
        r"|if)\b(?! about)",
        plain,
    ) or re.search(
        r"\b(?:don't|do not|never|pause|cancel|test|maybe|perhaps|not sure|wouldn't|won't"
        r"|(?:would|will) not|thumbs down|0/10)\b",
        plain,
    ):
        return False
    if not shown:
        return named and _MOVES.search(plain) is not None
    return bool(
        _SENDING.search(plain)
        or _BUT_THEN.match(plain)
        or _ONLY_TIME.match(plain)
        or _WHOLLY_TIME.fullmatch(plain)
    )
