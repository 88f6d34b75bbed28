"""The words of an unambiguous yes, and what makes it less than one."""

from __future__ import annotations

import re

YES = (
    r"(?:yes+|yep|yeah|yup|ya|aye|sure|absolutely|definitely|ok|okay|k|alright|right|great"
    r"|perfect|lovely|wonderful|excellent|brilliant|awesome|nice|good|fine|fantastic|cool"
    r"|super|amazing)"
)
_IT = r"(?:it|this|that|them|her|him)"
_THE_THING = r"(?:this|that|the) (?:version|one|draft|e?mail|campaign|letter|text|thing|message)"
_RELEASE = (
    r"(?:(?:i |we |you )?(?:hereby )?(?:approve|approved|approves|confirm|confirmed|sign off"
    r"|signed off)\b|go ahead|(?:please )?proceed|go for it|send (?:it|this|that"
    r"|them)(?: one)?(?: out| off)?\b|ship (?:it|this)|launch (?:it|this)|"
    r"let it (?:go|fly|rip)|good to go|green light|do it|go live|fire away|you (?:may"
    r"|can) send|(?:please |do |just )?send(?: out| off)?(?:,? (?:please|now|thanks|then))*$"
    rf"|release {_IT}|let's go|let's send"
    r"|ready to go|send away|get it out|approval|off it goes|push it (?:out|live)|publish it"
    r"|can go out|make it live|lgtm|go$|ship$|send$|send now|roll (?:it|with it)"
    r"|send the (?:campaign|email|mail|draft)|hit send|do send|(?:out|off) (?:it|you|she) goe?s?"
    rf"|(?:fire|send|let|get|put|push|roll|kick|pass|chuck|sling|bang|lash|shoot) {_IT}"
    r" (?:off|out|on|go|loose|fly|away|over|through|to fly)\b"
    r"|(?:it|this|that|she) (?:can|may|should|must) (?:leave|go|fly|be sent|be released|depart)"
    rf"|let {_IT} be sent|(?:dispatch|distribute|publish|transmit|issue|mail|broadcast|deliver"
    rf"|go with|run with|run|use|circulate) {_IT}\b"
    rf"|(?:dispatch|distribute|publish|release|send|ship|launch|run) {_THE_THING}\b"
    r"|publish,? (?:please|now)|(?:it|this) goes out like this|go on(?:,? then)?$"
    r"|get it (?:gone|going|sent))"
)
_CONSENT = (
    r"(?:(?:my|our|full) (?:consent|approval|blessing|permission|yes|ok|okay|go-ahead"
    r"|green light|agreement|authori[sz]ation|sign-?off|nod)\b|(?:it is|it's|is|that's) an?"
    r" yes\b|(?:is|it's|are|consider it|consider this) (?:approved|agreed|accepted|cleared"
    r"|authori[sz]ed)\b|^agreed\b|\bi agree\b|^authori[sz]ed?\b|^accepted\b|^cleared\b"
    r"|consider it (?:approved|it a yes)|consider it$)"
)
_HEDGE = re.compile(
    r"\?|\b(?:(?:send|ship|launch) (?:it|this|that|them) (?:on(?!\W*$)|at|in|by|over|around|for"
    r"|as)|day"
    r"|eve|but|if|unless|except|only|maybe|perhaps|wait|think|guess|suppose|not|don't"
    r"|do not|didn't|cannot|can't|won't|never|no|nope|until|after|before|once|when|while"
    r"|should|could|would|what|who|how|which|why|may i|can i|can we|test|preview|first"
    r"|instead|almost|nearly|hold|later|without|change|add|remove|make it|rather|tomorrow"
    r"|tonight|monday|tuesday|wednesday|thursday|friday|saturday|sunday|week|month|morning"
    r"|afternoon|evening|hour|hours|minutes|noon|everyone who|all campaigns|everything"
    r"|pretend|ignore|skip|bypass|as soon as|except|shorter|friendlier|minus|plus"
    r"|(?<!agreed )(?<!reviewed )(?<!checked )(?<!fine )(?<!happy )(?<!ok )(?<!go )with (?!the"
    r"|it|this|that|my|all my|pleasure|joy|dispatch)|at \d|(?:do|send|ship|write|put) (?:it|this"
    r"|that) (?:in|like|as a|more|from|only|to (?:me|my|a|only))|provided|till|need|needs"
    r"|yet|though|although|disapprove\w*|withdraw\w*|revoke\w*|someone else|boss)\b|\d"
)
_MAY_HEDGE = re.compile(
    r"\b(?:no (?:\w+ )?(?:changes?|edits?|notes|complaints|objections?|remarks|comments"
    r"|corrections|issues|problems?|worries|doubts?|reservations|qualms|tweaks)"
    r"(?: from (?:me|us|my side)| at all| here)?"
    r"|no need to change|nothing (?:else |more |left )?to (?:change|add|fix|correct"
    r"|complain about|improve|remove)|(?:can't|cannot|couldn't|could not) (?:find|see)"
    r" (?:anything|a thing|a fault|one thing)(?: (?:to (?:change|complain about|fix|add"
    r"|fault|object to)|wrong(?: with it)?))?|(?:do not|don't) (?:change|touch|alter)"
    r" (?:a|any|one|nothing)(?: ?thing| word| comma| letter)?|not a word|no more changes"
    r"|wouldn't change a (?:thing|word)|would not change a (?:thing|word)"
    r"|can't fault it|couldn't be better|no further (?:changes|questions)|without changes"
    r"|before (?:i|we) (?:change (?:my|our) minds?|start|overthink|chicken|lose|regret)\b.*"
    r"|against my better judge?ment\b.*|(?:what|how) i (?:wanted|asked for|had in mind"
    r"|imagined|meant)(?: it)?|as it stands|send (?:it|this) as (?:it is|is))\b"
)
WHOLLY_YES = re.compile(
    rf"(?>(?:{_RELEASE}|yes please|{YES}|looks?|it|this|that|is|it's|that's|all|very|really"
    rf"|so|please|thanks?|thank you|now|then|i'm|i am|happy|with|and|the|campaign|email|draft"
    rf"|mail|one|exactly|what i wanted|to me|spot on|as it is|as is|go|right away|for me"
    rf"|from me|love|i|we|like|great|to go|my|you have|ready|out|do|just|well|done|works"
    rf"|ahead|team|splendid|grand|magic|sorted|superb|as it stands)(?!\w)[\s,.!;:-]*)+"
)
"""Each word is taken once, never tried again in another way: long messages stay cheap."""
AGREES = re.compile(
    rf"\b{_RELEASE}|{_CONSENT}|^(?:oh |well |ok |okay |great |perfect |good )?(?:yes+|yep|yeah"
    rf"|yup|yes please|absolutely|definitely|of course)\b"
)
BARE = re.compile(
    r"^(?:ok+|okay|k|kk|hm+|uh|um|well|alright|right|fine|yes ?\?|ok ?\?|okay ?\?|sure ?\?"
    r"|yeah ?\?|yep ?\?|so|and|maybe|\W*|\?+)[.! ]*$"
)


def approves(plain: str, *, shown: bool, named: bool) -> bool:
    """An unambiguous yes to something known: no condition, time, change or question in it."""
    plain = plain.rstrip(" .!")
    if not (shown or named) or BARE.match(plain):
        return False
    if _HEDGE.search(_MAY_HEDGE.sub(" ", plain)):
        return False
    return AGREES.search(plain) is not None
