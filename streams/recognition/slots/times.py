"""When: a moment, words for a day, a rhythm, an end, a delay, a period looked back on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from streams.recognition.slots.numbers import NUMBER, SPAN, UNIT, number, span, span_text
from streams.recognition.wording import Wording

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_MONTH_NUMBER = {name: at for at, name in enumerate(_MONTHS, 1)}
_MONTH_NUMBER |= {name[:3]: at for name, at in _MONTH_NUMBER.items()} | {"sept": 9}
_ORDINALS = {
    word: at
    for at, word in enumerate(
        (
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
        ),
        1,
    )
}
WEEKDAY = r"(?<!black )(?<!good )(?<!cyber )(?<!easter )(?:" + "|".join(_WEEKDAYS) + ")"
MONTH = "(?:" + "|".join(sorted(_MONTH_NUMBER, key=len, reverse=True)) + r")\b"
_DATE = (
    rf"(?P<iso>\d{{4}}-\d{{2}}-\d{{2}})|(?P<us>\d{{1,2}}/\d{{1,2}})(?!/|\d)"
    rf"|(?:the )?(?P<d1>\d{{1,2}}|{'|'.join(_ORDINALS)})(?: ?(?:st|nd|rd"
    rf"|th))?(?: of)? (?P<m1>{MONTH})(?:,? (?P<y1>20\d\d))?"
    rf"|(?P<m2>{MONTH}) (?:the )?(?P<d2>\d{{1,2}})(?: ?(?:st|nd|rd|th)\b)?(?![:.]?\d|\s?(?:am"
    rf"|pm|%))(?:,? (?P<y2>20\d\d))?"
    rf"|the (?P<d3>\d{{1,2}}) ?(?:st|nd|rd|th)\b"
)
_DAY = (
    rf"(?:(?:{WEEKDAY},? )?(?:{_DATE})|(?P<after>(?:the )?day after tomorrow)"
    rf"|(?P<near>later today|today|tonight|this evening|this afternoon|this morning|tomorrow)"
    rf"|(?:(?P<which>this coming|this|next|coming|the coming"
    rf"|the next) )?(?P<weekday>{WEEKDAY})s?\b(?P<week> next week| week)?"
    rf"|in (?P<days>{SPAN})(?: time)?|a week (?:from )?(?:today|now)\b)"
)
_PART = (
    r"(?:early |late |first thing )?(?:in the |the )?(?P<part>morning|afternoon|evening|night"
    r"|lunchtime|lunch time|lunch)s?"
)
_HOUR_WORDS = "(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)"
_CLOCK = (
    r"(?:(?P<noon>noon|midday|midnight)"
    rf"|(?P<half>half past|quarter past|quarter to) (?P<hh>\d{{1,2}}|{_HOUR_WORDS})"
    rf"|(?P<halfpast>half) (?P<hh2>\d{{1,2}}|{_HOUR_WORDS})"
    rf"|(?<=at )(?P<hourword>{_HOUR_WORDS})\b(?! (?:days|hours|weeks|emails))"
    r"|(?P<hour>\d{1,2})(?:(?:[:.h]|hours)(?P<minute>\d{2}))?(?: ?(?P<ap>am|pm|a\.? ?m\.?"
    r"|p\.? ?m\.?)(?![a-z]))?(?: ?(?:o'? ?clock|sharp|h))?"
    r"(?!\d|[:.]\d|\s?(?:%|percent|off\b|st\b|nd\b|rd\b|th\b|emails?|days?|weeks?|hours?"
    r"|minutes?|months?|euros?|dollars?)))"
)
_HOURS = {
    w: n
    for n, w in enumerate(
        "one two three four five six seven eight nine ten eleven twelve".split(), 1
    )
}
_AT = r"(?:at|@|by|around|about|for|hour)"
_DAY_CLOCK = re.compile(
    rf"{_DAY}(?:,? {_PART})?,? ?(?:{_AT} )?{_CLOCK}(?: (?:in the|at) (?P<part2>morning"
    rf"|afternoon|evening|night))?"
)
_CLOCK_DAY = re.compile(
    rf"\b{_CLOCK}(?: (?:in the|at) (?P<part2>morning|afternoon|evening|night))?(?: on"
    rf"| this)?,? {_DAY}(?:,? {_PART})?"
)
_CLOCK_ONLY = re.compile(
    rf"\b(?:(?:at|@) {_CLOCK}|(?P<hour2>\d{{1,2}})(?:[:.](?P<minute2>\d{{2}}))? ?(?P<ap2>am|pm))"
    r"(?: (?:in the|at) (?P<part2>morning|afternoon|evening|night))?"
)
_IN_HOURS = re.compile(rf"\bin (?P<span>{SPAN}|an hour)\b")
_RELATIVE = re.compile(
    rf"\b(?:(?:first thing|early|late) (?:on )?)?(?:{_DAY}(?:'s)?(?:,? {_PART}|,? (?:early"
    rf"|late)\b)?"
    rf"|(?:first|second|third|last) (?:week )?of {MONTH}|(?:week|month) after next"
    r"|(?:a )?(?:week|fortnight) from (?:today|tomorrow|now)"
    r"|(?:(?:early|later|late|sometime|some time|mid|(?:at )?(?:the )?(?:start|beginning|end"
    r"|middle) of) )?"
    r"(?:this|next|the coming|coming|the following) (?:week|weekend|month|year|quarter|spring"
    r"|summer|autumn|fall|winter)(?:'s)?\b"
    rf"|(?:the )?(?:end|beginning|start|middle) of (?:the |this |next )?(?:week|month|year"
    rf"|{MONTH})"
    rf"|over the weekend|at the weekend|the weekend|in {MONTH}|before the weekend"
    rf"|after the weekend)"
)
RECURRENCE = re.compile(
    rf"\b(?:(?:every|each) (?:other |single |second |first |last |two |three |four "
    rf"|\d+ )?(?:{WEEKDAY}"
    r"|working day|season|day"
    rf"|week|month|quarter|year|morning|evening|fortnight|weekday"
    rf"|weekend)s?(?: and {WEEKDAY}s?)?"
    rf"(?: (?:of (?:the|each|every) month|morning|afternoon|evening))*"
    rf"|(?:once|twice|\d times|three times) (?:a|per|every) (?:day|week|month|quarter|year)"
    rf"|(?:daily|weekly(?! (?:deal|special|offer|class))|fortnightly|biweekly|bi-weekly"
    rf"|monthly|quarterly|yearly|annually)"
    r"(?! (?:members?|memberships?|sponsors?|plans?|flowers|pass|passes|payments?|fee|price"
    r"|box(?:es)?))"
    rf"|on {WEEKDAY}s|(?:the )?(?:first|last|second|third|1st|2nd|3rd) (?:{WEEKDAY}|working day"
    rf"|day)"
    r" of (?:the|each"
    rf"|every) month)"
    rf"(?:,? (?:at )(?:noon|midday|\d{{1,2}}(?:[:.]\d{{2}})?(?: ?(?:am|pm))?))?"
)
HOLIDAY = (
    r"(?:whitsun|good friday|easter(?: sunday| monday)?|christmas(?: eve| day)?|boxing day"
    r"|new year(?:'s)?(?: eve| day)?|memorial day|labou?r day|thanksgiving|halloween|black friday"
    r"|cyber monday|valentine'?s?(?: day)?|mother'?s day|father'?s day|pentecost|advent)"
)
_PHRASE = (
    rf"(?:\d{{1,2}}/\d{{1,2}}|noon (?:tomorrow|today)|{HOLIDAY}|(?:the )?(?:end|beginning"
    rf"|middle) of (?:the |this |next )?(?:day|week|weekend|month"
    rf"|year|quarter|{MONTH})"
    rf"|(?:this|next) (?:week|weekend|month|year)|(?:{_DATE})|(?:(?:this|next"
    rf"|coming) )?{WEEKDAY}(?: (?:night|evening|noon|midnight|morning))?"
    rf"|today|tonight|tomorrow(?: (?:night|evening|noon|morning))?|midnight|{MONTH}"
    rf"|the weekend|new year(?:'s eve)?|christmas(?: eve)?|easter|further notice"
    rf"|stocks? lasts?|the \d+)"
    rf"(?: (?:at )?(?:noon|midnight|\d{{1,2}}(?::\d\d)? ?(?:am|pm)?)\b(?! ?%))?"
)
EXPIRES = re.compile(
    rf"\b(?:(?:until|till|til|through|thru|up to|valid to|ends(?: on)?|ending(?: on)?"
    rf"|expires(?: on)?|expiring(?: on)?|by|before|while) (?:{_PHRASE})"
    rf"|(?:valid for|valid|lasts|expires? (?:in|after)"
    rf"|ends in) (?:the )?(?:next )?{SPAN}(?: only)?|for (?:the )?(?:next )?{SPAN} only"
    rf"|for (?:{NUMBER}) hours"
    rf"|(?:this (?:week|weekend|month|{WEEKDAY}) only|{WEEKDAY} to {WEEKDAY} only"
    rf"|only (?:on )?{WEEKDAY}|(?:only"
    rf"|just) this (?:week|weekend|month|{WEEKDAY}))|(?:today|tomorrow|tonight"
    rf"|{WEEKDAY}) only|only (?:today|tomorrow|this week|this weekend)|{SPAN} only)"
)
_DELAY = re.compile(
    rf"(?P<a>{SPAN}) (?:after|later|apart|between|from|past|following|in between|pass|delay|pause"
    rf"|gap|wait|since|of (?:delay|pause|waiting))"
    rf"|(?:wait|waits|waiting|delay(?:ed)?(?: of| by)?|after|with|every|pause of|gap of"
    rf"|another) (?P<b>{SPAN})(?! (?:discount|off|free|of free|trial|course|pass|retreat"
    rf"|challenge|plan))"
    rf"|(?:spaced (?:by )?|(?:interval|gap|wait|pause|delay)s?\b[^.;,]{{0,40}}? (?:to|is|be|of) )"
    rf"(?P<c>{SPAN})"
    rf"|(?P<d>{SPAN})(?:, | and | then |, then |, and )(?:{SPAN}|next day)"
)
_PERIOD = re.compile(
    rf"\b(?:(?:last|past|previous|this|these) (?:\d+|two|three|four|five|six|seven|ten|twelve"
    rf"|thirty|few|couple of|sixty|ninety)? ?(?:{UNIT}|{WEEKDAY}|weekend|morning|spring"
    rf"|summer|autumn|fall|winter|{MONTH})"
    rf"|yesterday|today|tonight|since (?:last )?(?:{_PHRASE}|yesterday|last \w+|\w+)"
    rf"|{MONTH}(?: 20\d\d)?|q[1-4](?: 20\d\d)?|(?:week|month|year) to date|20\d\d|all time"
    rf"|between \w+ and \w+|from \w+ to \w+)"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Where in the plain words something stands, and what it is."""

    start: int
    end: int
    value: str


