"""Where a group, a trigger, a name or a campaign's name begins and ends, by the rules of the set.

The tagger finds the place; these rules settle the edges: a clause is taken whole, a stretch of
absence is no part of a group, the whole list is no group.
"""

from __future__ import annotations

import re
from typing import Final

from streams.recognition.slots.people import CLAUSE_END, GROUPS, inactive_days
from streams.recognition.slots.subjects import TRIGGER_END
from streams.recognition.tagger import Span
from streams.recognition.wording import SHORT_FORMS

_STOP = re.compile(r"[,.;:!?()=\"\n]|->|\u2192| -+ | \u2013 |\s>\s")
_CLAUSE = re.compile(r"\b(?:who|that|which|whose|but)\b", re.IGNORECASE)
_NEW_BEFORE = re.compile(r"\bnew $", re.IGNORECASE)
_SHORTEST: Final = 3
_WHOLE_LIST: Final = frozenset(
    "customers customer people everyone everybody subscribers contacts folks list anyone all those "
    "ppl someone others guys them recipients".split()
)
_SOMEONE_BEFORE = re.compile(
    r"\b(?:e?very ?(?:one|body)|any ?(?:one|body)|those|ones|them|people|ppl|persons|folks?"
    r"|guys) $",
    re.IGNORECASE,
)
_ALL_OF_THEM = re.compile(
    r"(?:all|lots|every|any|our|my|the)? ?(?:customers?|clients?|people|persons|ppl|contacts|folks"
    r"|subscribers|shoppers|buyers|users|ones|those|everyone|everybody)\b",
    re.IGNORECASE,
)
"""Nobody in particular: of these, only how long they were away says who is meant."""
_ABSENCE = re.compile(
    r",? ?\b(?:who|that|which|whom|we|not|no|inactive|gone|absent|quiet|missing|last|haven'?t"
    r"|hasn'?t|didn'?t|without|with no|silent|lapsed for|away)\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_TAGGED_HEAD = re.compile(
    rf"\b(?P<head>members|users|clients|accounts|{GROUPS}) (?:who are |that are )?tagged\b",
    re.IGNORECASE,
)
_ALL_HEAD = re.compile(
    r"\b(?:tell|mail|email|to|for|inform|write) all (?P<head>members|users)\b", re.IGNORECASE
)
_WHEN = re.compile(
    r"\b(?:wh?en|wehn|whenever|if|after|aftr|once|every ?time|as soon as|upon|on|following"
    r"|trigger\w*|before|until|till|minute|moment|day|hour)\b",
    re.IGNORECASE,
)
"""What a trigger follows; without it nothing is said to start by itself."""
_CAPITALS = re.compile(
    r"(?<![.!?] )(?<!^)\b[A-Z][a-z'-]+ [A-Z][a-z'-]+\b(?! (?:campaign|mail|sale))"
)
_AND_SURNAME = re.compile(r"(?:[ -][A-Z][\w'-]+)+")
_POSSESSED = re.compile(r"['\u2019]s?$")
_LEAD = re.compile(
    r"^(?:name(?:'s|s| is)|called|named|(?:mr|mrs|ms|miss|dr|mister|signora?|lady|lord|colonel"
    r"|herr|frau)\.? )\s*",
    re.IGNORECASE,
)
_OPEN_END = re.compile(
    r" (?:of|in|at|from|for|to|with|on|by|the|my|our|your|an?|some|last)$", re.IGNORECASE
)
_NEXT_WORDS = re.compile(r" [\w'-]+(?: (?:\d+|[A-Z][\w'-]+))*")
_SAID_OF_IT = re.compile(
    r" (?:still|never|needs?|gets?|got|ha(?:ve|s)(?:n'?t)?|are|is|were|was|should|keep|don'?t"
    r"|disappeared|can|will|must|may|might|ought|deserves?|accordingly|currently|now|lately"
    r"|please)\b.*$",
    re.IGNORECASE | re.DOTALL,
)
"""A group without a clause ends where something is said of it."""
_SAID_AFTER_CLAUSE = re.compile(
    r"(?<!\bwho)(?<!\bthat)(?<!\bwhich)(?<!\bhave)(?<!\bhas)(?<!\bhad)(?<!\band)(?<!\bbut)"
    r"(?<!\bor)(?<!\bi)(?<!\bwe)(?<!\bthey) (?:ought|might|may|must|should|shd|deserves?|receives?"
    r"|never|keeps?|are|have (?:no|a)|into paying)\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_DOING = re.compile(
    r"^(?:persuade|convert|educate|teach(?:es)?|guide|invite|tell|inform|remind|reward|nudge"
    r"|re-?engage|target|notify|encourage)s? (?:(?:the|our|my|all) )*",
    re.IGNORECASE,
)
_SOME_OF = re.compile(
    r"^(?:a )?(?:lotta|lots? of|loads of|some|many|few|bunch of|half of|most of|those of) "
    r"(?:the |our |my )?",
    re.IGNORECASE,
)
_STATE = re.compile(r"^(?:running|scheduled|paused|current|existing|own|old)\s+", re.IGNORECASE)


