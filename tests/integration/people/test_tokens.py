"""Access and refresh tokens: what is believed, for how long, and what is not."""

from __future__ import annotations

import json
import threading
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import PyJWK

from infra.people.access_tokens import AUDIENCE, AccessTokens
from infra.people.token_keys import KeySet
from infra.people.wiring import token_keys
from tests.support.people import Entrance, Member


def works(entrance: Entrance, token: str) -> bool:
    answer = entrance.api.get("/v1/organization", key=token)
    assert answer.status_code in (200, 401), answer.text
    if answer.status_code == 401:
        assert answer.json()["code"] == "unauthenticated"
        assert answer.headers["www-authenticate"] == "Bearer"
    return answer.status_code == 200


def keys_of(entrance: Entrance) -> KeySet:
    return token_keys(entrance.api.worker).keys()


Forge = Callable[[dict[str, Any], KeySet], str]


def signed(**changes: Any) -> Forge:
    """Signed by the right key, with other claims; None takes one out."""

    def forge(claims: dict[str, Any], keys: KeySet) -> str:
        changed = {k: v for k, v in {**claims, **changes}.items() if v is not None}
        return jwt.encode(
            changed, keys.signing, "EdDSA", headers={"kid": keys.kid, "typ": "at+jwt"}
        )

    return forge


def moved(**by: float) -> Forge:
    """Valid at another time."""

    def forge(claims: dict[str, Any], keys: KeySet) -> str:
        seconds = int(timedelta(**by).total_seconds())
        times = {name: claims[name] + seconds for name in ("iat", "nbf", "exp")}
        return signed(**times)(claims, keys)

    return forge


def by_another_key(claims: dict[str, Any], keys: KeySet) -> str:
    other = Ed25519PrivateKey.generate()
    return jwt.encode(claims, other, "EdDSA", headers={"kid": keys.kid, "typ": "at+jwt"})


def by_an_unknown_key(claims: dict[str, Any], _keys: KeySet) -> str:
    other = Ed25519PrivateKey.generate()
    return jwt.encode(claims, other, "EdDSA", headers={"kid": "mine", "typ": "at+jwt"})


def by_nobody(claims: dict[str, Any], keys: KeySet) -> str:
    return jwt.encode(claims, cast("Any", None), "none", headers={"kid": keys.kid, "typ": "at+jwt"})


def by_the_public_key_as_a_secret(claims: dict[str, Any], keys: KeySet) -> str:
    secret = keys.believed[keys.kid].public_bytes_raw()
    return jwt.encode(claims, secret, "HS256", headers={"kid": keys.kid, "typ": "at+jwt"})


def of_another_type(claims: dict[str, Any], keys: KeySet) -> str:
    return jwt.encode(claims, keys.signing, "EdDSA", headers={"kid": keys.kid, "typ": "JWT"})


def with_its_claims_changed(claims: dict[str, Any], keys: KeySet) -> str:
    head, body, proof = signed()(claims, keys).split(".")
    said = json.loads(urlsafe_b64decode(body + "=="))
    said["sub"] = "00000000-0000-0000-0000-000000000000"
    changed = urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")
    return f"{head}.{changed}.{proof}"


def without_a_signature(claims: dict[str, Any], keys: KeySet) -> str:
    return signed()(claims, keys).rpartition(".")[0] + "."


REFUSED: dict[str, Forge] = {
    "expired": moved(minutes=-16),
    "not valid yet": moved(minutes=5),
    "by another key under the same name": by_another_key,
    "by a key we do not know": by_an_unknown_key,
    "alg none": by_nobody,
    "the public key as an HMAC secret": by_the_public_key_as_a_secret,
    "for another audience": signed(aud="somebody-else"),
    "for no audience": signed(aud=None),
    "of another issuer": signed(iss="https://elsewhere.example"),
    "without an end": signed(exp=None),
    "without a session": signed(sid=None),
    "of a session that never was": signed(sid="00000000-0000-0000-0000-000000000001"),
    "of another organization": signed(org="00000000-0000-0000-0000-000000000001"),
    "whose ids are none": signed(org="'; DROP TABLE state.users; --"),
    "of another type": of_another_type,
    "with claims changed": with_its_claims_changed,
    "without a signature": without_a_signature,
}


@pytest.fixture(scope="module")
def member(shared: Entrance) -> Member:
    return shared.sign_up()


@pytest.mark.parametrize("forge", REFUSED.values(), ids=REFUSED.keys())
def test_a_token_that_is_not_ours_or_not_good_is_refused(
    forge: Forge, shared: Entrance, member: Member
) -> None:
    token = member.access_token
    claims = jwt.decode(token, options={"verify_signature": False})
    assert works(shared, token), "the one it is made of"
    keys = keys_of(shared)
    assert works(shared, signed()(claims, keys)), "the same claims, signed rightly"
    assert not works(shared, forge(claims, keys))


DEEP = urlsafe_b64encode(b'{"kid":' + b"[" * 6000).decode()
JUNK = (
    "..",
    "a.b.c",
    "e30.e30.",
    "é.é.é",
    "x" * 5000 + "..",
    "\x7f..",
    f"{DEEP}..",
    f"{DEEP}.e30.e30",
)


@pytest.mark.parametrize("junk", JUNK)
def test_what_is_no_token_at_all_is_refused(junk: str, shared: Entrance) -> None:
    headers = {"Authorization": b"Bearer " + junk.encode()}
    answer = shared.browser().get("/v1/organization", headers=cast("Any", headers))
    assert answer.status_code == 401