def schedules(wording: Wording, now: datetime, zone: str) -> Iterator[tuple[str, Found]]:
    """Moments (`at`) and words for days (`relative`), in order, none inside another."""
    local = now.astimezone(ZoneInfo(zone))
    taken: list[tuple[int, int]] = []
    found: list[tuple[str, Found]] = []
    for kind, pattern in (
        ("at", _DAY_CLOCK),
        ("at", _CLOCK_DAY),
        ("at", _IN_HOURS),
        ("relative", _RELATIVE),
        ("at", _CLOCK_ONLY),
    ):
        for match in pattern.finditer(wording.plain):
            if any(match.start() < end and start < match.end() for start, end in taken):
                continue
            value = _moment(match, local) if kind == "at" else _words(wording, match)
            if value:
                taken.append(match.span())
                found.append((kind, Found(match.start(), match.end(), value)))
    return iter(sorted(found, key=lambda item: item[1].start))


def _words(wording: Wording, match: re.Match[str]) -> str:
    said = wording.said(match.start(), match.end())
    return re.sub(r"^(?:at |on |the |a )+", "", said, flags=re.IGNORECASE)


def _moment(match: re.Match[str], local: datetime) -> str:
    parts = match.groupdict()
    if parts.get("span"):
        return _after(parts["span"], local)
    clock = _clock(parts)
    if clock is None:
        return ""
    dayless = not any(
        parts.get(k) for k in ("iso", "us", "d1", "d2", "d3", "after", "near", "weekday", "days")
    )
    day = local.date() if dayless else _day(parts, local, clock)
    if day is None:
        return ""
    moment = datetime.combine(day, clock, local.tzinfo)
    if dayless and moment <= local:
        moment = datetime.combine(day + timedelta(days=1), clock, local.tzinfo)
    return moment.isoformat() if moment > local else ""


