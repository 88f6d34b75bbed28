"""Our webhooks at Postmark: on both streams, with basic auth and every trigger."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from infra.postmark import headers_of
from streams.effects.ports import ProviderAwayError, ProviderRefusedError, Registered, Sending

TRIGGERS: Mapping[str, Mapping[str, bool]] = {
    "Open": {"Enabled": True, "PostFirstOpenOnly": False},
    "Click": {"Enabled": True},
    "Delivery": {"Enabled": True},
    "Bounce": {"Enabled": True, "IncludeContent": False},
    "SpamComplaint": {"Enabled": True, "IncludeContent": False},
    "SubscriptionChange": {"Enabled": True},
}


class PostmarkWebhooks:
    """The WebhookProvider. Thread-safe."""

    def __init__(self, url: str, timeout: float = 15.0) -> None:
        self._http = httpx.Client(base_url=url, timeout=timeout, trust_env=False)

    def register(self, sending: Sending, url: str) -> Sequence[Registered]:
        """Let both streams post everything to `url`; one that does already is left as it is."""
        known = self._call(sending, "GET", "/webhooks")["Webhooks"]
        return [
            self._registered(sending, url, stream, known)
            for stream in dict.fromkeys((sending.stream, sending.transactional_stream))
        ]

    def _registered(
        self, sending: Sending, url: str, stream: str, known: Sequence[Mapping[str, Any]]
    ) -> Registered:
        handling = self._handling(sending, stream)
        ours = (w for w in known if w["MessageStream"] == stream and w["Url"] == url)
        webhook = self._ensured(sending, _wanted(sending, url, stream), next(ours, None))
        return Registered(stream, str(webhook["ID"]), handling)

    def _ensured(
        self, sending: Sending, wanted: Mapping[str, Any], present: Mapping[str, Any] | None
    ) -> Mapping[str, Any]:
        if present is None:
            return self._call(sending, "POST", "/webhooks", wanted)
        if all(present.get(name) == value for name, value in wanted.items()):
            return present
        return self._call(sending, "PUT", f"/webhooks/{present['ID']}", wanted)

    def _handling(self, sending: Sending, stream: str) -> str:
        found = self._call(sending, "GET", f"/message-streams/{stream}")
        management = found.get("SubscriptionManagementConfiguration") or {}
        return str(management.get("UnsubscribeHandlingType", "None"))

    def _call(
        self, sending: Sending, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        try:
            response = self._http.request(method, path, json=body, headers=headers_of(sending))
        except httpx.HTTPError as error:
            raise ProviderAwayError(str(error)) from error
        if 400 <= response.status_code < 500 and response.status_code != 429:
            raise ProviderRefusedError(f"http_{response.status_code}", response.text[:500])
        try:
            answer = response.raise_for_status().json()
        except (httpx.HTTPError, ValueError) as error:
            raise ProviderAwayError(str(error)) from error
        if not isinstance(answer, dict):
            raise ProviderAwayError("the answer is no JSON object")
        return answer

    def close(self) -> None:
        """Give up idle connections."""
        self._http.close()


def _wanted(sending: Sending, url: str, stream: str) -> dict[str, Any]:
    auth = {"Username": sending.webhook_username, "Password": sending.webhook_password}
    return {"Url": url, "MessageStream": stream, "HttpAuth": auth, "Triggers": TRIGGERS}
