"""What is accepted when, by an issuer that is made up here and a clock that the tests set."""

from __future__ import annotations

import hashlib
import json
import struct
import unittest
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from portcullis_follower import Clock, Verifier
from portcullis_follower.feed_format import KINDS, NEVER, fingerprint, first_chain, next_chain
from portcullis_follower.issuer import KeySet
from portcullis_follower.strict import to_base64url

ISSUER, EPOCH, START_MS = "https://id.example", "A" * 22, 1_800_000_000_000
FEED_KEY = ec.generate_private_key(ec.SECP256R1())
SIGNING_KEY = ed25519.Ed25519PrivateKey.generate()


def unreachable() -> None:
    raise ConnectionError("there is no issuer")


class Rule(unittest.TestCase):
    def setUp(self) -> None:
        self.wall = self.steady = float(START_MS)
        clock = Clock(wall_ms=lambda: self.wall, steady_ms=lambda: self.steady)
        self.verifier = Verifier(ISSUER, "orders", max_staleness_seconds=30, clock=clock)
        self.follower = self.verifier.follower
        self.publish(["k1"])
        self.follower.renew_feed_keys = unreachable  # type: ignore[method-assign]
        self.follower.feed_keys = KeySet({"f": ("ES256", FEED_KEY.public_key())}, float("inf"))
        self.epoch, self.chain, self.seq = EPOCH, first_chain(EPOCH), 0
        self.header: dict[str, Any] = {}
        self.until = NEVER

    def publish(self, kids: list[str]) -> None:
        keys = {kid: ("EdDSA", SIGNING_KEY.public_key()) for kid in kids}
        self.verifier.keys = KeySet(keys, self.wall, self.wall)

    def pass_seconds(self, seconds: float) -> None:
        self.wall += seconds * 1000
        self.steady += seconds * 1000

    def signed(self, typ: str, more: dict[str, Any], kids: list[str], at: float) -> str:
        claims = {"iss": ISSUER, "epoch": self.epoch, "seq": self.seq, "chain": self.chain}
        claims |= {"at": int(at), "kids": kids, **more}
        return jwt.encode(claims, FEED_KEY, "ES256", {"typ": typ, "kid": "f", **self.header})

    def snapshot(self, kids: list[str], at: float | None = None, octets: bytes = b"") -> None:
        more = {"sha256": to_base64url(hashlib.sha256(octets).digest())}
        typ = "revocation-snapshot+jwt"
        jws = self.signed(typ, more, kids, self.wall if at is None else at)
        self.follower.join_snapshot(jws.encode() + b"\n" + octets)

    def frame(
        self, *records: tuple[str, str, int], kids: list[str], at: float | None = None
    ) -> None:
        octets = b""
        for kind, key, floor in records:
            self.seq += 1
            name = fingerprint(ISSUER, kind, key)
            octet = KINDS.index(kind) + 1 if kind in KINDS else 7
            octets += struct.pack(">QB8sQQ", self.seq, octet, name, floor, self.until)
        self.chain = next_chain(self.chain, octets)
        jws = self.signed("revocation-checkpoint+jwt", {}, kids, self.wall if at is None else at)
        frame = {"records": to_base64url(octets), "checkpoint": jws}
        self.follower.apply_frame(json.dumps(frame))

    def token(self, kid: str = "k1", typ: str = "at+jwt", **claims: Any) -> str:
        issued = int(self.wall / 1000)
        whole: dict[str, Any] = {
            "iss": ISSUER,
            "aud": "orders",
            "sub": "a",
            "client_id": "c",
            "jti": "j",
        }
        whole |= {"sid": "s", "gen": 5, "cgen": 5, "iat": issued, "exp": issued + 900, **claims}
        whole = {name: value for name, value in whole.items() if value is not None}
        return jwt.encode(whole, SIGNING_KEY, "EdDSA", {"typ": typ, "kid": kid})

    def says(self, token: str, status: int, why: str) -> None:
        verdict = self.verifier.check(token)
        self.assertEqual((verdict.status, verdict.why[: len(why)]), (status, why))

    def test_a_checkpoint_vouches_for_s_and_after_that_only_the_iat_of_the_token(self) -> None:
        token = self.token()
        self.pass_seconds(20)
        self.snapshot(["k1"])
        self.pass_seconds(30)
        self.says(token, 200, "accepted")
        self.pass_seconds(0.001)
        self.says(token, 401, "stale")
        self.says(self.token(), 200, "accepted")

    def test_a_wall_clock_that_is_set_back_prolongs_nothing(self) -> None:
        token = self.token()
        self.snapshot(["k1"])
        self.pass_seconds(31)
        self.wall -= 40_000
        self.says(token, 401, "stale")
        self.pass_seconds(870)
        self.publish(["k1"])
        self.says(token, 401, "expired")

    def test_an_iat_does_not_vouch_by_a_clock_that_is_behind(self) -> None:
        self.snapshot(["k1"])
        self.frame(kids=["k1"], at=self.wall + 20_000)
        self.pass_seconds(31)
        self.says(self.token(), 503, "the feed is away, and clocks differ")

    def test_each_kind_of_record_takes_back_its_tokens_and_no_others(self) -> None:
        acting = {"sub": "d", "client_id": "d"}
        for record, revoked, spared in (
            (("session", "s1", 0), {"sid": "s1"}, {"sid": "s2"}),
            (("account", "a1", 4), {"sub": "a1", "gen": 3}, {"sub": "a1", "gen": 4}),
            (("client", "c1", 4), {"client_id": "c1", "cgen": 3}, {"client_id": "c1", "cgen": 4}),
            (("client", "d", 4), {"act": {**acting, "cgen": 3}}, {"act": {**acting, "cgen": 4}}),
            (("client", "d", 6), {"act": {"act": acting}}, {"act": {}}),
            (("token", "j1", 0), {"jti": "j1"}, {"jti": "j2"}),
            (("all", "", 5), {"gen": 4}, {"gen": 5}),
            (("all", "", 6), {"gen": 7, "cgen": 5}, {"gen": 6, "cgen": 6}),
        ):
            with self.subTest(record):
                self.setUp()
                self.snapshot(["k1"])
                self.says(self.token(**revoked), 200, "accepted")
                self.frame(record, kids=["k1"])
                self.says(self.token(**revoked), 401, "revoked")
                self.says(self.token(**spared), 200, "accepted")

    def test_a_record_of_an_unknown_kind_makes_it_stale(self) -> None:
        self.snapshot(["k1"])
        token = self.token()
        with self.assertRaises(ValueError):
            self.frame(("device", "x", 0), kids=["k1"], at=self.wall + 1)
        self.assertEqual(self.follower.vouched_ms(), float("-inf"))
        self.setUp()
        self.snapshot(["k1"])
        with self.assertRaises(ValueError):
            self.snapshot(["k1"], octets=struct.pack(">QB8sQQ", 1, 7, b"", 0, NEVER))
        self.assertEqual(self.follower.vouched_ms(), float("-inf"))
        self.pass_seconds(31)
        self.says(token, 401, "stale")

    def test_keys_live_by_the_checkpoint_and_newer_ones_by_the_key_set(self) -> None:
        self.snapshot(["k1", "k2"])
        self.publish(["k1", "k2"])
        self.says(self.token("k2"), 200, "accepted")
        self.frame(kids=["k1"], at=self.wall + 1)
        self.says(self.token("k2"), 401, "its key is withdrawn")
        self.publish(["k1", "k2", "k3"])
        self.says(self.token("k3"), 401, "its key is not one of the issuer's")
        self.pass_seconds(31)
        self.says(self.token("k3"), 503, "the keys are not there")
        self.publish(["k1", "k2", "k3"])
        self.says(self.token("k3"), 200, "accepted")
        self.says(self.token("k2"), 401, "its key is withdrawn")
        self.pass_seconds(901)
        self.says(self.token("k3"), 503, "the keys are not there")

    def test_what_is_no_access_token_for_here(self) -> None:
        self.snapshot(["k1"])
        for change in ({"typ": "JWT"}, {"cnf": {"jkt": "x"}}, {"gen": None}, {"cgen": None}):
            self.says(self.token(**change), 401, "malformed, forged, or no access token")
        for change in ({"aud": "reviews"}, {"iss": f"{ISSUER}/"}):
            self.says(self.token(**change), 401, "of another issuer")
        self.says(self.token(exp=START_MS // 1000), 401, "expired")
        self.says(self.token(aud=["reviews", "orders"]), 200, "accepted")
        future = self.token(iat=START_MS // 1000 + 60)
        self.says(future, 200, "accepted")
        self.pass_seconds(31)
        self.says(future, 503, "the feed is away, and clocks differ")
        deep = to_base64url(b"[" * 10_000)
        for text in (f"{deep}.e.x", "é", "", "a.b", "a" * 20_000):
            self.assertEqual(self.verifier.check(text).status, 401)

    def test_lost_history_is_stale_until_a_snapshot_that_is_not_older(self) -> None:
        self.snapshot(["k1"])
        self.frame(("session", "s1", 0), kids=["k1"], at=self.wall + 1)
        held = (self.chain, self.seq)
        for chain, seq in ((first_chain(EPOCH), 0), (first_chain("B" * 22), 1)):
            self.chain, self.seq = chain, seq
            self.pass_seconds(1)
            with self.subTest(seq=seq), self.assertRaises(ValueError):
                self.frame(kids=["k1"])
            self.assertEqual(self.follower.vouched_ms(), float("-inf"))
            self.chain, self.seq = held
            with self.assertRaises(ValueError):
                self.snapshot(["k1"], at=START_MS)
            self.snapshot(["k1"])
            self.assertEqual(self.follower.vouched_ms(), self.wall)
        self.says(self.token(sid="s1"), 401, "revoked")

    def test_what_does_not_fit_is_discarded_and_the_checkpoint_held_goes_on_vouching(self) -> None:
        self.snapshot(["k1"])
        held = (self.epoch, self.chain, self.seq)
        for change in ({"epoch": "B" * 21 + "A"}, {"seq": 1}, {"header": {"crit": ["exp"]}}):
            vars(self).update(change)
            with self.subTest(change), self.assertRaises((ValueError, jwt.PyJWTError)):
                self.frame(("session", "s1", 0), kids=["k1"], at=self.wall + 1)
            self.assertEqual(self.follower.vouched_ms(), self.wall)
            self.header, (self.epoch, self.chain, self.seq) = {}, held
        self.says(self.token(sid="s1"), 200, "accepted")

    def test_a_new_epoch_is_joined_by_a_snapshot_that_is_not_older(self) -> None:
        self.snapshot(["k1"])
        self.frame(("session", "s1", 0), kids=["k1"])
        self.epoch = "B" * 21 + "A"
        self.chain, self.seq = first_chain(self.epoch), 0
        with self.assertRaises(ValueError):
            self.snapshot(["k1"], at=self.wall - 1)
        self.snapshot(["k1"])
        self.frame(kids=["k1"], at=self.wall + 1)
        self.says(self.token(sid="s1"), 401, "revoked")

    def test_a_late_snapshot_is_joined_and_the_position_stays(self) -> None:
        self.snapshot(["k1"])
        self.frame(("session", "s1", 0), kids=["k1"], at=self.wall + 10)
        held = self.follower.held
        self.snapshot(["k1"], at=self.wall + 9)
        self.assertIs(self.follower.held, held)

    def test_the_same_checkpoint_again_sets_no_clock_back(self) -> None:
        token = self.token(exp=START_MS // 1000 + 20)
        self.snapshot(["k1"])
        self.pass_seconds(20)
        self.wall = START_MS
        self.snapshot(["k1"], at=START_MS)
        self.says(token, 401, "expired")

    def test_a_clock_that_was_shown_to_be_behind_is_so_until_another_word_is_believed(self) -> None:
        self.snapshot(["k1"])
        self.frame(kids=["k1"], at=self.wall + 20_000)
        self.assertTrue(self.follower.clock.is_behind())
        self.assertEqual(self.follower.vouched_ms(), START_MS)
        self.epoch = "B" * 21 + "A"
        self.chain = first_chain(self.epoch)
        self.snapshot(["k1"], at=self.wall + 1)
        self.assertFalse(self.follower.clock.is_behind())
        self.follower.clock.hear(self.wall + 6_000)
        self.snapshot(["k1"], at=self.wall + 2)
        self.assertTrue(self.follower.clock.is_behind())

    def test_a_checkpoint_wants_a_feed_key_for_es256_that_was_confirmed(self) -> None:
        good = self.follower.feed_keys
        for keys in (
            KeySet({"f": ("RS256", FEED_KEY.public_key())}, float("inf")),
            KeySet(good.keys, self.wall - 900_001),
        ):
            self.follower.feed_keys = keys
            with self.assertRaises(ConnectionError):
                self.snapshot(["k1"])
        self.follower.feed_keys = KeySet(good.keys, self.wall - 900_000)
        self.snapshot(["k1"])

    def test_what_is_past_its_until_is_forgotten_by_the_clock_of_the_issuer(self) -> None:
        self.until = START_MS + 60_000
        self.snapshot(["k1"])
        self.frame(("session", "s1", 0), ("all", "", 5), kids=["k1"])
        self.pass_seconds(65)
        self.frame(kids=["k1"])
        self.assertEqual(self.follower.floor("session", "s1"), 0)
        self.pass_seconds(61)
        self.frame(kids=["k1"])
        self.assertIsNone(self.follower.floor("session", "s1"))
        self.assertEqual(self.follower.floor("all", ""), 5)


if __name__ == "__main__":
    unittest.main()
