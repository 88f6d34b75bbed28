"""Words that must be there before anything dangerous is understood, and words that settle it.

A sentence may approve, resume, schedule or touch a person's data only when the classifier and
these patterns agree. All of them read the plain words.
"""

from __future__ import annotations

import re
from typing import Final

from streams.recognition.slots.times import RECURRENCE
from streams.recognition.vocabulary import DANGEROUS

_YES = (
    r"(?:yes+|yep|yeah|yup|ya|aye|sure|absolutely|definitely|ok|okay|k|alright|right|great"
    r"|perfect|lovely|wonderful|excellent|brilliant|awesome|nice|good|fine|fantastic|cool"
    r"|super|amazing)"
)
_RELEASE = (
    r"(?:(?:i |we |you )?(?:hereby )?(?:approve|approved|approves|confirm|confirmed|sign off"
    r"|signed off)\b|go ahead|(?:please )?proceed|go for it|send (?:it|this|that"
    r"|them)(?: one)?(?: out| off)?\b|ship (?:it|this)|launch (?:it|this)|"
    r"let it (?:go|fly|rip)|good to go|green light|do it|go live|fire away|you (?:may"
    r"|can) send|(?:please |do |just )?send(?: out| off)?$|release it|let's go|let's send"
    r"|ready to go|send away|get it out|approval|off it goes|push it (?:out|live)|publish it"
    r"|can go out|make it live|lgtm|go$|ship$|send$|send now|roll (?:it|with it)"
    r"|send the (?:campaign|email|mail|draft)|hit send)"
)
_HEDGE = re.compile(
    r"\?|\b(?:(?:send|ship|launch) (?:it|this|that|them) (?:on|at|in|by|over|around|for|as)|day"
    r"|eve|but|if|unless|except|only|maybe|perhaps|wait|think|guess|suppose|not|don't"
    r"|do not|didn't|cannot|can't|won't|never|no|nope|until|after|before|once|when|while"
    r"|should|could|would|what|who|how|which|why|may i|can i|can we|test|preview|first"
    r"|instead|almost|nearly|hold|later|without|change|add|remove|make it|rather|tomorrow"
    r"|tonight|monday|tuesday|wednesday|thursday|friday|saturday|sunday|week|month|morning"
    r"|afternoon|evening|hour|hours|minutes|noon|everyone who|all campaigns|everything"
    r"|pretend|ignore|skip|bypass|as soon as|except|shorter|friendlier|minus|plus|with (?!the"
    r"|it|this|that|my)|at \d|(?:do|send|ship|write|put) (?:it|this|that) (?:in|like|as a|more"
    r"|from|only"
    r"|to (?:me|my|a|only)))\b|\d"
)
_MAY_HEDGE = re.compile(
    r"\b(?:no changes?|no edits?|no need to change|nothing to (?:change|add)"
    r"|don't change (?:a thing|anything)|not a word|no more changes|wouldn't change a thing"
    r"|can't fault it|couldn't be better|no objections?|no further (?:changes|questions)"
    r"|without changes)\b"
)
_WHOLLY_YES = re.compile(
    rf"(?:(?:{_YES}|yes please|{_RELEASE}|looks?|it|this|that|is|it's|that's|all|very|really"
    rf"|so|please|thanks?|thank you|now|then|i'm|i am|happy|with|and|the|campaign|email|draft"
    rf"|mail|one|exactly|what i wanted|to me|spot on|as it is|as is|go|right away|for me"
    rf"|from me|love|i|we|like|great|to go|my|you have|ready|out|do|just|well|done|works"
    rf"|ahead|team)[\s,.!;:-]*)+"
)
_AGREES = re.compile(
    rf"\b{_RELEASE}|^(?:oh |well |ok |okay |great |perfect |good )?(?:yes+|yep|yeah|yup"
    rf"|yes please|absolutely|definitely|of course)\b"
)
_RESUME = re.compile(
    r"\b(?:resum\w+|un-?paus\w+|un pause|restart\w*|reactivate|re-?start|continu\w+|carry on"
    r"|keep going|carry(?:ing)? on|pick (?:\w+ )*up again|back on|off (?:hold|pause|ice)"
    r"|start(?:ing)?(?: \w+){0,4} (?:again|up again)|on again|(?:going|running|moving|go|run"
    r"|live) again|lift the (?:pause|hold)|go on with|unfreeze|take up again"
    r"|back up and running|let (?:\w+ ){1,5}(?:run|go on|continue|carry on)"
    r"|switch (?:\w+ ){1,4}back|turn (?:\w+ ){1,4}back|bring (?:\w+ ){1,4}back (?:to life"
    r"|online)|up again|(?:can|may|should|shall|could) (?:now )?(?:go on|run|continue)"
    r"|where (?:we|you"
    r"|it) (?:left off|stopped)|take (?:\w+ ){0,4}(?:hold|pause) off"
    r"|take (?:\w+ ){1,4}off (?:hold"
    r"|pause|ice)|go(?:es)? on now|in motion (?:again|once more)|loose again|once more)\b"
)
_REQUEST = re.compile(
    r"(?:please |ok,? |hi,? |hey,? |and )?(?:can|could|would|will) you\b"
    r"|.*\b(?:so|and|then|now),? (?:please )?(?:can|could|would|will) you (?:please|kindly)\b"
)
_BEEN_PAUSED = re.compile(
    r",? (?:that|which|we) (?:\w+ ){0,2}(?:been|is|was|are|were|had|have) (?:on hold|on ice"
    r"|on pause"
    r"|put on hold|held back|suspended|stopped|halted|frozen|paused)(?: since \w+| for \w+ \w+)?"
)
_RESUME_PLAINLY = re.compile(
    r"\b(?:resum\w+|un-?paus\w+|un pause|restart|unfreeze|reactivate|carry on sending"
    r"|continue sending|keep sending|go on sending|(?:continue|start|restart|send"
    r"|release) the paused"
    r"|the paused \w+ (?:\w+ ){0,2}(?:again|once more)|(?:lift|end) the (?:pause|hold))\b"
)
_SOMETHING_RUNNING = re.compile(
    r"\b(?:it|them|sending|everything|e-?mails?|mails?|campaigns?|sequence|series|paused"
    r"|letters?|messages?|mailings?|newsletters?|reminders?)\b"
)
_RESUME_DOUBT = re.compile(
    r"\b(?:if|when|once(?! more)|later|maybe|perhaps|might|should|shall|not|don't|do not|never|or"
    r"|until|till|unless"
    r"|what|how|why|who|which|can i|could i|may i|can we|is it|will(?! you)|would(?! you)|did"
    r"|does|sure|think"
    r"|wonder"
    r"|before|after|yet|unable|can't|another|from scratch|draft)\b"
)
_PAUSES = re.compile(
    r"\b(?:pause|suspend|halt|freeze|stop|cancel|put on hold|hold (?!on the|off)"
    r"|end)\b(?<!un-pause)(?<!un pause)(?<!the pause)(?<!from pause)(?<!off pause)"
)
_MIGHT = re.compile(r"\b(?:might|may|could|can|should|shall|would) (?:it|i|we|this|that)\b.*\?")
_TIME = re.compile(
    r"\b(?:today|tonight|tomorrow|monday|tuesday|wednesday|thursday|friday|saturday|sunday"
    r"|weekend|week|month|noon|midday|midnight|morning|afternoon|evening|january|february"
    r"|march|april|may|june|july|august|september|october|november|december|\d{1,2}(?:st|nd"
    r"|rd|th)|\d{1,2}/\d{1,2}|\d{1,2}[:.]\d{2}|\d{1,2} ?(?:am|pm)|at \d{1,2}"
    r"|in (?:\w+ ){1,3}(?:minutes?"
    r"|hours?|days?|weeks?)|(?:an|one|two|three|\d+) (?:hours?|days?|weeks?) (?:later|earlier"
    r"|from now)|later today|earlier|later|christmas eve|new year's day|easter)\b"
)
_SENDING = re.compile(
    r"\b(?:send\w*|sent|schedul\w+|re-?schedul\w+|mov\w+|postpon\w+|push\w*|delay\w*|shift\w*"
    r"|deliver\w*|dispatch\w*|go(?:es)? out|going out|queue\w*|set|plan\w*|release\w*|leave"
    r"|launch\w*"
    r"|bring\w* forward|book\w*|hold|wait|out|arrange\w*|time|timed|mail|email|let's do"
    r"|let's say|make it|instead|repeat|put it|start|change|better|run|land|arrive|do it"
    r"|defer|hit)\b"
)
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
_MOVES = re.compile(
    r"\b(?:schedul\w+|re-?schedul\w+|mov(?:e|ing)|postpon\w+|shift\w*|push\w*|delay\w*"
    r"|go(?:es)? out"
    r"|going out|posted|dispatch|send|sent|bring \w+ forward|defer|queue|repeat)\b"
)
_MAKES = re.compile(
    r"\b(?:create|draft|write|prepare|design|compose|build|set up a|put together|new campaign"
    r"|a campaign|an email|a mail|a newsletter|a message|a reminder)\b"
)
_ASKS_LEAVE = re.compile(
    r"^(?:hi,? |hey,? |ok,? |so,? |and )?(?:(?:can|could|may|might|should|shall) (?:i|we|it"
    r"|this)\b|would it be (?:ok|okay|possible|fine|better)|is it (?:ok|okay|possible|better"
    r"|fine|too late)|am i able)"
)
_DATA = re.compile(
    r"\b(?:gdpr|ccpa|dsar|sar|right to (?:be forgotten|erasure|access)|right of (?:access"
    r"|erasure)|subject access|data (?:subject|access|export|deletion|erasure|protection"
    r"|request)|personal (?:data|information|details)|(?:all|everything"
    r"|anything) (?:there is )?(?:about|on|of)|(?:all|any|every|everything"
    r"|what) (?:of )?(?:the |his |her |their )?(?:data|information|info|details|records?"
    r"|trace)|(?:her|his|their|the) data|data (?:about|of|on|for|we|you)|data (?:is|are) "
    r"|erase\w*|erasure|anonymi[sz]e|to be forgotten|be forgotten|forget"
    r"|everything (?:\w+ )?(?:about|on|of|we|you|they|that)|wipe|everywhere"
    r"|from (?:all )?(?:our|your|the) systems?|file on|all traces?|privacy request"
    r"|art(?:icle|\.)? ?1[57]|every (?:trace|record|bit)|copy of (?:all|everything|the|her|his"
    r"|their)"
    r"|(?:all|what|everything|anything|whatever) (?:that )?(?:we|you|is|was|there)(?:'ve| have"
    r"| has| had"
    r"| is)? (?:\w+ )?(?:stored|saved|hold|held|kept|know|got|have)"
    r"|what (?:do )?(?:we|you) (?:have|hold|know|store|keep)|info(?:rmation)? (?:we"
    r"|you) (?:have|hold|store|keep)|records? (?:of|on|about|we))\b"
)
_PERSON = re.compile(
    r"\[\[|@|\b(?:mr|mrs|ms|miss|dr|she|he|her|him|his|hers|customer|client|member|person"
    r"|subscriber|user|contact|someone|my|me|lady|gentleman|student|guest|their|woman|man"
    r"|former|ex-\w+|i)\b"
)
_REFUSES = (
    re.compile(
        r"\b(?:ignore|disregard|override|bypass|circumvent|skip|disable|turn off|switch off"
        r"|get (?:around|round)|get past|work around|forget)\b[^.;]{0,30}\b(?:instructions?"
        r"|rules?|guidelines?|restrictions?|approvals?|consents?|checks?|limits?|polic(?:y"
        r"|ies)|suppression|suppressions|opt-?outs?|unsubscribes?|safety|filters?|safeguards?"
        r"|prompts?|guardrails?|gdpr|law)\b"
    ),
    re.compile(
        r"\b(?:send|mail|email|blast|spam|include|add|write|put|re-?subscribe|contact"
        r"|keep)\b[^.;]{0,40}\b(?:who|that|having)(?:'ve| have| has| had)? ?(?:unsubscribed"
        r"|opted out|never (?:signed up|agreed|consented|asked|subscribed|opted in|gave)"
        r"|didn't (?:consent|agree|sign up|opt in|ask|give)|did not (?:consent|agree|opt in"
        r"|sign up)|no consent|haven't (?:agreed|consented|opted in)|complained"
        r"|asked (?:us )?to stop|marked us as spam|said no|without (?:their )?(?:consent"
        r"|permission|asking))\b"
    ),
    re.compile(
        r"\bwithout (?:the |an |any |their |his |her |my |anyone'?s? )?(?:unsubscribe"
        r"|opt-?out|consent|permission|approval|asking (?:them|anyone|for))\b"
    ),
    re.compile(
        r"\b(?:buy|bought|purchased?|scrape\w*|scraping|harvest\w*|stole|steal|stolen|leaked"
        r"|hacked?|crawl|rent(?:ed)?|got hold of|found|downloaded|copied|collected"
        r"|got)\b[^.;]{0,25}\b(?:addresses|mailing lists?|email lists?|lists? of|database)\b"
    ),
    re.compile(
        r"\b(?:remove|hide|leave out|delete|drop|take out|omit|get rid of|make) (?:the |that "
        r"|this |any |all |out )*(?:\w+ )?(?:unsubscribe|opt-?out)\b[^.;]{0,12}\b(?:link"
        r"|button|footer|option|invisible|thing)\b"
    ),
    re.compile(
        r"\b(?:(?:fuck|screw) (?:you|off|this bot)|f\W{2,}k you|(?:you"
        r"|u) (?:\w+ ){0,3}(?:idiot|moron|asshole|bastard|bitch|jerk|piece of \w+)|asshole"
        r"|piss off|go to hell|shut up|stupid (?:bot|machine|thing|robot|piece)|you(?:'re"
        r"| are) (?:\w+ )?(?:stupid|useless|dumb|worthless|garbage|trash|pathetic|an? idiot)"
        r"|useless (?:bot|thing|piece|machine|robot)|dumb bot)\b"
    ),
    re.compile(
        r"\b(?:phish\w*|scam\w*|malware|ransomware|blackmail|threatening (?:mail|email|letter"
        r"|message)s?|racist|hateful|fake invoices?|card details|credit card numbers?"
        r"|passwords?|login credentials|bomb|harass\w*|pretend to be|impersonat\w+|pose as"
        r"|posing as)\b"
    ),
    re.compile(
        r"\b(?:system prompt|api keys?|developer mode|debug mode|admin override|jailbreak"
        r"|drop tables?|root access|god mode|your (?:hidden )?instructions|as an admin"
        r"|as the admin|i(?:'m| am) (?:the|an|your) (?:admin\w*|developer"
        r"|owner of this system|system)|you are now)\b"
    ),
    re.compile(
        r"\b(?:other|another|different|competitor'?s?) (?:compan(?:y|ies)|business(?:es)?"
        r"|shops?|customers?|organi[sz]ations?|accounts?|tenants?)'?s? (?:contacts?|data"
        r"|lists?|customers?|emails?|addresses)\b"
    ),
    re.compile(
        r"\b(?:mark|set|flag|change|pretend|make|record|backdate)\b (?:\w+ ){0,2}(?:everyone"
        r"|everybody|all|them|contacts|people)\b[^.;]{0,30}\b(?:consented|consent|granted"
        r"|opted in|opt-in)\b"
    ),
)
_SPARES = re.compile(
    r"\b(?:exclude|excluding|leave out|skip|except|don't|do not|never|not to|remove|take out"
    r"|without|how many|who|what|are there|only)\b[^.;]{0,25}\b(?:unsubscribed|opted out"
    r"|no consent|without consent|complained|haven't (?:agreed|consented)|never agreed"
    r"|didn't consent)\b"
)
_WAITS = re.compile(
    r"^(?:(?:hm+|ok|okay|no|well|uh|um|oh|eh|actually|sorry),? )*(?:not yet|maybe later|later"
    r"|forget it|never ?mind|not now|not today|wait|hold on(?: a (?:sec|second|minute|moment"
    r"|bit))?|one (?:moment|sec|second)"
    r"|give me a (?:minute|moment|sec|second)|let me (?:think|check|sleep|ask)\b.*|i(?:'ll"
    r"| will) (?:think|come back|get back|decide|sleep)\b.*|i need (?:to think|more time"
    r"|a moment)\b.*|maybe|perhaps|i don't know|idk|not sure(?: yet)?|i(?:'m"
    r"| am) not sure(?: yet)?|i(?:'ll| will) let you know)(?:,? (?:thanks|thank you|please"
    r"|about it|yet|then|maybe|sorry))*[.! ]*$"
)
_YES_BUT = re.compile(
    rf"(?:{_YES}|looks (?:good|great|fine|nice)|almost|i like it|love it|that's (?:good|fine"
    rf"|great)|nearly|not bad)[,.!]? (?:but|just|except|only|although|though)\\b"
)
_BARE = re.compile(
    r"^(?:ok+|okay|k|kk|hm+|uh|um|well|alright|right|fine|yes ?\?|ok ?\?|okay ?\?|sure ?\?"
    r"|yeah ?\?|yep ?\?|so|and|maybe|\W*|\?+)[.! ]*$"
)
_WHAT_IF = re.compile(
    r"\bwhat (?:happens|would happen|will happen|does it do|happened) (?:if|when|once|after|to)\b"
)
_WHO_GETS = re.compile(
    r"\bwho (?:all )?(?:exactly )?(?:gets?|will get|is getting|receives?|will receive"
    r"|would get|would receive|is it going to|does it go to|is it for|are the recipients)\b"
    r"|\bhow many (?:people |customers |contacts |members )?(?:get|will get|receive|would get"
    r"|will receive)\b|\bwho.{0,12} going to (?:get|receive)\b"
)

