"""The worked history of vectors/revocation-feed.json, through the code of this folder.

python3 -m unittest, from this folder. Set PORTCULLIS_VECTORS where the file is elsewhere.
"""

from __future__ import annotations

import json
import os
import unittest
from pathlib import Path
from typing import Any

from portcullis_follower.clock import Clock
from portcullis_follower.feed_format import (
    NEVER,
    Checkpoint,
    fingerprint,
    first_chain,
    next_chain,
    parse_checkpoint,
    parse_frame,
    parse_records,
)
from portcullis_follower.follower import Follower
from portcullis_follower.issuer import Issuer, KeySet, parse_keys
from portcullis_follower.strict import from_base64url, to_base64url

PATH = Path(__file__).parents[2] / "vectors" / "revocation-feed.json"
VECTORS: dict[str, Any] = json.loads(Path(os.environ.get("PORTCULLIS_VECTORS", PATH)).read_text())
ISSUER = VECTORS["issuer"]
SNAPSHOT = from_base64url(VECTORS["snapshot"]["body"])
KINDS = {"session", "account", "client", "token", "key", "all"}


class OfflineIssuer(Issuer):
    """Its feed keys are the ones of the vectors, confirmed for good; it answers nothing else."""

    def key_set(self, url: str, before: KeySet) -> KeySet:
        return KeySet(parse_keys(VECTORS["feedKeys"]), float("inf"))

    def feed(self, name: str) -> str:
        return name


def follower_at(wall_ms: int) -> Follower:
    clock = Clock(wall_ms=lambda: wall_ms, steady_ms=lambda: 0)
    return Follower(OfflineIssuer(ISSUER, None, clock), clock)


class Format(unittest.TestCase):
    def test_records_and_their_chain(self) -> None:
        chain = first_chain(VECTORS["epoch"])
        self.assertEqual(chain, VECTORS["firstChain"])
        self.assertEqual({r["kind"] for r in VECTORS["records"]}, KINDS)
        for vector in VECTORS["records"]:
            octets = bytes.fromhex(vector["bytes"])
            [record] = parse_records(octets)
            chain = next_chain(chain, octets)
            self.assertEqual(chain, vector["chain"])
            self.assertEqual(record.fingerprint.hex(), vector["fingerprint"])
            self.assertEqual(fingerprint(ISSUER, vector["kind"], vector["key"]), record.fingerprint)
            until = None if record.until == NEVER else record.until
            self.assertEqual(
                (record.seq, record.kind, record.floor, until),
                tuple(vector[name] for name in ("seq", "kind", "floor", "until")),
            )

    def test_malformed_records_are_not_read_even_in_part(self) -> None:
        self.assertGreater(len(VECTORS["malformedRecords"]), 5)
        for vector in VECTORS["malformedRecords"]:
            with self.subTest(vector["why"]), self.assertRaises(ValueError):
                parse_records(bytes.fromhex(vector["bytes"]))

    def test_malformed_frames_are_not_read(self) -> None:
        for frame in VECTORS["frames"]:
            parse_frame(frame["data"])
        self.assertGreater(len(VECTORS["malformedFrames"]), 10)
        for data in VECTORS["malformedFrames"]:
            with self.subTest(data), self.assertRaises(ValueError):
                parse_frame(data)

    def test_malformed_checkpoints_are_refused(self) -> None:
        good = VECTORS["checkpoint"]
        self.assertEqual(parse_checkpoint(good, ISSUER).seq, good["seq"])
        self.assertGreater(len(VECTORS["malformedCheckpoints"]), 10)
        for spoiled in VECTORS["malformedCheckpoints"]:
            with self.subTest(spoiled), self.assertRaises(ValueError):
                parse_checkpoint({**good, **spoiled}, ISSUER)
            missing = {name: value for name, value in good.items() if name not in spoiled}
            with self.subTest("without", of=list(spoiled)), self.assertRaises(ValueError):
                parse_checkpoint(missing, ISSUER)


