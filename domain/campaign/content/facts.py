"""What a brief states, put into words that fit into a sentence; what it leaves out is not there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from domain.campaign.content.brief import BusinessProfile, ContentBrief, Offer
from domain.campaign.content.packs import Industry
from domain.campaign.content.personalise import typed

Facts = dict[str, str]

SYMBOLS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥", "INR": "₹"}
OWNED = re.compile(r"^(our|the|an?|my|your|this|these|those)\s+", re.IGNORECASE)
NEW = re.compile(r"^(brand[- ]new|new)\s+", re.IGNORECASE)
WHOLE = re.compile(r"^(all|any|every|everything|each|selected)\b", re.IGNORECASE)
OFFERED = re.compile(
    r"^(get|with|offer(ing)?|giv(e|ing)( them| everyone)?|for|plus)\s+", re.IGNORECASE
)
SPAN = re.compile(
    r"^(?:in |for |within )?(?:the next )?(\d+ (?:hours?|days?|weeks?))$", re.IGNORECASE
)
BEFORE_DATE = re.compile(r"^(until|till|by|through|before|on|ends?)\s+(?!of\b)", re.IGNORECASE)
HAPPENING = re.compile(r"\b(sale|anniversary|birthday|launch|opening|event|party|week|festival)$")
COUNTED = {1: "a", 2: "two", 3: "three", 4: "four", 5: "five", 6: "six", 7: "seven", 8: "eight",
           9: "nine", 10: "ten", 11: "eleven", 12: "twelve"}  # fmt: skip


def facts_of(profile: BusinessProfile, industry: Industry, brief: ContentBrief) -> Facts:
    """Every fact a line may name, ready to stand in it. A fact that is not known has no key."""
    facts = {
        "business": profile.name,
        "thing": industry.thing,
        "action": industry.action,
        "next": industry.next,
        "basket": industry.basket,
        **dict(_stated(brief)),
    }
    if brief.offer and (offer := _offer(brief.offer)):
        target = _target(brief, industry) if brief.offer.kind in ("percent", "amount") else ""
        facts |= {"offer": offer, "deal": offer + target}
        facts["deal_until"] = facts["deal"] + (f", {facts['until']}" if "until" in facts else "")
    return {name: typed(value) for name, value in facts.items()}


def stated_facts() -> frozenset[str]:
    """The names of facts that come from the brief, so may be missing."""
    return frozenset(
        {"product", "product_plain", "occasion", "until", "away", "offer", "deal", "deal_until"}
    )


def _stated(brief: ContentBrief) -> Iterator[tuple[str, str]]:
    if brief.product and brief.product.strip():
        plain = OWNED.sub("", brief.product.strip())
        yield "product", plain if WHOLE.match(plain) else f"our {plain}"
        yield "product_plain", NEW.sub("", plain)
    if brief.occasion and brief.occasion.strip():
        occasion = brief.occasion.strip()
        needs_owner = HAPPENING.search(occasion) and not OWNED.match(occasion)
        yield "occasion", f"our {occasion}" if needs_owner else occasion
    if until := _until(brief.expires):
        yield "until", until
    if brief.inactive_days and brief.inactive_days > 0:
        yield "away", _span(brief.inactive_days)


def _offer(offer: Offer) -> str:
    words = OFFERED.sub("", offer.text.strip())
    match offer.kind:
        case "percent" if offer.value:
            return f"{offer.value:g}% off"
        case "amount" if offer.value:
            return f"{_money(offer.value, offer.currency)} off"
        case "free_shipping":
            return "free delivery" if "deliver" in words.lower() else "free shipping"
    return words


def _money(value: float, currency: str | None) -> str:
    amount = f"{value:.0f}" if value == int(value) else f"{value:.2f}"
    if not currency:
        return amount
    symbol = SYMBOLS.get(currency.upper())
    return f"{symbol}{amount}" if symbol else f"{currency.upper()} {amount}"


def _target(brief: ContentBrief, industry: Industry) -> str:
    """What a discount is on: the product the owner named, else whatever comes next."""
    if brief.product and brief.product.strip():
        plain = OWNED.sub("", brief.product.strip())
        return f" {plain}" if WHOLE.match(plain) else f" our {plain}"
    return f" {industry.next}"


def _until(expires: str | date | None) -> str | None:
    """ "until Sunday, 30 November", "until the end of the month", "for 48 hours"."""
    if expires is None:
        return None
    if isinstance(expires, date):
        return f"until {expires:%A}, {expires.day} {expires:%B}"
    words = " ".join(expires.split())
    if span := SPAN.match(words):
        return f"for {span[1]}"
    words = BEFORE_DATE.sub("", words)
    words = re.sub(r"^end of (?:the )?(\w+)$", r"the end of the \1", words, flags=re.IGNORECASE)
    return f"until {words}" if words else None


def _span(days: int) -> str:
    """Never longer than the days given: 60 -> two months, 100 -> three months, 14 -> two weeks."""
    if days >= 730:
        return f"{COUNTED.get(days // 365, days // 365)} years"
    for size, unit in ((365, "year"), (30, "month"), (7, "week"), (1, "day")):
        count = days // size
        if count:
            return f"{COUNTED.get(count, count)} {unit}{'s' if count > 1 else ''}"
    raise ValueError(f"a span has at least a day, not {days}")
