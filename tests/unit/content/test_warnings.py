"""What an owner is warned about: one mail that must be warned about for each warning."""

import pytest

from domain.campaign.content.warnings import warnings_for

SUBJECT = "A few lines from the bakery"
LINK = '<a href="{{ unsubscribe_url }}">Unsubscribe</a>'
HTML = f'<p>Good morning</p><a href="https://crust.example/shop">Have a look</a>{LINK}'
TEXT = "Good morning. Unsubscribe: {{ unsubscribe_url }}"

CASES = {
    "subject_empty": ("  ", HTML, TEXT),
    "subject_long": ("bread " * 12, HTML, TEXT),
    "subject_short": ("Bread", HTML, TEXT),
    "subject_shouts": ("FRESH BREAD every morning", HTML, TEXT),
    "spam_words": (SUBJECT, f"<p>Act now</p>{LINK}", TEXT),
    "mostly_images": (SUBJECT, f'<img src="a.png" alt="bread">{LINK}', TEXT),
    "image_without_alt": (SUBJECT, f'<img src="a.png">{LINK}', TEXT),
    "link_empty": (SUBJECT, f'<a href="#">x</a>{LINK}', TEXT),
    "link_broken": (SUBJECT, f'<a href="/shop">x</a>{LINK}', TEXT),
    "no_unsubscribe": (SUBJECT, "<p>unsubscribe</p>", TEXT),
    "no_unsubscribe_text": (SUBJECT, HTML, "Good morning."),
    "html_big": (SUBJECT, f"<p>{'bread ' * 20_000}</p>{LINK}", TEXT),
    "no_text": (SUBJECT, HTML, " "),
}


@pytest.mark.parametrize("code", CASES)
def test_each_warning_is_given_for_its_reason(code: str) -> None:
    assert code in [found for found, _ in warnings_for(*CASES[code])]


def test_a_sound_mail_has_no_warnings() -> None:
    assert warnings_for(SUBJECT, HTML, TEXT) == []


@pytest.mark.parametrize("subject", ["Everything!! Now here!", "Come and see!! It is spring"])
def test_too_many_exclamation_marks_are_shouting(subject: str) -> None:
    assert "subject_shouts" in dict(warnings_for(subject, HTML, TEXT))


@pytest.mark.parametrize(
    "link", ["mailto:", "javascript:alert(1)", "http://", "https://[bad", "ftp://x.example/a"]
)
def test_links_that_lead_nowhere_are_named(link: str) -> None:
    html = f'<a href="{link}">x</a>{LINK}'
    assert link in dict(warnings_for(SUBJECT, html, TEXT))["link_broken"]


@pytest.mark.parametrize("link", ["mailto:a@b.example", "tel:+43123", "{{ attributes.url }}"])
def test_links_that_work_in_a_mail_are_left_alone(link: str) -> None:
    assert warnings_for(SUBJECT, f'<a href="{link}">x</a>{LINK}', TEXT) == []


@pytest.mark.parametrize(
    "html", ["", "<", "<p", "<a href>", "</p></p>", "<!--", "\x00<img", "<![x"]
)
def test_broken_html_is_looked_at_all_the_same(html: str) -> None:
    assert "no_unsubscribe" in dict(warnings_for(SUBJECT, html, TEXT))
