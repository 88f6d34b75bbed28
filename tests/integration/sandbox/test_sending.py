"""Sending as clients do it: postmarker, batches with bad items, limits, tokens, wrong input."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from postmarker.core import PostmarkClient
from postmarker.exceptions import ClientError

from infra.local.sandbox import ACCOUNT_TOKEN
from tests.integration.sandbox.conftest import Mailer, SandboxProcess


def listed(mailer: Mailer, **query: Any) -> dict[str, Any]:
    found = mailer.http.get("/sandbox/messages", params={"server": mailer.token, **query})
    assert found.status_code == 200
    messages: dict[str, Any] = found.json()
    return messages


def test_postmarker_sends_one_and_a_batch_of_1200(mailer: Mailer) -> None:
    client = PostmarkClient(server_token=mailer.token, root_api_url=mailer.sandbox.url)
    answer = client.emails.send(
        From="hello@bakery.example",
        To="ada@example.com",
        Subject="Hi",
        TextBody="Hi",
        Metadata={"batch_id": "one"},
    )
    assert (answer["ErrorCode"], answer["Message"]) == (0, "OK")
    emails = [mailer.message(f"c{number}@example.com") for number in range(1200)]
    answers = client.emails.send_batch(*emails)
    assert [answer["To"] for answer in answers] == [email["To"] for email in emails]
    assert len({answer["MessageID"] for answer in answers}) == 1200
    assert listed(mailer, stream="broadcast")["total"] == 1200
    assert listed(mailer, metadata_batch_id="one")["messages"][0]["to"] == ["ada@example.com"]


def test_postmarker_reads_an_error(mailer: Mailer) -> None:
    client = PostmarkClient(server_token=mailer.token, root_api_url=mailer.sandbox.url)
    with pytest.raises(ClientError) as refused:
        client.emails.send(From="hello@bakery.example", To="nowhere", Subject="Hi", TextBody="Hi")
    assert refused.value.error_code == 300


def test_a_batch_answers_item_by_item_in_order(mailer: Mailer) -> None:
    good = mailer.message("ada@example.com")
    answers = mailer.send(good, {**good, "To": "nobody"}, {**good, "MessageStream": "none"}, good)
    assert [answer["ErrorCode"] for answer in answers] == [0, 300, 1235, 0]
    assert mailer.counts()["refused"] == {"300": 1, "1235": 1}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"{broken", 422, 402),
        (b'"\\ud800"', 422, 402),
        (b"\xff\xfe", 422, 402),
        (b"", 422, 402),
        (b"{}", 422, 403),
        (b"null", 422, 403),
        (b"[" + b",".join([b"{}"] * 501) + b"]", 422, 410),
        (b'"' + b"a" * (50 * 1024 * 1024) + b'"', 413, 413),
        (b"[" * 100_000, 422, 402),
    ],
)
def test_a_batch_that_is_none_is_refused(
    mailer: Mailer, content: bytes, status: int, code: int
) -> None:
    headers = {"Content-Type": "application/json"}
    response = mailer.http.post("/email/batch", content=content, headers=headers)
    assert (response.status_code, response.json()["ErrorCode"]) == (status, code)


def test_a_body_that_is_not_called_json_is_refused(mailer: Mailer) -> None:
    headers = {"Content-Type": "text/plain"}
    response = mailer.http.post("/email", content=b"{}", headers=headers)
    assert (response.status_code, response.json()["ErrorCode"]) == (415, 409)


@pytest.mark.parametrize("item", [None, 7, [], {"To": 1}, {"Headers": [None]}, {"To": "\0@x.de"}])
def test_an_item_of_any_shape_is_refused_alone(mailer: Mailer, item: Any) -> None:
    answers = mailer.http.post("/email/batch", json=[item, mailer.message("a@example.com")]).json()
    assert answers[0]["ErrorCode"] > 0
    assert answers[1]["ErrorCode"] == 0


@pytest.mark.parametrize(
    ("path", "token"),
    [("/email", ""), ("/email/batch", "wrong"), ("/messages/outbound", "wrong"), ("/webhooks", "")],
)
def test_a_wrong_token_is_refused(sandbox: SandboxProcess, path: str, token: str) -> None:
    headers = {"X-Postmark-Server-Token": token} if token else {}
    call = httpx.post if "email" in path else httpx.get
    response = call(sandbox.url + path, headers=headers)
    assert (response.status_code, response.json()["ErrorCode"]) == (401, 10)


def test_servers_need_the_account_token(sandbox: SandboxProcess, mailer: Mailer) -> None:
    assert httpx.get(f"{sandbox.url}/servers").status_code == 401
    headers = {"X-Postmark-Account-Token": ACCOUNT_TOKEN}
    servers = httpx.get(f"{sandbox.url}/servers", headers=headers).json()["Servers"]
    assert [mailer.token] in [server["ApiTokens"] for server in servers]
    name = servers[-1]["Name"]
    again = httpx.post(f"{sandbox.url}/servers", json={"Name": name}, headers=headers)
    assert (again.status_code, again.json()["ErrorCode"]) == (422, 603)


def test_the_configured_token_has_a_server(sandbox: SandboxProcess) -> None:
    headers = {"X-Postmark-Server-Token": "configured-token"}
    streams = httpx.get(f"{sandbox.url}/message-streams", headers=headers).json()["MessageStreams"]
    assert [stream["ID"] for stream in streams] == ["outbound", "broadcast", "inbound"]
    assert streams[1]["SubscriptionManagementConfiguration"] == {
        "UnsubscribeHandlingType": "Postmark"
    }


def test_the_test_token_validates_and_sends_nothing(mailer: Mailer) -> None:
    before = mailer.http.get("/sandbox/messages").json()["total"]
    headers = {"X-Postmark-Server-Token": "POSTMARK_API_TEST"}
    message = mailer.message("ada@example.com")
    assert mailer.http.post("/email", json=message, headers=headers).json()["ErrorCode"] == 0
    assert mailer.http.post("/email", json={}, headers=headers).status_code == 422
    assert mailer.http.get("/sandbox/messages").json()["total"] == before


def test_a_template_is_filled_in_for_each_recipient(mailer: Mailer) -> None:
    template = {"Name": "Hi", "Alias": "hi", "Subject": "Hi {{name}}", "TextBody": "Dear {{name}}"}
    assert mailer.http.post("/templates", json=template).json()["Active"] is True
    base = {"From": "b@bakery.example", "TemplateAlias": "hi", "MessageStream": "outbound"}
    one = {**base, "To": "ada@example.com", "TemplateModel": {"name": "Ada"}}
    assert mailer.http.post("/email/withTemplate", json=one).json()["ErrorCode"] == 0
    wrong = {**one, "TemplateAlias": "none"}
    several = {"Messages": [wrong, {**one, "TemplateModel": {"name": "Bob"}}]}
    answers = mailer.http.post("/email/batchWithTemplates", json=several).json()
    assert [answer["ErrorCode"] for answer in answers] == [1101, 0]
    subjects = [message["subject"] for message in listed(mailer)["messages"]]
    assert subjects == ["Hi Bob", "Hi Ada"]


def test_a_mail_of_text_alone_is_shown_and_never_run(mailer: Mailer) -> None:
    text = mailer.message("ada@example.com", HtmlBody="", TextBody="<script>x</script>")
    sent = mailer.send({**text, "MessageStream": "outbound"})[0]
    page = mailer.http.get(f"/sandbox/messages/{sent['MessageID']}/html")
    assert "&lt;script&gt;" in page.text
    assert "script-src 'none'" in page.headers["Content-Security-Policy"]


def test_the_mail_is_shown_as_it_left(mailer: Mailer) -> None:
    ours = [{"Name": "List-Unsubscribe", "Value": "<https://nudge.example/u/t>"}]
    message = mailer.message("ada@example.com", Headers=ours)
    sent, custom = mailer.send(message, {**message, "MessageStream": "outbound"})
    mail = mailer.http.get(f"/sandbox/messages/{sent['MessageID']}").json()
    assert "https://shop.example/bread" in mail["html"]
    link = f"{mailer.sandbox.url}/sandbox/unsubscribe/{sent['MessageID']}"
    assert {"Name": "List-Unsubscribe", "Value": f"<{link}>"} in mail["headers"]
    untouched = mailer.http.get(f"/sandbox/messages/{custom['MessageID']}").json()
    assert (untouched["headers"], untouched["html"]) == (ours, message["HtmlBody"])
    page = mailer.http.get(f"/sandbox/messages/{sent['MessageID']}/html")
    assert page.text == mail["html"]


@pytest.mark.parametrize(
    "path",
    [
        "/messages/outbound?count=501",
        "/messages/outbound?count=-1",
        "/messages/outbound?offset=x",
        "/messages/outbound?offset=9999&count=2",
        "/messages/outbound/opens?offset=9501&count=500",
        "/messages/outbound/clicks/none?count=501",
        "/messages/outbound?fromdate=yesterday",
        "/messages/outbound?metadata_a=1&metadata_b=2",
        "/messages/outbound/none/details",
        "/bounces?count=99999999999999999999999",
        "/bounces/99999999999999999999999",
        "/webhooks/99999999999999999999999",
        "/message-streams/none",
        "/sandbox/webhooks?group_by=$[",
        "/sandbox/messages?limit=1e3",
        "/sandbox/messages/none/html",
        "/nowhere",
    ],
)
def test_a_wrong_question_gets_a_clear_no(mailer: Mailer, path: str) -> None:
    response = mailer.http.get(path)
    assert response.status_code in (404, 422)
    assert response.json()["Message"]
