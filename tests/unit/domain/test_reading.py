"""Who read a mail: kinds of programs, and the rule that tells machines from people."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.delivery.agents import AGENTS, Agent, agent_of
from domain.delivery.reading import (
    AT_ONCE,
    MACHINES,
    MOST_JUDGED,
    TOGETHER,
    Judged,
    Reading,
    judge,
)

DELIVERED = 1_767_603_600_000_000
MINUTE = 60_000_000


@pytest.mark.parametrize(
    ("user_agent", "agent"),
    [
        ("Mozilla/5.0 (Windows NT 5.1; rv:11.0) Firefox/11.0 (via ggpht.com GoogleImageProxy)",
         "gmail_proxy"),
        ("YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html", "yahoo_proxy"),
        ("Mozilla/5.0", "apple_proxy"),
        (" mozilla/5.0 ", "apple_proxy"),
        ("BarracudaSentinel (EE)", "barracuda"),
        ("Mozilla/5.0 (compatible; Proofpoint URL Defense)", "proofpoint"),
        ("Mimecast-URL-Protect/1.0", "mimecast"),
        ("CiscoSecureEmail/14", "cisco"),
        ("TMES", "trend_micro"),
        ("Mozilla/5.0 (X11; Linux) HeadlessChrome/120.0", "headless"),
        ("python-requests/2.32", "library"),
        ("Java/17.0.1", "library"),
        ("curl/8.5.0", "library"),
        ("Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)", "preview"),
        ("", "none"),
        ("  ", "none"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15", "ordinary"),
        ("Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17328; Pro)", "ordinary"),
        ("JavaScript enthusiast", "ordinary"),
    ],
)  # fmt: skip
def test_a_program_is_known_by_what_it_says_of_itself(user_agent: str, agent: Agent) -> None:
    assert agent_of(user_agent) == agent


@given(st.text())
def test_whatever_it_says_its_kind_is_on_the_list(user_agent: str) -> None:
    assert agent_of(user_agent) in AGENTS


def opened(after: int, agent: str = "ordinary") -> Reading:
    return Reading(DELIVERED + after, "opened", agent)


def clicked(after: int, agent: str = "ordinary") -> Reading:
    return Reading(DELIVERED + after, "clicked", agent)


@pytest.mark.parametrize("agent", AGENTS)
def test_a_program_that_reads_for_nobody_is_a_machine_at_any_time(agent: Agent) -> None:
    expected = Judged(1, 1) if agent in MACHINES else Judged(0, 0)

    assert judge([opened(MINUTE, agent), clicked(2 * MINUTE, agent)], DELIVERED) == expected


def test_the_image_proxies_of_gmail_and_yahoo_fetch_for_a_person_and_apple_s_for_nobody() -> None:
    assert not {"gmail_proxy", "yahoo_proxy", "ordinary", "unknown"} & MACHINES
    assert "apple_proxy" in MACHINES


@pytest.mark.parametrize(
    ("after", "machines"), [(-MINUTE, 1), (0, 1), (AT_ONCE, 1), (AT_ONCE + 1, 0)]
)
def test_nobody_reads_at_the_moment_of_delivery(after: int, machines: int) -> None:
    assert judge([opened(after)], DELIVERED).opened == machines
    assert judge([clicked(after)], DELIVERED).clicked == machines
    assert judge([opened(after), clicked(after)], None) == Judged(0, 0)


@pytest.mark.parametrize(("apart", "machines"), [(0, 2), (TOGETHER, 2), (TOGETHER + 1, 0)])
def test_two_links_at_once_are_a_machine_s(apart: int, machines: int) -> None:
    readings = [clicked(MINUTE), clicked(MINUTE + apart), clicked(9 * MINUTE), opened(MINUTE)]

    assert judge(readings, DELIVERED) == Judged(0, machines)


def test_events_from_before_the_list_are_judged_by_time_alone() -> None:
    assert judge([opened(0, "unknown"), opened(MINUTE, "unknown")], DELIVERED) == Judged(1, 0)


def test_the_earliest_are_judged_and_later_ones_count_as_a_person_s() -> None:
    readings = [opened(n * MINUTE, "library") for n in range(1, MOST_JUDGED + 11)]

    assert judge(readings, DELIVERED) == Judged(MOST_JUDGED, 0)


_READINGS = st.lists(
    st.builds(
        Reading,
        st.integers(DELIVERED - MINUTE, DELIVERED + MINUTE),
        st.sampled_from(("opened", "clicked")),
        st.sampled_from(AGENTS),
    )
)


@given(_READINGS, st.randoms(use_true_random=False))
def test_no_order_changes_the_verdict_and_nobody_is_counted_who_was_not_there(
    readings: list[Reading], rng: random.Random
) -> None:
    verdict = judge(readings, DELIVERED)
    rng.shuffle(readings)

    assert judge(readings, DELIVERED) == verdict
    assert verdict.opened <= sum(reading.event == "opened" for reading in readings)
    assert verdict.clicked <= sum(reading.event == "clicked" for reading in readings)
