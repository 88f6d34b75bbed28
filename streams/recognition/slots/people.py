"""Who: a named group, how long they have been away, tags, one person, one address."""

from __future__ import annotations

import re
from typing import Any, Final

from streams.recognition.lexicon import common_words, first_names
from streams.recognition.slots.numbers import SPAN, span_days
from streams.recognition.wording import Wording

_ADDRESS = re.compile(r"\[\[[^\[\]\s]{1,64}\]\]|[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_NOT = (
    r"(?:haven't|have not|hasn't|has not|havent|didn't|did not|don't|do not|not|never|no"
    r"|without|haven t|aren't|weren't|won't|wasn't|ain't|aint|nothing)"
)
_INACTIVE = (
    re.compile(
        rf"\b{_NOT}\b[^.;!?]{{0,60}}?\b(?:in|for|since|within|over"
        rf"|during)? ?(?:the )?(?:last |past |at least |more than |over |about |around "
        rf"|nearly |almost )*(?P<span>{SPAN})\b(?! (?:discount|off|free|later|apart|pass"
        rf"|trial))"
    ),
    re.compile(
        rf"\b(?:inactive|absent|away|gone|quiet|silent|dormant|lapsed|idle|asleep|missing"
        rf"|vanished|disappeared|off the radar|unseen|cold|left)\b(?: [a-z]+)?(?: (?:for|in"
        rf"|since|over|after))?(?: (?:the )?(?:last|past|more than|over"
        rf"|at least))? (?P<span>{SPAN})"
    ),
    re.compile(
        rf"\b(?P<span>{SPAN})(?:'s)?(?: of)? (?:inactive|inactivity|without (?:an? )?(?:order"
        rf"|purchase|visit|buying|ordering)|of silence|since (?:their )?last|no (?:order"
        rf"|purchase|visit))"
    ),
    re.compile(
        rf"\blast (?:bought|ordered|purchased?|visited|visit|order|login|came|shopped|check-up"
        rf"|appointment|\w+ test"
        rf"|logged in|booked|seen|trained|treatment|service|session"
        rf"|class)\b[^.;!?]{{0,25}}?(?P<span>{SPAN}) ago"
    ),
    re.compile(
        rf"\blast (?:purchase|order|visit|login|booking) (?:was |is |were "
        rf"|dates? )?(?:more than |over |at least )?(?P<span>{SPAN})"
    ),
    re.compile(rf"\bsince (?P<span>{SPAN})\b(?! ago)"),
    re.compile(r"\b(?P<span>\d+)[ +-]*days?[ -](?:lapsed|inactive|dormant)"),
)
_TAGGED = re.compile(
    r"\b(?:tag(?:ged|s|ging)?)(?: (?:as|with|is|called|named|like"
    r"|of))?:? (?P<q>[\"'])?(?P<tag>(?(q)[^\"']+|[\w-]+(?: (?:and|or|,) [\w-]+)*))"
)
_TAG_AS = re.compile(
    r"\btag\b[^.;!?\"']*? (?:as|with) (?:the tag )?(?P<q>[\"'])?(?P<tag>(?(q)[^\"']+"
    r"|[\w-]+(?: and [\w-]+)?))"
)
_TAG_BEFORE = re.compile(r"\b(?:the|with the|a) (?P<q>[\"'])?(?P<tag>[\w-]+)(?(q)[\"']) tag\b")
_NOT_TAGS: Final = frozenset(
    "the a an all everyone as with from to on it them him her those people customers "
    "contacts my our this that please and is for".split()
)

