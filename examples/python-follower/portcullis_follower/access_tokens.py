"""Judges access tokens (RFC 9068): signature, claims, revocations, and whether those are known."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jwt

from .clock import NEVER_MS, SKEW_MS, Clock
from .follower import Follower
from .issuer import ALGORITHMS, KEY_LIFE_MS, Issuer, KeySet, open_jws

TOKEN_LENGTH_MAX = 16_384
RENEW_KEYS_S, RENEW_AGAIN_S, RENEW_BACK_OFF_S_MAX = 300, 1, 30
log = logging.getLogger(__name__)
NUMBER = (int, float)
CLAIMS: dict[str, Any] = {
    **{name: str for name in ("iss", "sub", "client_id", "jti")},
    **{"aud": (str, list), "exp": NUMBER, "iat": NUMBER, "cgen": int},
}
CLAIMS_IF_THERE: dict[str, Any] = {"nbf": NUMBER, "sid": str, "gen": int, "act": dict}


@dataclass(frozen=True)
class Verdict:
    """200 and the claims; 401 for a token that is no good; 503 when nobody can say now."""

    status: int
    why: str
    claims: dict[str, Any] | None = None


class Verifier:
    def __init__(
        self,
        issuer: str,
        audience: str,
        *,
        client: tuple[str, str] | None = None,
        max_staleness_seconds: float = 30,
        clock: Clock | None = None,
    ) -> None:
        """`client`: id and secret of one with the scope `revocations.read`; none on loopback.

        Beyond `max_staleness_seconds` without word of the feed only young tokens are accepted.
        """
        if max_staleness_seconds < 3:
            raise ValueError("max_staleness_seconds is at least 3: checkpoints come once a second")
        self._clock = clock or Clock()
        self._issuer = Issuer(issuer, client, self._clock)
        self._audience, self._staleness_ms = audience, max_staleness_seconds * 1000
        self.follower = Follower(self._issuer, self._clock)
        self.keys = KeySet()
        self._keys_wanted = threading.Event()

    def start(self) -> None:
        for work in (self.follower.follow, self._renew_keys):
            threading.Thread(target=work, daemon=True).start()

    def is_ready(self) -> bool:
        return bool(self.keys.keys) and self._is_fresh(self.follower.vouched_ms())

    def check(self, token: str) -> Verdict:
        """NOT checked: scopes, roles, and whatever else your service wants of its callers.

        RS256, ES256 and EdDSA only; one leeway, the 5 s that clocks may be apart, for `nbf`.
        """
        try:
            header = jwt.get_unverified_header(token[: TOKEN_LENGTH_MAX + 1])
            if header["alg"] not in ALGORITHMS.values():
                return Verdict(401, "of an algorithm that is not known here")
            if trouble := self._trouble_of_key(header["kid"]):
                return trouble
            claims = open_jws(token, self.keys.keys, ("at+jwt", "application/at+jwt"))
            check_claims(claims)
        except (jwt.PyJWTError, ValueError, KeyError, TypeError, RecursionError):
            return Verdict(401, "malformed, forged, or no access token")
        with self.follower.lock:
            return self._judge(claims)

    def _trouble_of_key(self, kid: str) -> Verdict | None:
        with self.follower.lock:
            held, vouched = self.follower.held, self.follower.vouched_ms()
            confirmed = self.follower.confirmed_ms()
            is_listed = held is not None and kid in held.kids
            if kid in self.follower.withdrawn or self.follower.floor("key", kid) is not None:
                return Verdict(401, "its key is withdrawn")
        keys = self.keys
        is_newer = held is None or keys.date_ms > held.at + SKEW_MS
        if not is_listed and not (is_newer and kid in keys.keys) and self._is_fresh(vouched):
            return Verdict(401, "its key is not one of the issuer's")
        confirmed = max(keys.made_ms, confirmed if is_listed else NEVER_MS)
        is_live = is_listed or is_newer
        if is_live and kid in keys.keys and self._clock.now_ms() - confirmed <= KEY_LIFE_MS:
            return None
        self._keys_wanted.set()
        return Verdict(503, "the keys are not there")

    def _judge(self, claims: dict[str, Any]) -> Verdict:
        now = self._clock.now_ms()
        audiences = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims["iss"] != self._issuer.name or self._audience not in audiences:
            return Verdict(401, "of another issuer, or for another audience")
        if claims["exp"] * 1000 <= now or claims.get("nbf", 0) * 1000 > now + SKEW_MS:
            return Verdict(401, "expired, or not valid yet")
        if self._is_revoked(claims):
            return Verdict(401, "revoked")
        if self._is_fresh(self.follower.vouched_ms()):
            return Verdict(200, "accepted", claims)
        issued = claims["iat"] * 1000
        if self._clock.is_behind() or issued > now + SKEW_MS:
            return Verdict(503, "the feed is away, and clocks differ")
        if self._is_fresh(issued):
            return Verdict(200, "accepted", claims)
        return Verdict(401, "stale: the feed is away, and a refreshed token would pass")

    def _is_fresh(self, vouched_ms: float) -> bool:
        return self._clock.now_ms() - vouched_ms <= self._staleness_ms

    def _is_revoked(self, claims: dict[str, Any]) -> bool:
        floor = self.follower.floor
        if floor("token", claims["jti"]) is not None:
            return True
        if "sid" in claims and floor("session", claims["sid"]) is not None:
            return True
        if "gen" in claims and claims["gen"] < (floor("account", claims["sub"]) or 0):
            return True
        if any(cgen < (floor("client", name) or 0) for name, cgen in clients_of(claims)):
            return True
        generations: list[int] = [claims["cgen"], claims.get("gen", claims["cgen"])]
        return min(generations) < (floor("all", "") or 0)

    def _renew_keys(self) -> None:
        """For ever, and soon where a token names a key that is not there, which anybody can."""
        pause_s = RENEW_AGAIN_S
        while True:
            self._keys_wanted.clear()
            try:
                url = self._issuer.metadata(again=True)["jwks_uri"]
                self.keys = self._issuer.key_set(url, self.keys)
                self.follower.renew_feed_keys()
                pause_s = RENEW_AGAIN_S
            except Exception as error:
                log.warning("keys were not renewed: %r", error)
                self._keys_wanted.set()
                pause_s = min(pause_s * 2, RENEW_BACK_OFF_S_MAX)
            time.sleep(random.uniform(pause_s / 2, pause_s))
            self._keys_wanted.wait(RENEW_KEYS_S)


def check_claims(claims: dict[str, Any]) -> None:
    for name, kind in {**CLAIMS, **CLAIMS_IF_THERE}.items():
        if (name in claims or name in CLAIMS) and not isinstance(claims[name], kind):
            raise TypeError(name)
    if "cnf" in claims:
        raise ValueError("it is bound to a key, of which nobody here asks for a proof")
    has_session = "sid" in claims
    is_own = has_session or claims["sub"] == claims["client_id"]
    if has_session != ("gen" in claims) or not is_own:
        raise ValueError("it lacks what revocation goes by")


def clients_of(claims: dict[str, Any]) -> Iterator[tuple[str, int]]:
    """The client, and who acts for whom: each with the generation that it is judged by."""
    generation = claims["cgen"]
    yield claims["client_id"], generation
    act = claims.get("act")
    while isinstance(act, dict):
        for name in ("client_id", "sub"):
            if name in act:
                yield act[name], act.get("cgen", generation)
        act = act.get("act")
