"""A service behind forward-auth: who calls by the identity headers, and by the token itself."""

from __future__ import annotations

import json
import os
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import jwt

ISSUER = os.environ["ISSUER"]
AUDIENCE = os.environ["AUDIENCE"]
# Those that the issuer signs with, and no others: the token does not choose.
ALGORITHMS = ["RS256", "ES256"]
TYPES = ("at+jwt", "application/at+jwt")
TOKEN_LENGTH_MAX = 8192
# That the clocks of issuer and service may be apart.
LEEWAY_SECONDS = 5
REQUIRED = ["iss", "sub", "aud", "exp", "iat", "jti"]

# The key set is fetched again after five minutes, and when a token names a key that is not in it.
keys = jwt.PyJWKClient(f"{ISSUER}/.well-known/jwks.json", lifespan=300)


class KeysUnavailable(Exception):
    """Nobody can tell now."""


def verify(authorizations: list[str]) -> dict[str, Any]:
    """The claims of an access token (RFC 9068), or an error; of every value of Authorization.

    NOT checked: whether it was taken back, and whether its roles and scopes are enough.
    """
    if len(authorizations) != 1:
        raise jwt.InvalidTokenError("there is no token, or more than one")
    scheme, _, token = authorizations[0].partition(" ")
    if scheme.lower() != "bearer" or len(token) > TOKEN_LENGTH_MAX:
        raise jwt.InvalidTokenError("there is no bearer token")
    header = jwt.get_unverified_header(token)
    if str(header.get("typ", "")).lower() not in TYPES or "crit" in header:
        raise jwt.InvalidTokenError("this is no access token")
    try:
        keys.get_jwk_set()
    except jwt.PyJWKClientError as error:
        raise KeysUnavailable from error
    key = keys.get_signing_key(header.get("kid"))
    claims = jwt.decode(
        token,
        key.key,
        algorithms=ALGORITHMS,
        issuer=ISSUER,
        audience=AUDIENCE,
        leeway=LEEWAY_SECONDS,
        options={"require": REQUIRED},
    )
    if not isinstance(claims["iss"], str) or not isinstance(claims["sub"], str):
        raise jwt.InvalidTokenError("a claim has a wrong form")
    if "cnf" in claims:
        raise jwt.InvalidTokenError("bound to a key, which a bearer does not show")
    return claims


def caller(headers: Any) -> dict[str, Any] | None:
    """Who calls, by what the proxy says; nobody without a subject. Believe it only behind the proxy."""
    subjects = headers.get_all("X-Auth-Subject", [])
    if len(subjects) != 1 or subjects[0] == "":
        return None
    roles = headers.get("X-Auth-Roles", "")
    return {
        "subject": unquote(subjects[0]),
        "roles": [unquote(role) for role in roles.split(",") if role],
        "scope": headers.get("X-Auth-Scope", "").split(),
        "session": unquote(headers.get("X-Auth-Session", "")),
    }


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/orders/caller":
            who = caller(self.headers)
            self.answer(401 if who is None else 200, who)
            return
        try:
            claims = verify(self.headers.get_all("Authorization", []))
            self.answer(200, {"subject": claims["sub"]})
        except KeysUnavailable:
            self.answer(503, {"why": "the keys cannot be had"})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError):
            self.answer(401, {"why": "not a valid access token"})

    def answer(self, status: int, body: Any) -> None:
        octets = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(octets)))
        self.end_headers()
        self.wfile.write(octets)

    def log_message(self, *_: Any) -> None:
        pass


if __name__ == "__main__":
    # On loopback, where only the proxy of this machine comes from.
    ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