def _after(words: str, local: datetime) -> str:
    found = span(words)
    if found is None or found[1] not in ("minute", "hour"):
        return ""
    seconds = found[0] * (60 if found[1] == "minute" else 3600)
    zone = local.tzinfo
    return (
        (local.astimezone(ZoneInfo("UTC")) + timedelta(seconds=seconds))
        .astimezone(zone)
        .isoformat()
    )


def _clock(parts: dict[str, str | None]) -> time | None:
    if parts.get("noon"):
        return time(0 if parts["noon"] == "midnight" else 12)
    if parts.get("halfpast"):
        hour, minute = _hour(parts["hh2"] or "0"), 30
    elif parts.get("half"):
        base = _hour(parts["hh"] or "0")
        minutes = {"half past": 30, "quarter past": 15, "quarter to": -15}[parts["half"] or ""]
        total = (base * 60 + minutes) % 1440
        hour, minute = divmod(total, 60)
    else:
        hour = _hour(parts.get("hour") or parts.get("hour2") or parts.get("hourword") or "-1")
        minute = int(parts.get("minute") or parts.get("minute2") or 0)
    if not (0 <= hour < 24 and 0 <= minute < 60):
        return None
    return time(_afternoon(hour, parts), minute)


def _hour(words: str) -> int:
    return _HOURS[words] if words in _HOURS else int(words)