def segment(text: str, span: Span | None) -> str | None:
    """The words of a group with its clause, without how long they were away."""
    if tagged := (_TAGGED_HEAD.search(text) or _ALL_HEAD.search(text)):
        return tagged["head"]
    if span is None:
        return None
    start, end = span.start, span.end
    if before := _NEW_BEFORE.search(text[:start]):
        start = before.start()
    if (before := _SOMEONE_BEFORE.search(text[:start])) and _CLAUSE.match(text, start):
        start = before.start()
    words = text[start:end]
    if _CLAUSE.search(words):
        words = _SAID_AFTER_CLAUSE.sub("", _whole_clause(text, start, end))
    elif (more := _AND_SURNAME.match(text, end)) and words[-1:].isalpha() and _proper(words):
        words = text[start : more.end()]
    else:
        words = _whole_name(_SAID_OF_IT.sub("", words), text, end)
    if inactive_days(_away(text, start)) and _ALL_OF_THEM.match(words):
        words = _ABSENCE.sub("", words)
    words = _SOME_OF.sub("", _DOING.sub("", words)).strip(" ,")
    return None if words.lower() in _WHOLE_LIST or len(words) < _SHORTEST else words


def _whole_name(words: str, text: str, end: int) -> str:
    """`brides of` in `brides of 2027` goes on."""
    if (
        _OPEN_END.search(words)
        and (more := _NEXT_WORDS.match(text, end))
        and text[:end].endswith(words)
    ):
        return words + more[0]
    return words


def _proper(words: str) -> bool:
    return words.split()[-1][:1].isupper()


def _away(text: str, start: int) -> str:
    """The sentence from the group on, in the short forms the grammar of absence knows."""
    return " ".join(SHORT_FORMS.get(word, word) for word in text[start:].lower().split(" "))


def _whole_clause(text: str, start: int, end: int) -> str:
    stop = _STOP.search(text, end)
    tail = text[end : stop.start() if stop else len(text)]
    cut = CLAUSE_END.search(tail.lower())
    return (text[start:end] + (tail[: cut.start()] if cut else tail)).rstrip()


def trigger(text: str, span: Span | None) -> str | None:
    """What starts it, after `when` or the like, to the end of its clause."""
    if span is None or not _WHEN.search(text[: span.start]):
        return None
    stop = _STOP.search(text, span.end)
    clause = text[span.start : stop.start() if stop else len(text)]
    cut = TRIGGER_END.search(clause.lower())
    if cut and cut.start() > 0:
        clause = clause[: cut.start()]
    return clause.strip() or None


def contact(text: str, span: Span | None) -> str | None:
    """A name as typed; of a name whose surname was overlooked, both."""
    if span is None:
        pair = _CAPITALS.search(text)
        return pair[0] if pair else None
    more = _AND_SURNAME.match(text, span.end)
    words = text[span.start : more.end() if more else span.end]
    return _POSSESSED.sub("", _LEAD.sub("", words)) or None


def campaign(words: str) -> str:
    """A campaign's name without the state it is in."""
    return _STATE.sub("", words)
