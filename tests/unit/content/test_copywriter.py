"""The copywriter: every business and every kind of e-mail, and nothing made up in any of them."""

import re
from collections.abc import Iterator
from dataclasses import astuple, replace
from itertools import pairwise, product
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.campaign.content.brief import (
    BusinessProfile,
    CampaignType,
    ContentBrief,
    ContentError,
    EmailDraft,
    Offer,
)
from domain.campaign.content.copywriter import TOKEN, role_of, write_email
from domain.campaign.content.facts import facts_of, stated_facts
from domain.campaign.content.layout import to_html, to_text
from domain.campaign.content.packs import packs
from domain.campaign.content.personalise import compile as compile_template
from domain.campaign.content.personalise import render
from domain.campaign.content.warnings import warnings_for
from tests.unit.content.briefs import LAST_DAY, TWENTY_OFF, VOICES, WIN_BACK, business

TYPES: tuple[CampaignType, ...] = get_args(CampaignType)
INDUSTRIES = [i.match[0] if i.match else "lighthouse keeping" for i in packs().industries.values()]
EMOJI = re.compile("[\U0001f300-\U0001faff\u2600-\u27bf\u23f0]")
PROMISES = re.compile(
    r"\d|% off|discount|save\b|sale\b|free shipping|coupon|\bcode\b|award|best-selling|"
    r"customers say|stars\b|guarantee|limited|years of|since 19|since 20",
    re.IGNORECASE,
)


def words(draft: EmailDraft) -> str:
    return "\n".join(str(value) for value in astuple(draft) if value)


def everything(brief: ContentBrief) -> Iterator[tuple[BusinessProfile, EmailDraft]]:
    for industry, voice, variant in product(INDUSTRIES, VOICES.values(), range(3)):
        profile = business(industry, voice, website=None if variant else "https://shop.example")
        yield profile, write_email(profile, brief, variant)


def drip(kind: CampaignType, voice: str, count: int, **facts: object) -> list[EmailDraft]:
    brief = ContentBrief(kind, count_of_emails=count, **facts)  # type: ignore[arg-type]
    profile = business("cafe", voice)
    return [write_email(profile, replace(brief, step=s + 1), 2) for s in range(count)]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("step", [1, 2, 3, 4, 5])
def test_a_brief_without_facts_gives_a_mail_without_promises(kind: CampaignType, step: int) -> None:
    for _, draft in everything(ContentBrief(kind, step=step, count_of_emails=5)):
        stated = replace(draft, button_url="")
        assert not PROMISES.search(words(stated)), words(stated)
        assert draft.offer is None
        assert draft.code is None


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("step", [1, 2, 5])
def test_every_number_in_a_mail_was_in_the_brief(kind: CampaignType, step: int) -> None:
    brief = ContentBrief(
        kind,
        offer=TWENTY_OFF,
        expires=LAST_DAY,
        discount_code="BACK7",
        product="oat latte",
        occasion="Mother's Day",
        inactive_days=60,
        step=step,
        count_of_emails=5,
    )
    for _, draft in everything(brief):
        assert set(re.findall(r"\d+", words(draft))) <= {"20", "29", "7"}


@pytest.mark.parametrize("kind", TYPES)
def test_what_we_write_raises_no_warning(kind: CampaignType) -> None:
    brief = ContentBrief(kind, offer=TWENTY_OFF, expires=LAST_DAY)
    for voice in VOICES.values():
        for variant in range(6):
            profile = business("salon", voice)
            draft = write_email(profile, brief, variant)
            html, text = to_html(draft, profile), to_text(draft, profile)
            assert warnings_for(draft.subject, html, text) == []


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("brief", [{}, {"offer": TWENTY_OFF}, {"occasion": "Black Friday"}])
def test_subjects_are_of_a_length_that_inboxes_show(
    kind: CampaignType, brief: dict[str, object]
) -> None:
    subjects = [d.subject for _, d in everything(ContentBrief(kind, **brief))]  # type: ignore[arg-type]
    assert all(10 < len(subject) <= 60 for subject in subjects)
    assert sum(25 <= len(subject) <= 50 for subject in subjects) >= 0.7 * len(subjects)


def test_an_emoji_comes_alone_and_only_in_a_playful_voice() -> None:
    for kind, step in product(TYPES, range(1, 6)):
        for voice, text in VOICES.items():
            draft = drip(kind, text, 5)[step - 1]
            allowed = 1 if voice == "playful" else 0
            assert len(EMOJI.findall(draft.subject)) <= allowed
            assert not EMOJI.findall(words(replace(draft, subject="")))