def _afternoon(hour: int, parts: dict[str, str | None]) -> int:
    half = (parts.get("ap") or parts.get("ap2") or "").replace(".", "").replace(" ", "")
    part = parts.get("part2") or parts.get("part") or ""
    near = parts.get("near") or ""
    late = part in ("afternoon", "evening") or near in ("tonight", "this evening", "this afternoon")
    if half == "pm" or (not half and late) or (not half and part == "night" and hour >= 6):
        return hour + 12 if hour < 12 else hour
    if half == "am" and hour == 12:
        return 0
    return hour


def _day(parts: dict[str, str | None], local: datetime, clock: time) -> date | None:
    today = local.date()
    if parts.get("after"):
        return today + timedelta(days=2)
    if near := parts.get("near"):
        return today + timedelta(days=1) if near == "tomorrow" else today
    if weekday := parts.get("weekday"):
        return _weekday(weekday, parts.get("which") or "", parts.get("week") or "", local, clock)
    if days := parts.get("days"):
        found = span(days)
        scale = {"day": 1, "week": 7, "fortnight": 14}
        if found is None or found[1] not in scale:
            return None
        return today + timedelta(days=round(found[0] * scale[found[1]]))
    return _date(parts, today)


def _weekday(name: str, which: str, week: str, local: datetime, clock: time) -> date:
    today = local.date()
    ahead = (_WEEKDAYS.index(name) - today.weekday()) % 7
    if which in ("next", "the next") or week == " next week":
        return today - timedelta(days=today.weekday()) + timedelta(days=7 + _WEEKDAYS.index(name))
    if ahead == 0 and clock <= local.time():
        ahead = 7
    return today + timedelta(days=ahead + (7 if week == " week" else 0))


def _date(parts: dict[str, str | None], today: date) -> date | None:
    try:
        if iso := parts.get("iso"):
            return date.fromisoformat(iso)
        if us := parts.get("us"):
            return _slashed(us, today)
        if only := parts.get("d3"):
            day = today.replace(day=int(only))
            return day if day >= today else _next_month(day)
        day_words = parts.get("d1") or parts.get("d2") or ""
        day_number = _ORDINALS.get(day_words) or int(number(day_words) or 0)
        month = _MONTH_NUMBER[parts.get("m1") or parts.get("m2") or ""]
        year = int(parts.get("y1") or parts.get("y2") or 0)
        day = date(year or today.year, month, day_number)
        return day.replace(year=day.year + 1) if day < today and not year else day
    except (KeyError, ValueError):
        return None


def _slashed(words: str, today: date) -> date | None:
    """`8/28` can only be August; of `3/4` nobody knows."""
    first, second = (int(part) for part in words.split("/"))
    if (first > 12) == (second > 12):
        return None
    day = today.replace(month=min(first, second), day=max(first, second))
    return day.replace(year=day.year + 1) if day < today else day


def _next_month(day: date) -> date:
    first = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
    return first.replace(day=day.day)


def first_words(pattern: re.Pattern[str], wording: Wording) -> Found | None:
    match = pattern.search(wording.plain)
    if match is None:
        return None
    return Found(match.start(), match.end(), wording.said(match.start(), match.end()))


def expires(wording: Wording) -> Found | None:
    """The words that say when an offer ends, from `until` or the like."""
    found = first_words(EXPIRES, wording)
    if found is None:
        return None
    trimmed = re.sub(r"^valid (?=until|till|through|for)", "", found.value, flags=re.IGNORECASE)
    return Found(found.start, found.end, trimmed)


def recurrence(wording: Wording) -> Found | None:
    found = first_words(RECURRENCE, wording)
    if found is None:
        return None
    return Found(
        found.start,
        found.end,
        re.sub(
            r"^(?:the"
            r"|on) ",
            "",
            found.value,
            flags=re.IGNORECASE,
        ),
    )


def delay(plain: str) -> str | None:
    """The first wait between or before e-mails: `3 days`."""
    for match in _DELAY.finditer(plain):
        words = match["a"] or match["b"] or match["c"] or match["d"]
        if text := span_text(words):
            return text
    if re.search(r"\b(?:the|a) (?:next )?day (?:after|later)\b|\bthe next day\b", plain):
        return "1 day"
    return None


def period(wording: Wording) -> Found | None:
    """The stretch of time a question about results is about."""
    found = first_words(_PERIOD, wording)
    if found is None:
        return None
    return Found(
        found.start,
        found.end,
        re.sub(r"'?s$", "", found.value)
        if re.match(r"(?:yesterday|today|tonight)'?s$", found.value, re.IGNORECASE)
        else found.value,
    )
