"""The words of abuse, of mail without consent and of rules to be overridden."""

from __future__ import annotations

import re

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


def refuses(plain: str) -> bool:
    if _SPARES.search(plain):
        return False
    return any(pattern.search(plain) for pattern in _REFUSES)