GENERIC: Final = (
    r"customers?|clients?|people|persons?|everyone|everybody|subscribers|contacts|folks|list"
    r"|anyone|anybody|all|those|humans|guys|users|members|someone|others?|shoppers|buyers"
)
GROUPS: Final = (
    r"regulars|vips?|runners|joggers|walkers|cyclists|hikers|swimmers|athletes|marathoners"
    r"|gardeners|growers|students?|pupils|teachers|instructors|parents|mums|moms|dads"
    r"|families|mothers|couples|"
    r"guests|visitors|attendees|participants|registrants|leads|prospects|trialists|trialers"
    r"|trials|signups|sign-ups|newcomers|newbies|beginners|joiners|starters|owners|founders"
    r"|admins|administrators|"
    r"managers|developers|teams|accounts|companies|workspaces|organi[sz]ations|businesses"
    r"|restaurants|cafes|shops|wholesalers|retailers|resellers|partners|donors|patrons|fans"
    r"|followers|readers|lovers|"
    r"enthusiasts|seniors|pensioners|kids|teenagers|women|men|ladies|locals|neighbours"
    r"|neighbors|residents|holders|bakers|yogis|practitioners|athletes|lifters|gym-goers"
    r"|goers|freelancers|agencies|"
    r"schools|employees|colleagues|staff|evaluators|decision makers|ctos|ceos|marketers"
    r"|engineers|designers|spenders|purchasers|bookers|drinkers|eaters|brides|graduates"
    r"|alumni|volunteers|crew|gang|crowd|club|abandoners|dropouts|early birds|mamas"
    r"|dog owners|quitters|no-shows|patients|landlords|tenants|homeowners|lodgers|accountants"
    r"|bookkeepers|lawyers|vendors|sellers|suppliers|investors|applicants|candidates|recipients"
    r"|supporters|sponsors|friends|girls|boys|lads|mates|pals|nerds|geeks|noobs|rookies|veterans"
    r"|wearers|carers|caregivers|adults|children|teens|toddlers|preschoolers|grandparents"
    r"|households|spouses|grooms|newlyweds|widows|dancers|singers|musicians|artists|painters"
    r"|potters|knitters|quilters|crafters|makers|writers|authors|photographers|campers"
    r"|skiers|surfers|riders|drivers|climbers|paddlers|anglers|sailors|golfers|players|gamers"
    r"|coaches|trainers|dentists|doctors|nurses|physios|gps|vets|therapists|farmers|fishers"
    r"|chefs|cooks|foodies|waiters|baristas|bidders|collectors|travellers|travelers|tourists"
    r"|passengers|commuters|hosts|hoteliers|builders|plumbers|electricians|contractors"
    r"|ditchers|lurkers|browsers|downloaders|squads|spectators|pilgrims|parishioners|learners"
    r"|apprentices|interns|scouts|cadets|smokers|vegans|vegetarians|pescatarians"
)
_MODIFIER = (
    r"(?!(?:the|to|for|our|my|your|their|all|new|of|and|with|at|by|from|who|that|which|us|me"
    r"|we|i|send|email|mail|tell|remind|win|get|back|bring|every|about|invite|target|only"
    r"|just|give|offer|nudge|message|campaign|emails|series|sequence|let|thank|reward|convert"
    r"|upgrade|turn|teach|educate|welcome|show|help|some|any|many|because|if|when|is|are|do"
    r"|does|did|have|how|what|please|you|it|this|be|can|will|in|on|off|free|discount|than|as"
    r"|more|few|those|these|them|contact|reach|push|move|make|persuade|encourage|ask|announce"
    r"|reactivate|re-engage|reengage|between|so|a|an|off|hit|up|back|bak|export|import"
    r"|teaching|mails|emails|one|two|three|four|five|six|ten|only|please|pls|hi|hello|hey"
    r"|would|could|should|might|like|want|need|into|today|tomorrow|out|write|mail|draft"
    r"|create|build|prepare|target|trigger|chase|thanks|thank|via|its|it's|we're|dear|inform"
    r"|offering|giving|sending|wake|tempt|lure|regain|revive|recover|engage|approach|address"
    r"|audience|exclude|include|without|except|not|no|never|other|each|either|both|most of"
    r"|also|too|just|really|maybe|now|then|because|say|talk|speak|notify|update|alert|attract"
    r"|visit|most|make|sure|know|getting|telling|reaching|asking|reminding|welcoming|inviting"
    r"|winning|converting|deserve|bought|buy|left|last|again|here|there|was|were|has|had|does"
    r"|did|got|keep|pull|drag|lost touch|delete|take|tag|tagged|remove|mailing|unsubscribe"
    r"|erase|put|cap|mark|label|set|merge|clean|how many|many|limit|narrow|expand|extend"
    r"|chase|swap|change|upload|move|find|look|add|sort|split|dormant of|mothers|fathers"
    r"|\d+)\b)[\w'&%+-]+"
)
_HEADED = re.compile(
    rf"(?P<mods>(?:\b{_MODIFIER}[ -]){{0,3}})\b(?P<head>{GENERIC}|{GROUPS})\b(?! (?:day"
    rf"|campaign|email|mail|list|newsletter|series|page|plan|tag|class(?:es)? pass))"
)
_CLAUSE = re.compile(
    r" (?P<clause>(?:who(?:'ve|'s|se)?|that|which|in|from|on|with|near|over|under|around|of"
    r"|at|whose|waiting|living|interested|tagged|inside|without|aged|signed|buying|attending"
    r"|using|between|still|doing|coming|since|within)\b[^,.;:!?()\"]*)"
)
CLAUSE_END = re.compile(
    r" (?:(?:a|an|the|our|their|some) (?:[\w%$-]+ ){0,3}?(?:discount|off|voucher|email|mail"
    r"|message|offer|coupon|reminder|note)\b|with (?:a |an )?(?:\d|free|code|discount|voucher"
    r"|offer|coupon|tips|some)|with \d|about (?:our|the|a|my|new|what|how)|and (?:offer|give"
    r"|send|tell|ask|remind|invite)|to (?:come|buy|upgrade|join|finish|complete|order|book"
    r"|get|return|try|enrol|register|reserve|learn|sign|subscribe|renew|go|make|say|let|tell|announce|introduce|pay|become"
    r"|take|(?:a|our|the) (?:\w+ )?(?:tasting|opening|open day|event|party|workshop|webinar"
    r"|launch|evening|sale))\b|back (?:with|in|to)\b|back$"
    r"|(?:a )?\d+ ?(?:%|percent)|(?:a|one|some) free \w+|free (?:shipping|delivery|postage)"
    r"|[$\u20ac\u00a3] ?\d|every (?:week|month|monday|tuesday|wednesday|thursday|friday)"
    r"|tomorrow|tonight|next (?:week|month|monday|tuesday|wednesday|thursday|friday|saturday"
    r"|sunday)|until|till|should|ought|deserve|must|keep|need|needs|get|gets|please|how (?:to|the"
    r"|we|it|they)|that we|that our|know"
    r"|for (?:christmas|easter|black friday|their|the|our|mother's|father's|valentine"
    r"|halloween)|in (?:an? )?\w+ tone|using code|so (?:that|they)|because|when|if"
    r"|but (?!didn|did not|never|not|haven|have)|at \d|at noon|after (?:\d+|an?|one|two|three"
    r"|four|five) (?:hours?|days?|weeks?|minutes?)|on (?:monday|tuesday|wednesday|thursday"
    r"|friday|saturday|sunday|the \d)|send|(?:\d+|two|three|four|five|six"
    r"|seven) (?:\w+ )?(?:emails|mails|messages))\b.*$"
)
_ABSENCE = re.compile(
    rf"(?:who(?:'ve)?|that|which|we|whom)?\b[^,.;]*\b(?:{_NOT}|inactive|last (?:bought"
    rf"|ordered|came|visited|trained|seen|purchased|logged)|gone|quiet|away|lapsed|absent"
    rf"|silent)\b[^,.;]*(?:{SPAN})"
)
_TITLES = (
    r"(?:herr|frau|signora?|senhora?|se\u00f1ora?|madame|monsieur|mme|colonel|lady|lord"
    r"|sir|don|dona|rev|reverend|professor|captain|mr|mrs|ms|miss|mister|dr|prof|sir|madam|madame)\.?"
)
_CUE = (
    r"\b(?:add|remove|delete|unsubscribe|erase|forget|wipe|about|on|for|of|from|off|does|did"
    r"|will|is|isn't|doesn't|didn't|won't|customer|client|member|contact|called|named|by|to"
    r"|put|take|include|drop|why|and|email|mailing|emailing|that|stop|mark|update|change"
    r"|export|anonymise|anonymize|has|find|subscriber|student|lady|gentleman|lead|user|person"
    r"|new customer:|welcome|send|hold|correct|fix|rename|have)[: ]+"
)
_NAME_STOP: Final = frozenset(
    "gdpr csv vip excel mailchimp pro api dsar sar us i i'm ok yes please hi hey hello can "
    "could would her his their".split()
)