_PLAIN_SCHEDULE = re.compile(r"(?:please |kindly )?(?:re-?schedule|postpone|schedule)\b")
_PLAIN_RESUME = re.compile(
    r"(?:please |kindly |ok,? |okay,? )?(?:un-?pause|un - pause|resume|reactivate)\b"
)
_SETTLING: Final = (
    (
        "help",
        re.compile(
            r"^(?:hi,? |hey,? |so,? |and )?(?:how (?:do|does|can|would|may) (?:i|we|one|you|it"
            r"|this"
            r"|that)\b(?! look)|what(?:'s| is| does| are) (?:an? |the diff)"
            r"|what(?: else)? can(?:'t)? (?:you|i)\b|is there (?:a|any) (?:limit|way)"
            r"|can the system\b"
            r"|is it possible to\b|would you explain how\b|what (?:file )?formats?\b)"
        ),
    ),
    (
        "query_audience",
        re.compile(
            r"\bhead ?count\b|^(?:# of|number of) (?:members|contacts|customers|people|clients)"
            r"|^(?:and )?who(?:'s| is| are)? (?:all )?(?:in|on|getting|excluded|left out"
            r"|included)\b"
            r"|^(?:why|y) (?:is|are) (?:the )?(?:audience|list|only|\d+)\b"
            r"|^(?:list|show me) the recipients|\bamong the recipients\b"
        ),
    ),
    (
        "small_talk",
        re.compile(
            r"^(?:tell me a joke|congratulations\b.*|good (?:morning|afternoon|evening|night|day)"
            r"(?![^.!?]*\b(?:please|send|make|write|create|can|could|would|campaign|mail"
            r"|email)\b).*"
            r"|let us pause for a moment\b.*)$"
        ),
    ),
    (
        "set_business_context",
        re.compile(
            r"^(?:(?:please )?(?:always|never|don't ever|do not ever) (?!mind)(?:use|say|write"
            r"|call|sign"
            r"|address|mention)\b|(?:we|i)(?:'re| are|'m| am) an? (?!bit\b|little (?:bit"
            r"|unsure)\b)"
            r"(?!.*\b(?:tell|announce|let|invite|send|write|offer|want|need)\b)"
            r"|we (?:sell|teach|repair|stock|provide|look after|brew|bake)\b"
            r"(?!.*\b(?:tell|announce|let|invite|send|write|now)\b))"
        ),
    ),
)
"""Safe intents that a few words decide, wherever a campaign may have been shown."""
_EDITS = re.compile(
    r"^(?:before i approve,?|only (?:send |mail )?(?:it )?to\b|just to\b)"
    r"|^(?:erase|delete|remove|take out|drop|cut) the [\w ]+ from the (?:e-?mail|mail|text"
    r"|draft|letter)\b"
    r"|^kill the (?:second|first|last|third) "
    r"|^(?!.*\b(?:send|like|want|sure)\b).+ not (?!yet|now|today|sure|bad|good|this|it|me|send)"
    r"(?:the |an? )?[\w$\u20ac\u00a3]+[.!]*$"
)
_EDITS_NAMED = re.compile(
    r"^in the [\w -]+(?:series|sequence|campaign|newsletter|mailing),? (?:insert|add|replace"
    r"|change"
    r"|swap|remove|put|drop|use)\b"
    r"|^(?:change|update|adjust|edit) the [\w -]+(?:campaign|sequence|series|newsletter)\b"
)
_TURNED_DOWN = re.compile(
    r"^(?:please |kindly )?(?:withdraw|discard|bin|trash|reject|scrap|drop|kill) (?:this|that)"
    r"(?: (?:one|draft|suggestion|proposal|version|letter|text|thing))?\b(?! (?:line|word|part"
    r"|link))"
)
_LOOSE_END = re.compile(
    r"^(?:please )?(?:delete|fix|change|stop|cancel|pause|remove|update) (?:it|that|this"
    r"|them)[.! ]*$"
)

