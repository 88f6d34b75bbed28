"""The words for all that is held about one person."""

from __future__ import annotations

import re

_WHOLE = r"(?:completely|entirely|totally|altogether|for good|permanently|out of existence)"
_DATA = re.compile(
    r"\b(?:gdpr|ccpa|dsar|sar|dpdp|lgpd|pdpa|right to (?:be forgotten|erasure|access)"
    r"|right of (?:access"
    r"|erasure)|subject access|data (?:subject|access|export|deletion|erasure|protection"
    r"|request|report|portability)|personal (?:data|information|details)|particulars|(?:all"
    r"|everything"
    r"|anything) (?:there is )?(?:about|on|of)|(?:all|any|every|everything"
    r"|what) (?:of )?(?:the |his |her |their )?(?:data|information|info|details|records?"
    r"|trace)|(?:her|his|their|the) data|(?:whole|entire) file"
    r"|(?:asks?|asked|asking|wants?|requests?|requested) (?:\w+ )?(?:her|his|their) records?"
    r"|data (?:about|of|on|for|we|you)|data (?:is|are) "
    r"|data,? (?:n|and|&) all"
    r"|erase\w*|erasure|anonymi[sz]e|to be forgotten|be forgotten|forget"
    r"|everything (?:\w+ )?(?:about|on|of|we|you|they|that)|wiped?|everywhere"
    r"|from (?:all )?(?:our|your|the) systems?|file on|all traces?|privacy request"
    r"|art(?:icle|\.)? ?1[57]|every (?:trace|record|bit|scrap)"
    r"|copy of (?:all|everything|the|her|his"
    r"|their)"
    r"|(?:all|what|everything|anything|whatever) (?:that )?(?:we|you|is|was|there)(?:'ve| have"
    r"| has| had"
    r"| is)? (?:\w+ )?(?:stored|saved|hold|held|kept|keep|know|got|have)"
    r"|whatever (?:we|you) (?:keep|hold|have|know|store)|all (?:what|that) is (?:hers|his|theirs)"
    r"|(?:complete|full|total) (?:removal|deletion|erasure|data|record|report|file|history)"
    rf"|(?:delete|remove|purge|scrub) (?:\S+ ){{1,5}}{_WHOLE}|{_WHOLE} (?:deleted|removed|gone)"
    r"|what (?:do )?(?:we|you) (?:have|hold|know|store|keep)|info(?:rmation)? (?:we"
    r"|you) (?:have|hold|store|keep)|records? (?:of|on|about|we)|scrub|purge|expunge)\b"
)
_WHOLLY = re.compile(_WHOLE)
_LIST_ONLY = re.compile(r"\b(?:lists?|newsletters?|e?mails|mailings?|tags?)\b")
"""Taken off a list for good is still only off the list."""
_ASKS_HOW = re.compile(
    r"(?:\W|so\b|and\b|hi\b|hey\b|hello\b|ok\b)*(?:how (?:do|does|can|could|long|is|are|would)"
    r"|what (?:happens|does|kind|sort|counts|would|should)|where|are you|is (?:it|this|there"
    r"|our|my)"
    r"|do (?:you|i|we) (?:have to|need|comply)|does (?:it|this|the)|why|if)\b"
)
_NOT_ONE_PERSON = re.compile(
    r"\b(?:everyone|everybody|all (?:my |our |the |your )*(?:customers|contacts|clients"
    r"|subscribers|people|users|members)|every (?:customer|contact|client|subscriber|user|member)"
    r"|(?:whole|entire) (?:list|database)|competitors?|other (?:compan|shop|business)\w*)\b"
)
_PERSON = re.compile(
    r"\[\[|@|\b(?:mr|mrs|ms|miss|dr|she|he|her|him|his|hers|customer|client|member|person"
    r"|subscriber|user|contact|someone|my|me|lady|gentleman|student|guest|their|woman|man"
    r"|former|ex-\w+|i|guy|bloke|lad|lass|fella|girl|boy|patient|parent|buyer|tenant"
    r"|employee|somebody|called|named|donor|owner)\b"
)


def concerns_privacy(plain: str, *, named_person: bool) -> bool:
    """All data about one person: words for the data and a person, both."""
    if _ASKS_HOW.match(plain) or _NOT_ONE_PERSON.search(plain):
        return False
    if _LIST_ONLY.search(plain):
        plain = _WHOLLY.sub(" ", plain)
    return _DATA.search(plain) is not None and (named_person or _PERSON.search(plain) is not None)