def address(text: str) -> str | None:
    """The first e-mail address or the `[[reference]]` that stands for one."""
    match = _ADDRESS.search(text)
    return match[0].rstrip(".") if match else None


def inactive_days(plain: str) -> tuple[int, tuple[int, int]] | None:
    """For how many days they did nothing, and where that is said."""
    for pattern in _INACTIVE:
        if match := pattern.search(plain):
            words = match["span"]
            days = int(words) if words.isdigit() else span_days(words)
            if days:
                return days, match.span()
    return None


def tags(wording: Wording) -> list[str] | None:
    """Tags that are called tags; a group's name is none."""
    for pattern in (_TAG_BEFORE, _TAG_AS, _TAGGED):
        for match in pattern.finditer(wording.plain):
            said = wording.said(*match.span("tag"))
            names = [name.strip(" ,\"'") for name in re.split(r",| and | or ", said)]
            kept = [name for name in names if name and name.lower() not in _NOT_TAGS]
            if kept and not kept[0].startswith("[["):
                return kept
    return None


def segment(wording: Wording, known: tuple[str, ...]) -> str | None:
    """The words of a named group with what is said about it; the whole list is none."""
    plain = wording.plain
    for name in known:
        if match := re.search(rf"\b{re.escape(name.lower())}\b", plain):
            return wording.said(*match.span())
    for match in _HEADED.finditer(plain):
        if found := _group(wording, match):
            return found
    return None