class Following(unittest.TestCase):
    def setUp(self) -> None:
        self.follower = follower_at(VECTORS["snapshot"]["manifest"]["at"])

    def begin(self) -> None:
        """Where an epoch begins, before its first record."""
        epoch, chain = VECTORS["epoch"], VECTORS["firstChain"]
        self.follower.held = Checkpoint(epoch, 0, chain, 0, frozenset())
        self.follower.fits = True

    def test_each_frame_goes_on_from_the_one_before(self) -> None:
        self.begin()
        self.assertGreater(len(VECTORS["frames"]), 3)
        for frame in VECTORS["frames"]:
            self.follower.apply_frame(frame["data"])
            self.assertEqual(self.follower.held, parse_checkpoint(frame["covers"], ISSUER))
        for record in VECTORS["records"]:
            self.assertEqual(self.follower.floor(record["kind"], record["key"]), record["floor"])
        self.assertIsNone(self.follower.floor("session", "another"))

    def test_a_late_frame_changes_nothing(self) -> None:
        self.begin()
        for frame in VECTORS["frames"]:
            self.follower.apply_frame(frame["data"])
        held = self.follower.held
        for frame in VECTORS["frames"]:
            self.follower.apply_frame(frame["data"])
        self.assertIs(self.follower.held, held)

    def test_a_frame_that_skips_records_is_discarded(self) -> None:
        self.begin()
        with self.assertRaises(ValueError):
            self.follower.apply_frame(VECTORS["frames"][2]["data"])
        self.assertIsNone(self.follower.floor("token", VECTORS["records"][3]["key"]))

    def test_a_record_that_was_changed_on_the_way_is_discarded(self) -> None:
        self.begin()
        frame = json.loads(VECTORS["frames"][1]["data"])
        octets = bytearray(from_base64url(frame["records"]))
        octets[20] ^= 1
        frame["records"] = to_base64url(bytes(octets))
        with self.assertRaises(ValueError):
            self.follower.apply_frame(json.dumps(frame))
        self.assertTrue(self.follower.fits)
        self.assertEqual(self.follower.held and self.follower.held.seq, 0)

    def test_lost_history_vouches_for_nothing_until_a_snapshot(self) -> None:
        self.begin()
        self.follower.held = Checkpoint(VECTORS["epoch"], 8, VECTORS["firstChain"], 0, frozenset())
        with self.assertRaises(ValueError):
            self.follower.apply_frame(VECTORS["frames"][2]["data"])
        self.assertEqual(self.follower.vouched_ms(), float("-inf"))
        self.follower.join_snapshot(SNAPSHOT)
        self.assertEqual(self.follower.vouched_ms(), VECTORS["snapshot"]["manifest"]["at"])

    def test_a_snapshot(self) -> None:
        self.follower.join_snapshot(SNAPSHOT)
        manifest = parse_checkpoint(VECTORS["snapshot"]["manifest"], ISSUER)
        self.assertEqual(self.follower.held, manifest)
        floors = [self.follower.floor(one["kind"], one["key"]) for one in VECTORS["records"]]
        # The fourth is past its `until`, and left out.
        self.assertEqual(floors, [0, 3, 2**32, None, 0, 2**32, 0])

    def test_a_snapshot_that_lacks_a_record_is_not_believed(self) -> None:
        with self.assertRaises(ValueError):
            self.follower.join_snapshot(SNAPSHOT[:-33])
        self.assertIsNone(self.follower.held)

    def test_a_snapshot_that_is_ahead_of_this_clock_shows_that_the_clock_is_behind(self) -> None:
        self.follower = follower_at(VECTORS["snapshot"]["manifest"]["at"] - 5_001)
        self.follower.join_snapshot(SNAPSHOT)
        self.assertTrue(self.follower.clock.is_behind())
        self.assertEqual(self.follower.vouched_ms(), float("-inf"))
        self.assertIsNotNone(self.follower.floor("session", VECTORS["records"][0]["key"]))


if __name__ == "__main__":
    unittest.main()
