"""What is fetched from the issuer: metadata, key sets with their age. And what keys have signed."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from http.client import HTTPResponse
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote_plus, urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, Request, build_opener

import jwt

from .clock import NEVER_MS, SKEW_MS, Clock
from .strict import parse_json

ALGORITHMS = {("RSA", None): "RS256", ("EC", "P-256"): "ES256", ("OKP", "Ed25519"): "EdDSA"}
SILENCE_S = 3
"""A stream that brings nothing for so long is dead, and so is any other answer."""
DOCUMENT_OCTETS_MAX, DOCUMENT_S_MAX, RETRY_AFTER_S_MAX = 2**18, 10, 30

Keys = dict[str, tuple[str, Any]]
"""By `kid`: the one algorithm of a key, and the key."""


KEY_LIFE_MS = 900_000
"""How long a key is used after it was confirmed last."""


@dataclass(frozen=True)
class KeySet:
    keys: Keys = field(default_factory=dict)
    made_ms: float = NEVER_MS
    """The moment as of which it confirms its keys."""
    date_ms: float = NEVER_MS
    """What its `Date` says."""


class _NoRedirects(HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """A credential goes to the issuer and nowhere else."""


class Issuer:
    def __init__(self, name: str, client: tuple[str, str] | None, clock: Clock) -> None:
        """`client`: id and secret of one with the scope `revocations.read`; none on loopback."""
        self.name, self._client, self._clock = name, client, clock
        self._opener = build_opener(_NoRedirects)
        self._metadata: dict[str, Any] = {}

    def metadata(self, again: bool = False) -> dict[str, Any]:
        if again or not self._metadata:
            parts = urlsplit(self.name)
            origin, path = f"{parts.scheme}://{parts.netloc}", parts.path.rstrip("/")
            with self.open(f"{origin}/.well-known/oauth-authorization-server{path}") as response:
                metadata = parse_json(read(response))
            if metadata["issuer"] != self.name:
                raise ValueError("metadata of another issuer")
            addresses = (metadata["jwks_uri"], metadata["token_endpoint"])
            for url in (*addresses, *metadata["revocation_feed"].values()):
                if not url.startswith(f"{origin}/"):
                    raise ValueError("an address that is not at the issuer's own origin")
            self._metadata = metadata
        return self._metadata

    def feed(self, name: str) -> str:
        return str(self.metadata()["revocation_feed"][name])

    def open(
        self, url: str, headers: dict[str, str] | None = None, data: bytes | None = None
    ) -> HTTPResponse:
        asked = Request(url, data, {"Cache-Control": "no-cache", **(headers or {})})
        response: HTTPResponse = self._opener.open(asked, timeout=SILENCE_S)
        date = _date_ms(response)
        # Out of a cache it tells no time.
        if response.headers["Age"] is None and date >= self._clock.wall_ms() - SKEW_MS:
            self._clock.hear(date)
        return response

    def bearer(self) -> dict[str, str]:
        """The header that the feed wants: a token for the issuer as its only audience."""
        if self._client is None:
            return {}
        form = {
            "grant_type": "client_credentials",
            "scope": "revocations.read",
            "audience": self.name,
        }
        basic = base64.b64encode(":".join(map(quote_plus, self._client)).encode()).decode()
        url, data = self.metadata()["token_endpoint"], urlencode(form).encode()
        with self.open(url, {"Authorization": f"Basic {basic}"}, data) as response:
            answer = parse_json(read(response))
        return {"Authorization": f"Bearer {answer['access_token']}"}

    def key_set(self, url: str, before: KeySet) -> KeySet:
        """The one of before where a cache answers something older."""
        asked = self._clock.now_ms()
        with self.open(url) as response:
            keys = parse_keys(parse_json(read(response)))
            cached, date = float(response.headers["Age"] or 0) * 1000, _date_ms(response)
        age = max(cached, asked - date if SKEW_MS < asked - date < float("inf") else 0)
        dated = min(date, asked - cached) if self._clock.believes(date) else NEVER_MS
        return max(before, KeySet(keys, asked - age, dated), key=lambda one: one.made_ms)


def chunks(response: HTTPResponse) -> Iterator[bytes]:
    """What has come, as soon as something has."""
    while chunk := response.read1(65_536):
        yield chunk


def read(
    response: HTTPResponse, octets_max: int = DOCUMENT_OCTETS_MAX, s_max: float = DOCUMENT_S_MAX
) -> bytes:
    body, deadline = bytearray(), time.monotonic() + s_max
    for chunk in chunks(response):
        body += chunk
        if len(body) > octets_max or time.monotonic() > deadline:
            raise ValueError("an answer that is too long, or takes too long")
    return bytes(body)


def parse_keys(document: dict[str, Any]) -> Keys:
    """Those that this follower can use. Their issuer is trusted to have made them long enough."""
    keys = {}
    for jwk in document["keys"]:
        algorithm = ALGORITHMS.get((jwk.get("kty"), jwk.get("crv")))
        if algorithm and jwk.get("alg", algorithm) == algorithm and type(jwk.get("kid")) is str:
            keys[jwk["kid"]] = (algorithm, jwt.PyJWK(jwk, algorithm).key)
    return keys


def open_jws(token: str, keys: Keys, types: tuple[str, ...]) -> dict[str, Any]:
    """The claims, once the signature is right by the algorithm of the key, not of the header."""
    header = jwt.get_unverified_header(token)
    if header.get("typ") not in types or "crit" in header:
        raise ValueError("of another type")
    algorithm, key = keys[header["kid"]]
    return parse_json(jwt.PyJWS().decode(token, key, [algorithm]))


def retry_after_s(error: Exception) -> float:
    text = error.headers.get("Retry-After", "") if isinstance(error, HTTPError) else ""
    return min(int(text), RETRY_AFTER_S_MAX) if text.isdecimal() else 0


def _date_ms(response: HTTPResponse) -> float:
    date = response.headers["Date"]
    return parsedate_to_datetime(date).timestamp() * 1000 if date else NEVER_MS