def test_the_offer_is_stated_when_there_is_one() -> None:
    for kind in ("welcome", "convert", "abandon", "win_back", "announce", "promotional"):
        for _, draft in everything(ContentBrief(kind, offer=TWENTY_OFF, discount_code="BACK20")):
            assert any("20% off" in paragraph for paragraph in draft.paragraphs)
            assert draft.code == "BACK20"


@pytest.mark.parametrize("kind", ["welcome", "convert", "win_back", "announce", "newsletter"])
def test_the_product_is_named_in_the_text(kind: CampaignType) -> None:
    brief = ContentBrief(kind, product="the oat latte", occasion="Mother's Day", offer=TWENTY_OFF)
    for _, draft in everything(brief):
        assert "oat latte" in " ".join(draft.paragraphs)


def test_a_sentence_begins_in_upper_case() -> None:
    brief = ContentBrief("announce", product="our spring menu")
    headlines = {draft.headline for _, draft in everything(brief)}
    assert "Ta-da! Our spring menu" in headlines


def test_an_industry_speaks_of_its_own_things() -> None:
    mails = {i: words(write_email(business(i, name="Nord"), WIN_BACK)) for i in INDUSTRIES}
    assert len(set(mails.values())) == len(INDUSTRIES)
    assert re.search("bread|oven", mails["bakery"])


@pytest.mark.parametrize(
    ("industry", "expected"),
    [
        ("Pet shop", "pets"),
        ("shoe store", "shoes"),
        ("Online store for books", "bookshop"),
        ("Coffee shop", "cafe"),
        ("B2B SaaS", "saas"),
        ("Real estate agency", "realestate"),
        ("law practice", "consulting"),
        ("gift shop", "ecommerce"),
        ("lighthouse keeping", "generic"),
        ("", "generic"),
    ],
)
def test_an_industry_is_recognised_however_it_is_called(industry: str, expected: str) -> None:
    draft = write_email(business(industry, name="Nord"), ContentBrief("promotional"))
    assert draft.button_label == packs().industries[expected].cta


@pytest.mark.parametrize("voice", VOICES)
def test_each_voice_has_its_own_greeting_and_closing(voice: str) -> None:
    draft = write_email(business(voice=VOICES[voice]), WIN_BACK)
    spoken = packs().voices[voice]
    assert draft.greeting.split()[0] == spoken.greeting.split()[0]
    assert draft.closing.splitlines()[0].rstrip(",") in spoken.closings


def test_the_same_input_gives_the_same_mail_and_another_variant_another() -> None:
    assert write_email(business(), WIN_BACK, 4) == write_email(business(), WIN_BACK, 4)
    assert len({words(write_email(business(), WIN_BACK, v)) for v in range(10)}) >= 5


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("voice", VOICES.values())
def test_the_steps_of_a_drip_differ(kind: CampaignType, voice: str) -> None:
    mails = drip(kind, voice, 5, offer=TWENTY_OFF, expires=LAST_DAY)
    assert len({mail.subject for mail in mails}) >= 4
    assert all(a.subject != b.subject for a, b in pairwise(mails))
    assert len({mail.paragraphs for mail in mails}) >= 4 if kind != "newsletter" else True


def test_a_last_call_needs_a_last_day() -> None:
    final = ContentBrief("promotional", offer=TWENTY_OFF, step=3, count_of_emails=3)
    assert role_of(replace(final, expires=LAST_DAY)) == "last_day"
    assert role_of(final) != "last_day"
    assert role_of(replace(final, campaign_type="win_back")) == "farewell"


@pytest.mark.parametrize(("step", "count"), [(0, 1), (2, 1), (6, 6)])
def test_a_step_that_does_not_exist_is_refused(step: int, count: int) -> None:
    with pytest.raises(ContentError) as caught:
        write_email(business(), ContentBrief("welcome", step=step, count_of_emails=count))
    assert caught.value.code == "step_unknown"


def test_a_tone_asked_for_changes_the_mail() -> None:
    formal = business(voice="professional")
    plain = write_email(formal, WIN_BACK)
    friendly = write_email(formal, WIN_BACK, adjustments=("friendly",))
    shorter = write_email(formal, WIN_BACK, adjustments=("shorter",))
    assert plain.greeting.startswith("Hello")
    assert friendly.greeting.startswith("Hi")
    assert len(" ".join(shorter.paragraphs)) < len(" ".join(plain.paragraphs))
    assert write_email(formal, replace(WIN_BACK, tone="playful")).greeting.startswith("Hey")


def test_urgency_names_the_last_day_and_invents_none() -> None:
    brief = ContentBrief("promotional", offer=TWENTY_OFF, expires="Sunday")
    urgent = write_email(business(), brief, adjustments=("urgent",))
    assert "until Sunday" in urgent.subject
    undated = write_email(business(), replace(brief, expires=None), adjustments=("urgent",))
    assert undated.ps == "Why not today, while you are thinking of it?"
    assert "until" not in words(undated)