def _group(wording: Wording, match: re.Match[str]) -> str | None:
    plain = wording.plain
    before = plain[: match.start("head")]
    if re.search(
        r"\b(?:exclud\w+|except|without|leave out|not|skip|but not|no)(?: (?:the|our|my|any"
        r"|all))?(?: \w+)? $",
        before[-24:] if before else "",
    ):
        return None
    if before.endswith(("tagged ", "tag ", "tagged as ")):
        return None
    mods = match["mods"].strip()
    start = match.start("mods") if mods else match.start("head")
    end = match.end("head")
    special = bool(mods) or not re.fullmatch(GENERIC, match["head"])
    if clause := _CLAUSE.match(plain, end):
        words = CLAUSE_END.sub("", clause["clause"])
        if (
            words
            and not _absent(words)
            and not re.match(
                r"(?:tagged|from (?:a|the|my|our) (?:csv|spreadsheet|file)|with (?:the )?tag"
                r"|on (?:the|our|my) list|in (?:the|our|my) list|(?:that|who) are tagged)",
                words,
            )
        ):
            end = clause.start("clause") + len(words)
            special = special or len(words.split()) > 1
    if not special:
        return None
    return wording.said(start, end).rstrip(" ,.")


def _absent(clause: str) -> bool:
    return _ABSENCE.search(clause) is not None or inactive_days(clause) is not None