def test_a_token_ends_after_a_quarter_of_an_hour(entrance: Entrance) -> None:
    member = entrance.sign_up()
    entrance.advance(minutes=14)
    assert works(entrance, member.access_token)
    entrance.advance(minutes=1)
    assert not works(entrance, member.access_token)
    assert member.refresh().status_code == 200
    assert works(entrance, member.access_token)


def test_others_can_check_it_with_the_published_key(shared: Entrance, member: Member) -> None:
    published = shared.browser().get("/.well-known/jwks.json").json()["keys"]
    kid = jwt.get_unverified_header(member.access_token)["kid"]
    key = next(PyJWK(each) for each in published if each["kid"] == kid)
    claims = jwt.decode(member.access_token, key, ["EdDSA"], audience=AUDIENCE)
    assert claims["sub"] == member.user_id
    assert "d" not in published[0], "the private half stays here"


def test_after_a_rotation_old_tokens_are_good_until_they_end(entrance: Entrance) -> None:
    member = entrance.sign_up()
    before = keys_of(entrance).kid
    with entrance.api.worker.pool.connection() as connection:
        fresh = token_keys(entrance.api.worker).rotate(connection)
    forget(entrance)
    assert works(entrance, member.access_token)
    published = {k["kid"] for k in entrance.browser().get("/.well-known/jwks.json").json()["keys"]}
    assert published == {before, fresh}
    member.refresh()
    assert jwt.get_unverified_header(member.access_token)["kid"] == fresh
    entrance.advance(minutes=17)
    forget(entrance)
    kept = entrance.browser().get("/.well-known/jwks.json").json()["keys"]
    assert [each["kid"] for each in kept] == [fresh]


def forget(entrance: Entrance) -> None:
    """What five seconds do to a process: it asks again for keys, and after one for sessions."""
    cast("AccessTokens", entrance.services.people.tokens).forget()


def test_a_refresh_token_is_good_once_and_reuse_ends_the_family(entrance: Entrance) -> None:
    member = entrance.sign_up()
    stolen = member.browser.cookies["nudge_refresh"]
    assert member.refresh().status_code == 200
    thief = entrance.browser()
    replayed = thief.post("/v1/auth/refresh", headers={"Cookie": f"nudge_refresh={stolen}"})
    assert (replayed.status_code, replayed.json()["code"]) == (401, "invalid_refresh_token")
    assert member.refresh().status_code == 401, "its newest token is in the same family"
    shown = entrance.api.get(f"/v1/events?stream={member.session_id}").json()["items"]
    assert shown == [], "and that is nothing to other organizations"
    fresh = entrance.log_in(member.email)
    entrance.api.project()
    told = entrance.api.get(f"/v1/events?stream={member.session_id}", key=fresh.access_token)
    assert [(e["type"], e["data"].get("reason")) for e in told.json()["items"]] == [
        ("SessionStarted", None), ("SessionEnded", "token_reused"),
    ]  # fmt: skip


def test_of_two_refreshes_at_once_one_gets_the_next_pair(entrance: Entrance) -> None:
    member = entrance.sign_up()
    cookie = {"Cookie": f"nudge_refresh={member.browser.cookies['nudge_refresh']}"}
    answers: list[int] = []

    def refresh() -> None:
        answers.append(entrance.browser().post("/v1/auth/refresh", headers=cookie).status_code)

    threads = [threading.Thread(target=refresh) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200, 401, 401, 401]
    assert member.refresh().status_code == 401, "a used one was presented: the family is over"


def test_a_refresh_token_ends_after_seven_days(entrance: Entrance) -> None:
    member = entrance.sign_up()
    entrance.advance(days=6, hours=23)
    assert member.refresh().status_code == 200
    entrance.advance(days=7)
    assert member.refresh().status_code == 401


@pytest.mark.parametrize("junk", ["", "nr_", "nr_" + "A" * 43, "x" * 200, "%00"])
def test_what_is_no_refresh_token_is_refused(junk: str, shared: Entrance) -> None:
    answer = shared.browser().post("/v1/auth/refresh", headers={"Cookie": f"nudge_refresh={junk}"})
    assert (answer.status_code, answer.json()["code"]) == (401, "invalid_refresh_token")


def test_logging_out_ends_the_session_within_a_second(entrance: Entrance) -> None:
    member = entrance.sign_up()
    assert works(entrance, member.access_token)
    answer = member.browser.post("/v1/auth/logout")
    assert answer.status_code == 204
    assert 'nudge_refresh=""' in answer.headers["set-cookie"]
    assert_ends(entrance, member)
    assert member.browser.post("/v1/auth/logout").status_code == 204, "again is as good"


def test_a_session_is_listed_and_revoked(entrance: Entrance) -> None:
    member = entrance.sign_up()
    other = entrance.log_in(member.email)
    listed = entrance.api.get("/v1/sessions", key=member.access_token).json()["items"]
    assert {(s["id"], s["current"]) for s in listed} == {
        (member.session_id, True), (other.session_id, False),
    }  # fmt: skip
    revoked = entrance.api.request(
        "DELETE", f"/v1/sessions/{other.session_id}", key=member.access_token
    )
    assert revoked.status_code == 204, revoked.text
    assert_ends(entrance, other)
    assert works(entrance, member.access_token)
    again = entrance.api.request(
        "DELETE", f"/v1/sessions/{other.session_id}", key=member.access_token
    )
    assert again.status_code == 404


def assert_ends(entrance: Entrance, member: Member) -> None:
    """Its tokens are not believed, once what a process may remember for a second is over."""
    forget(entrance)
    assert not works(entrance, member.access_token)
    assert member.refresh().status_code == 401
