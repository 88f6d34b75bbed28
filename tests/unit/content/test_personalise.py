"""Personal fields: fallbacks, escaping, clear errors, and limits that hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from liquid import Environment
from markupsafe import escape

from domain.campaign.content.brief import ContentError
from domain.campaign.content.personalise import compile as compile_template
from domain.campaign.content.personalise import escaped_outside_tags, neutralised, render


def rendered(template: str, fields: dict[str, object] | None = None, *, html: bool = True) -> str:
    return render(compile_template(template, html=html), fields or {})


def test_an_unknown_or_empty_field_takes_its_fallback() -> None:
    hello = 'Hi {{ first_name | default: "there" }}'
    assert rendered(hello, {"first_name": "Ada"}) == "Hi Ada"
    assert rendered(hello) == "Hi there"
    for nothing in (None, ""):
        assert rendered(hello, {"first_name": nothing}) == "Hi there"
    assert rendered("[{{ nobody.knows.this }}]") == "[]"


def test_attributes_are_reached_by_name() -> None:
    fields: dict[str, object] = {"attributes": {"city": "Graz", "orders": 3}}
    template = "{{ attributes.city }} {{ attributes.orders }} {{ attributes.none }}."
    assert rendered(template, fields) == "Graz 3 ."


def test_html_is_escaped_and_text_is_not() -> None:
    fields: dict[str, object] = {"first_name": "<b>A & B</b>"}
    assert rendered("{{ first_name }}", fields) == "&lt;b&gt;A &amp; B&lt;/b&gt;"
    assert rendered("{{ first_name }}", fields, html=False) == "<b>A & B</b>"


def test_a_field_is_data_and_never_a_template() -> None:
    assert rendered("{{ a }}", {"a": "{{ b }}", "b": "no"}) == "{{ b }}"
    assert rendered("{{ a }}", {"a": "{{{ pm:unsubscribe }}}"}) == "{{{ pm:unsubscribe }}}"


@pytest.mark.parametrize(
    ("template", "line"),
    [
        ("a\nb {{ first_name", 2),
        ("a\n\n{% nope %}", 3),
        ("{{ a | nofilter }}", 1),
        ("{% if a %}", None),
        ("{% include 'x' %}", 1),
        ("{% render 'x' %}", 1),
        ("{{ a | safe }}", 1),
        ("{{ 'now' | date: '%Y' }}", None),
        ("{{ 1 | divided_by: 0 }}", 1),
        ("{{" + "[" * 5000 + "}}", None),
        ("{{ 'inf' | ceil }}", None),
        ("{% for i in (1..3) limit:-1 %}x{% endfor %}", None),
    ],
)
def test_a_broken_template_is_explained_with_its_line(template: str, line: int | None) -> None:
    with pytest.raises(ContentError) as caught:
        compile_template(template)
    assert caught.value.code == "template_invalid"
    assert caught.value.line == line


@pytest.mark.parametrize(
    "template",
    [
        "{% for i in (1..1000000000) %}x{% endfor %}",
        "{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}",
        "{% assign x = 'a' %}{% for i in (1..900) %}{% assign x = x | append: x %}{% endfor %}",
        "{{ 'x' " + "| replace: 'x', 'xxxxxxxxxxxxxxxxxxxx'" * 30 + " }}",
        "{% assign a = '" + "x" * 5000 + "' | split: '' %}{{ a | join: '" + "y" * 5000 + "' }}",
    ],
)
def test_a_template_cannot_grow_without_end(template: str) -> None:
    with pytest.raises(ContentError) as caught:
        compile_template(template)
    assert caught.value.code == "template_too_large"


def test_a_value_that_a_filter_cannot_take_is_the_mails_fault_and_not_a_crash() -> None:
    sound = compile_template("{{ attributes.points | round }}")
    with pytest.raises(ContentError) as caught:
        render(sound, {"attributes": {"points": "nan"}})
    assert caught.value.code == "template_invalid"


def test_a_loop_over_a_contacts_field_is_limited_too() -> None:
    compiled = compile_template("{% for i in (1..attributes.n) %}x{% endfor %}")
    assert render(compiled, {"attributes": {"n": 3}}) == "xxx"
    with pytest.raises(ContentError) as caught:
        render(compiled, {"attributes": {"n": 10**9}})
    assert caught.value.code == "template_too_large"


def test_a_date_field_is_formatted() -> None:
    assert rendered("{{ d | date: '%d.%m.%Y' }}", {"d": "2026-03-05"}) == "05.03.2026"


def lines_ended_alike(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


PARTS = st.lists(
    st.sampled_from(
        [
            "plain ",
            "<p>&amp;</p>",
            "{{ first_name }}",
            '{{ first_name | default: "there" }}',
            "{{ attributes.city | upcase }}",
            "{% if attributes.city %}yes{% else %}no{% endif %}",
            "{% for t in tags %}{{ t }},{% endfor %}",
        ]
    ),
    max_size=8,
)


@given(PARTS, st.text(), st.text() | st.none(), st.lists(st.text(), max_size=3), st.booleans())
def test_the_result_is_what_liquid_itself_gives(
    parts: list[str], name: str, city: str | None, tags: list[str], html: bool
) -> None:
    fields: dict[str, object] = {"first_name": name, "attributes": {"city": city}, "tags": tags}
    template = "".join(parts)
    expected = Environment(autoescape=html).from_string(template).render(**fields)
    assert rendered(template, fields, html=html) == lines_ended_alike(expected)


@given(st.text())
def test_neutralised_text_comes_out_as_text(text: str) -> None:
    result = rendered(neutralised(text), html=False)
    assert result.replace(" ", "") == lines_ended_alike(text).replace(" ", "")


@given(st.text(alphabet=st.characters(exclude_characters="{}")))
def test_words_are_escaped_and_fields_stay(text: str) -> None:
    field = '{{ first_name | default: "there" }}'
    assert escaped_outside_tags(f"{text}{field}{text}") == f"{escape(text)}{field}{escape(text)}"