Ranking = tuple[tuple[str, float], ...]
CERTAIN: Final = 0.92
"""Confidence of a sentence that is settled by its words alone."""


def approves(plain: str, *, shown: bool, named: bool) -> bool:
    """An unambiguous yes to something known: no condition, time, change or question in it."""
    plain = plain.rstrip(" .!")
    if not (shown or named) or _BARE.match(plain):
        return False
    if _HEDGE.search(_MAY_HEDGE.sub(" ", plain)):
        return False
    return _AGREES.search(plain) is not None


def resumes(plain: str, *, shown: bool, named: bool) -> bool:
    """Told, without any doubt or condition, to let something known run again."""
    plain = _BEEN_PAUSED.sub("", plain)
    if _RESUME_DOUBT.search(plain) or _PAUSES.search(plain):
        return False
    if plain.rstrip(" .!").endswith("?") and not _REQUEST.match(plain):
        return False
    if named:
        return _RESUME.search(plain) is not None
    return _RESUME_PLAINLY.search(plain) is not None and (
        shown or _SOMETHING_RUNNING.search(plain) is not None
    )


def schedules(plain: str, *, shown: bool, named: bool) -> bool:
    """A time for sending something that exists, told rather than asked."""
    timed = _TIME.search(plain) or RECURRENCE.search(plain)
    if not timed or _ASKS_LEAVE.match(plain) or _MIGHT.search(plain) or _MAKES.search(plain):
        return False
    if re.search(
        r"^(?:what|when|why|how|who|is|did|does|was|were|will|are|has|if)\b(?! about)", plain
    ) or re.search(r"\b(?:don't|do not|never|pause|cancel|test|maybe|perhaps|not sure)\b", plain):
        return False
    if not shown:
        return named and _MOVES.search(plain) is not None
    return bool(_SENDING.search(plain) or _ONLY_TIME.match(plain) or _WHOLLY_TIME.fullmatch(plain))


