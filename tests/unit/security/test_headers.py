"""What browsers are told: run nothing, frame nothing, believe no other origin."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser

import httpx
import pytest

from api.headers import hash_of, policy
from api.routers import unsubscribe
from tests.unit.security.application import client, recorded

ASKED_FOR = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}
ORIGIN = "https://app.example.com"


class Inline(HTMLParser):
    """What a strict policy would not run: scripts, styles and handlers in the page itself."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.elsewhere: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._open = tag if tag in ("script", "style") and "src" not in given else ""
        self.found += [name for name in given if name.startswith("on") or name == "style"]
        links = [given.get("src"), given.get("href")]
        self.elsewhere += [link for link in links if link and re.match(r"(https?:)?//", link)]

    def handle_data(self, data: str) -> None:
        if self._open and data.strip():
            self.found.append(data)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the parser's signature
        self._open = ""


def inline(page: str) -> list[str]:
    """Inline scripts, styles and handlers of a page."""
    parser = Inline()
    parser.feed(page)
    return parser.found


def from_elsewhere(page: str) -> list[str]:
    """What a page loads from another host."""
    parser = Inline()
    parser.feed(page)
    return parser.elsewhere


def missing(headers: Mapping[str, str]) -> list[str]:
    """Headers that an answer lacks, or has with another value."""
    lacking = [name for name, value in ASKED_FOR.items() if headers.get(name) != value]
    if "default-src 'none'" not in headers.get("content-security-policy", ""):
        lacking.append("content-security-policy")
    return lacking


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health", 200),
        ("GET", "/openapi.json", 200),
        ("GET", "/docs", 200),
        ("GET", "/no/such/path", 404),
        ("GET", "/v1/organization", 401),
        ("DELETE", "/health", 405),
    ],
)
def test_every_answer_is_hardened(method: str, path: str, status: int) -> None:
    answer = client().request(method, path)
    assert answer.status_code == status
    assert missing(answer.headers) == []


def test_the_check_finds_an_answer_that_is_not() -> None:
    assert missing(httpx.Headers({"Content-Type": "text/html"})) == [
        *ASKED_FOR, "content-security-policy",
    ]  # fmt: skip


def test_the_webhook_door_in_front_of_everything_is_hardened_too() -> None:
    browser = client(public_url="http://webhooks.example")
    answer = browser.post("/v1/webhooks/postmark", content=b"{}")
    assert answer.status_code == 401
    assert missing(answer.headers) == []
    assert [event.kind for event in recorded(browser)] == ["token_refused"]


def test_browsers_are_told_to_keep_to_https_only_where_there_is_https() -> None:
    plain = client().get("/health")
    encrypted = client(public_url="https://nudge.example").get("/health")
    assert "strict-transport-security" not in plain.headers
    assert encrypted.headers["strict-transport-security"].startswith("max-age=31536000")


def test_the_page_of_the_api_works_from_this_server_alone_under_its_own_policy() -> None:
    browser = client()
    page = browser.get("/docs")
    assert inline(page.text) == []
    assert from_elsewhere(page.text) == []
    assert "unsafe" not in page.headers["content-security-policy"]
    files = re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text)
    assert len(files) == 4
    for file in files:
        answer = browser.get(file)
        assert answer.status_code == 200, file
        assert answer.content
    assert "SwaggerUIBundle" in browser.get("/docs/swagger-ui-bundle.js").text
    assert browser.get("/openapi.json").json()["openapi"].startswith("3.")


def test_the_check_finds_what_a_strict_policy_would_not_run() -> None:
    page = '<p onclick="x()" style="a:b"><script>run()</script><script src="//cdn.example/x.js">'
    assert inline(page) == ["onclick", "style", "run()"]
    assert from_elsewhere(page) == ["//cdn.example/x.js"]


def test_no_other_file_of_the_package_and_none_beside_it_is_served() -> None:
    browser = client()
    for path in ("/docs/__init__.py", "/docs/..%2f..%2fmain.py", "/docs/%2e%2e/main.py"):
        assert browser.get(path).status_code in (404, 422), path


def test_the_style_of_the_unsubscribe_page_is_allowed_by_its_hash_and_no_other() -> None:
    answer = unsubscribe.page("Unsubscribe?", "<p>x</p>")
    styles = re.findall(r"<style>(.*?)</style>", bytes(answer.body).decode(), re.DOTALL)
    allowed = answer.headers["Content-Security-Policy"]
    assert [hash_of(style) in allowed for style in styles] == [True]
    assert hash_of(styles[0] + " ") not in allowed
    assert "unsafe-inline" not in allowed


def test_a_policy_allows_what_it_names_and_nothing_else() -> None:
    assert policy(script_src="'self'") == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none';"
        " script-src 'self'"
    )


def test_without_configuration_no_other_origin_may_read_anything() -> None:
    asked = {"Origin": ORIGIN, "Access-Control-Request-Method": "GET"}
    assert "access-control-allow-origin" not in client().get("/health", headers=asked).headers
    assert client().options("/v1/organization", headers=asked).status_code == 405


def test_an_origin_that_was_configured_may_and_another_may_not() -> None:
    browser = client(cors_origins=(ORIGIN,))
    asked = {"Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "if-match"}
    own = browser.options("/v1/organization", headers={**asked, "Origin": ORIGIN})
    assert own.status_code == 200
    assert own.headers["access-control-allow-origin"] == ORIGIN
    assert own.headers["access-control-allow-credentials"] == "true"
    other = browser.options("/v1/organization", headers={**asked, "Origin": "https://evil.example"})
    assert other.status_code == 400
    assert "access-control-allow-origin" not in other.headers
    refused = browser.get("/v1/organization", headers={"Origin": ORIGIN})
    assert refused.status_code == 401
    assert refused.headers["access-control-allow-origin"] == ORIGIN
    assert "nudge-position" in refused.headers["access-control-expose-headers"].lower()