def audience(wording: Wording, known_segments: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if named := segment(wording, known_segments):
        found["segment"] = named
    if away := inactive_days(wording.plain):
        found["inactive_days"] = away[0]
    if tagged := tags(wording):
        found["tags"] = tagged
    return found


def titled(wording: Wording) -> str | None:
    """The name behind a title."""
    text = wording.original.translate(str.maketrans("\u2019", "'"))
    for title in re.finditer(rf"\b{_TITLES} (?=[^\W\d_])", text, re.IGNORECASE):
        rest = re.match(
            r"[^\W\d_][\w'-]*(?: (?:de|van|von|del|della|da|di|la|der|den|bin|al|le|du) (?=[A-Z]))?"
            r"(?:(?<= )[A-Z][\w'-]*)?(?: [A-Z][\w'-]*)*",
            text[title.end() :],
        )
        if rest and rest[0].lower() not in _NAME_STOP:
            return _without_possessive(rest[0])
    return None


_RELATED = re.compile(
    r"\b(?:colleague|wife|husband|partner|sister|brother|friend|secretary|treasurer|client|boss"
    r"|customer|neighbou?r|assistant|mum|mom|dad|mother|father|son|daughter|accountant|manager"
    r"|member|student|cousin|aunt|uncle),? (?P<name>[A-Z][\w'-]+(?: [A-Z][\w'-]+)?)"
)


def related(wording: Wording) -> str | None:
    """The name behind what somebody is to the speaker: `my colleague Ann`."""
    match = _RELATED.search(wording.original.translate(str.maketrans("\u2019", "'")))
    return _without_possessive(match["name"]) if match else None


def is_person(name: str, text: str) -> bool:
    """Whether it begins with a first name that is no usual word and no part of an address."""
    first = name.lower().split(" ")[0]
    inside = re.search(rf"{re.escape(name.lower())}[\w.+-]*@", text.lower())
    return first in first_names() and first not in common_words() and inside is None


def contact(wording: Wording) -> str | None:
    """A person's name as typed, without title; None when no word looks like a name."""
    if name := titled(wording):
        return name
    text = wording.original.translate(str.maketrans("\u2019", "'"))
    for cue in re.finditer(_CUE, text, re.IGNORECASE):
        if name := _name_at(text, cue.end()):
            return name
    if re.match(
        r"[^\W\d_][\w'-]*(?: [A-Z][\w'-]*)?(?:'s|,)? (?:wants?|asked|asks|has|is|was|would"
        r"|does|doesn't|did|quit|said|says|no longer|moved|changed|got|email|e-mail|requested"
        r"|and|should|needs|told|left|passed|can|never|used|sent|filed|made|invokes?)\b",
        text,
    ):
        return _name_at(text, 0)
    for capital in re.finditer(
        r"(?<=sister )(?=[A-Z])|(?<=friend )(?=[A-Z])|(?<=husband )(?=[A-Z])"
        r"|(?<=wife )(?=[A-Z])|(?<=neighbour )(?=[A-Z])|(?<=spelling of )(?=[A-Z])",
        text,
    ):
        if name := _name_at(text, capital.start()):
            return name
    return None


def _name_at(text: str, start: int) -> str | None:
    words: list[str] = []
    end = start
    for match in re.finditer(r"(?:\s*)([^\W\d_][^\W\d_'-]*(?:[-'][^\W\d_]+)*)", text[start:]):
        if match.start() != end - start or len(words) == 3:
            break
        word = match[1]
        surname = bool(words) and word[:1].isupper() and word.lower() not in _NAME_STOP
        if not surname and not _like_a_name(word, first=not words, opening=start == 0):
            break
        words.append(word)
        end = start + match.end()
        if word.endswith("'s"):
            break
    if end < len(text) and text[end : end + 1] == "@":
        words = words[:-1]
    return _without_possessive(" ".join(words)) if words else None


def _like_a_name(word: str, *, first: bool, opening: bool) -> bool:
    bare = re.sub(r"'s$|'$", "", word)
    lower = bare.lower()
    if lower in _NAME_STOP:
        return False
    if lower in first_names() or (
        lower.endswith("s") and lower[:-1] in first_names() and lower not in common_words()
    ):
        return True
    if lower in common_words() or len(lower) < 2:
        return False
    if first and opening:
        return bare[:1].isupper() and _far_from_known(lower)
    return bare[:1].isupper() or _far_from_known(lower)


def _far_from_known(lower: str) -> bool:
    from streams.recognition.lexicon import lexicon

    return lexicon().nearest(lower) == lower and lower not in lexicon()


def _without_possessive(name: str) -> str:
    return re.sub(r"'s?$", "", name)
