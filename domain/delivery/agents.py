"""What kind of program opened a mail or followed a link: all that statistics may know of it.

The user agent itself is personal and sealed; its kind, from this closed list, is recorded in clear
with the event, so that a rule can judge it after the person was erased. Kinds are finer than
today's rule needs, because what was recorded cannot be read again.

Sources: Mailgun, "Privacy, automatic engagements, and Mailgun's bot detection" (Apple's prefetch is
a bare `Mozilla/5.0`, Gmail's proxy names GoogleImageProxy); Yahoo help SLN28749 (YahooMailProxy);
"Bot clicks from security scanners: a field guide" (Barracuda, Proofpoint, Mimecast, Cisco, Trend
Micro name themselves); Suped, "How can I identify bot user agents" (libraries and previews).
"""

from __future__ import annotations

import re
from typing import Final, Literal, get_args

Agent = Literal[
    "ordinary", "gmail_proxy", "yahoo_proxy", "apple_proxy", "barracuda", "proofpoint", "mimecast",
    "cisco", "trend_micro", "other_scanner", "headless", "library", "preview", "none", "unknown",
]  # fmt: skip
AGENTS: Final[tuple[Agent, ...]] = get_args(Agent)
"""`none`: no user agent was sent; `unknown`: the event is older than the list."""

_APPLE: Final = "mozilla/5.0"
_MARKS: Final[tuple[tuple[Agent, str], ...]] = (
    ("gmail_proxy", r"googleimageproxy"),
    ("yahoo_proxy", r"yahoomailproxy"),
    ("barracuda", r"barracuda"),
    ("proofpoint", r"proofpoint|urldefense"),
    ("mimecast", r"mimecast"),
    ("cisco", r"ciscosecureemail|ironport|cisco-?esa"),
    ("trend_micro", r"trend ?micro|\btmes\b"),
    ("other_scanner", r"safelinks|fortisandbox|fortimail|sophos|symantec|checkpoint|vade ?secure"),
    ("headless", r"headless|phantomjs|puppeteer|playwright|selenium"),
    ("library", (r"python|aiohttp|\bwget|\bcurl|go-http-client|^java/|jetty|apache-httpclient"
                r"|lua-resty|libwww|node-fetch|axios|guzzle|ruby")),
    ("preview", (r"slackbot|facebookexternal|snap url preview|twitterbot|whatsapp|telegrambot"
                r"|skypeuripreview|linkedinbot|discordbot|googlebot|bingbot|bingpreview|yandexbot")),
)  # fmt: skip
_PATTERN: Final = re.compile("|".join(f"(?P<{agent}>{mark})" for agent, mark in _MARKS))


def agent_of(user_agent: str) -> Agent:
    """The kind of a user agent; a program that does not tell on itself is `ordinary`."""
    text = user_agent.strip().lower()
    if not text:
        return "none"
    if text == _APPLE:
        return "apple_proxy"
    found = _PATTERN.search(text)
    kind = found.lastgroup if found else None
    return next((agent for agent in AGENTS if agent == kind), "ordinary")