def test_without_a_website_the_button_writes_a_mail() -> None:
    for website in (None, "javascript:alert(1)", "crust"):
        draft = write_email(business(website=website), WIN_BACK)
        assert draft.button_url == "mailto:mara@crust.example"
        assert draft.button_label == "Write to us"


def test_a_dictated_subject_is_used_for_the_first_mail() -> None:
    brief = ContentBrief("win_back", subject=" Come  back, {{ first_name }} ", count_of_emails=2)
    assert write_email(business(), brief).subject == "Come back, {{ first_name }}"
    assert write_email(business(), replace(brief, step=2)).subject != brief.subject
    broken = write_email(business(), replace(brief, subject="50 {{ % off"))
    assert render(compile_template(broken.subject, html=False), {}) == "50 { { % off"


@pytest.mark.parametrize(
    ("offer", "expected"),
    [
        (Offer("percent", 12.5), "12.5% off"),
        (Offer("amount", 5, "EUR"), "€5 off"),
        (Offer("amount", 4.5, "usd"), "$4.50 off"),
        (Offer("amount", 10, "CHF"), "CHF 10 off"),
        (Offer("free_shipping"), "Free shipping"),
        (Offer("free_shipping", text="free delivery"), "Free delivery"),
        (Offer("gift", text="with a coffee on the house"), "A coffee on the house"),
        (Offer("other", text="buy one, get one"), "Buy one, get one"),
    ],
)
def test_an_offer_is_said_as_it_was_meant(offer: Offer, expected: str) -> None:
    draft = write_email(business(), ContentBrief("announce", offer=offer))
    assert draft.offer == expected


@pytest.mark.parametrize(
    ("expires", "expected"),
    [
        (LAST_DAY, "until Sunday, 29 November"),
        ("Sunday", "until Sunday"),
        ("by Friday", "until Friday"),
        ("end of month", "until the end of the month"),
        ("in 48 hours", "for 48 hours"),
        ("tomorrow night", "until tomorrow night"),
    ],
)
def test_a_last_day_fits_into_a_sentence(expires: object, expected: str) -> None:
    brief = ContentBrief("promotional", offer=TWENTY_OFF, expires=expires)  # type: ignore[arg-type]
    assert f"20% off your next order, {expected}" in words(write_email(business(), brief))


@pytest.mark.parametrize(
    ("days", "said"),
    [(1, "a day"), (14, "two weeks"), (60, "two months"), (100, "three months"), (365, "a year"),
     (800, "two years")],
)  # fmt: skip
def test_a_time_away_is_never_said_longer_than_it_is(days: int, said: str) -> None:
    drafts = [write_email(business(voice="playful"), replace(WIN_BACK, inactive_days=days))]
    assert any(f"ore than {said}" in words(draft) for draft in drafts)


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60), st.integers(0, 9))
def test_whatever_the_owner_typed_makes_a_template_that_compiles(
    name: str, thing: str, when: str, variant: int
) -> None:
    profile = replace(business(), name=name, sender_name=thing, postal_address=when)
    brief = ContentBrief(
        "promotional",
        offer=Offer("other", text=thing),
        product=thing,
        occasion=when,
        expires=when,
        discount_code=thing,
    )
    draft = write_email(profile, brief, variant)
    for template, html in ((to_html(draft, profile), True), (to_text(draft, profile), False)):
        rendered = render(compile_template(template, html=html), {"unsubscribe_url": "https://u.x"})
        assert "https://u.x" in rendered


def test_every_fact_that_a_line_names_exists() -> None:
    known = set(facts_of(business(), packs().industries["bakery"], ContentBrief("welcome")))
    lines = [
        line for r in packs().roles.values() for s in r.values() for v in s.values() for line in v
    ]
    lines += [line for aside in packs().asides.values() for v in aside.values() for line in v]
    assert {token for line in lines for token in TOKEN.findall(line)} <= known | stated_facts()


def test_a_stranger_is_greeted_as_the_voice_would() -> None:
    for voice, greeting in {"elegant": "Dear guest,", "friendly": "Hi there,"}.items():
        draft = write_email(business(voice=voice), WIN_BACK)
        assert render(compile_template(draft.greeting), {}) == greeting


def test_every_kind_of_mail_has_lines_in_every_register() -> None:
    for role, registers in packs().roles.items():
        assert set(registers) == {"any", "warm", "formal", "playful", "luxe"}, role
        for register in ("warm", "formal", "playful", "luxe"):
            for slot in ("subject", "headline", "open"):
                plain = [
                    line
                    for line in registers[register][slot]
                    if not stated_facts() & set(TOKEN.findall(line))
                ]
                assert plain or role == "last_day", (role, register, slot)