def concerns_privacy(plain: str, *, named_person: bool) -> bool:
    """All data about one person: words for the data and a person, both."""
    return _DATA.search(plain) is not None and (named_person or _PERSON.search(plain) is not None)


def refuses(plain: str) -> bool:
    if _SPARES.search(plain):
        return False
    return any(pattern.search(plain) for pattern in _REFUSES)


def settled(plain: str, *, shown: bool, named: bool) -> str | None:
    """The intent when the words alone decide it; safe intents only, and the plain yes."""
    if refuses(plain):
        return "refuse"
    if _PLAIN_RESUME.match(plain) and resumes(plain, shown=shown, named=named):
        return "resume_campaign"
    if _PLAIN_SCHEDULE.match(plain) and schedules(plain, shown=shown, named=named):
        return "schedule_campaign"
    if _WHAT_IF.search(plain):
        return "help"
    if _BARE.match(plain) or _WAITS.match(plain):
        return "clarify"
    if re.match(r"(?:yes|yep|ok|okay|sure|good|great|fine)\b", plain) and _WHO_GETS.search(plain):
        return "query_audience"
    if not shown and _LOOSE_END.match(plain):
        return "clarify"
    if shown and _TURNED_DOWN.match(plain):
        return "reject_campaign"
    if (shown and _EDITS.match(plain)) or _EDITS_NAMED.match(plain):
        return "modify_campaign"
    for intent, pattern in _SETTLING:
        if pattern.search(plain):
            return intent
    if shown and (reserve := _YES_BUT.match(plain)):
        return None if _TIME.search(plain, reserve.end()) else "modify_campaign"
    if _WHOLLY_YES.fullmatch(plain) and _AGREES.search(plain.rstrip(" .!")):
        return "approve_campaign" if approves(plain, shown=shown, named=named) else "clarify"
    if (
        _ASKS_LEAVE.match(plain)
        and re.search(r"\b(?:send|schedule)\b", plain)
        and _TIME.search(plain)
    ):
        return "clarify"
    return None


def allowed(intent: str, plain: str, *, shown: bool, named: bool, named_person: bool) -> bool:
    """Whether the words bear out a dangerous intent; every other intent is allowed."""
    if intent not in DANGEROUS:
        return True
    return {
        "approve_campaign": approves(plain, shown=shown, named=named),
        "resume_campaign": resumes(plain, shown=shown, named=named),
        "schedule_campaign": schedules(plain, shown=shown, named=named),
        "privacy_request": concerns_privacy(plain, named_person=named_person),
    }[intent]
