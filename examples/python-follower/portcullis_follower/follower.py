"""The revocation feed of a Portcullis issuer, followed. Written from docs/feed-format.md alone."""

from __future__ import annotations

import hashlib
import logging
import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError

from .clock import NEVER_MS, SKEW_MS, Clock
from .feed_format import (
    Checkpoint,
    Lost,
    Record,
    events,
    fingerprint,
    next_chain,
    parse_checkpoint,
    parse_frame,
    parse_records,
)
from .issuer import KEY_LIFE_MS, SILENCE_S, Issuer, KeySet, chunks, open_jws, read, retry_after_s
from .strict import to_base64url

MANIFEST_OCTETS_MAX, SNAPSHOT_OCTETS_MAX, SNAPSHOT_S_MAX = 2**13, 2**26, 60
BACK_OFF_S_MAX, GOOD_STREAM_MS, SWEEP_MS = 2, 1_000, 60_000
log = logging.getLogger(__name__)


class Follower:
    """NOT here: reports of the position, and an `at` that is kept for a restart."""

    def __init__(self, issuer: Issuer, clock: Clock) -> None:
        self.issuer, self.clock = issuer, clock
        self.feed_keys = KeySet()
        self.lock = threading.Lock()  # what follows changes together, and is read together
        self.held: Checkpoint | None = None
        self.fits = False
        self.withdrawn: frozenset[str] = frozenset()
        self._entries: dict[tuple[str, bytes], tuple[int, int]] = {}
        self._needs_snapshot, self._swept_at, self._brought_ms = True, 0, clock.steady_ms()
        self._believed_at: float = NEVER_MS

    def floor(self, kind: str, key: str) -> int | None:
        """None while no record names it; 0 for the kinds without generations."""
        entry = self._entries.get((kind, fingerprint(self.issuer.name, kind, key)))
        return None if entry is None else entry[0]

    def confirmed_ms(self) -> float:
        """The last `at` that is believed: not one that the wall clock was set back from since."""
        return self._believed_at if self.clock.believes(self._believed_at) else NEVER_MS

    def vouched_ms(self) -> float:
        return self.confirmed_ms() if self.fits else NEVER_MS

    def renew_feed_keys(self) -> None:
        self.feed_keys = self.issuer.key_set(self.issuer.feed("keys"), self.feed_keys)

    def follow(self) -> None:
        """For ever. What is wrong with the feed shows in that nothing vouches any more."""
        failures = 0
        while True:
            began_ms, asked_s = self.clock.steady_ms(), 0.0
            try:
                if self._needs_snapshot:
                    self._take_snapshot()
                self._take_stream()
            except Exception as error:  # a thread that ended would be stale for good
                log.warning("the feed was left: %r", error)
                is_gone = isinstance(error, HTTPError) and error.code == 410
                self._needs_snapshot |= is_gone or not isinstance(error, (OSError, HTTPException))
                asked_s = retry_after_s(error)
            has_lived = self._brought_ms - began_ms > GOOD_STREAM_MS
            failures = 0 if has_lived else min(failures + 1, 8)
            back_off_s = min(BACK_OFF_S_MAX, 0.1 * 2**failures) * random.uniform(1, 2.5)
            time.sleep(max(back_off_s, asked_s * random.uniform(1, 1.5)))

    def _take_snapshot(self) -> None:
        with self.issuer.open(self.issuer.feed("snapshot"), self.issuer.bearer()) as response:
            self.join_snapshot(read(response, SNAPSHOT_OCTETS_MAX, SNAPSHOT_S_MAX))

    def _take_stream(self) -> None:
        assert self.held is not None
        url = f"{self.issuer.feed('stream')}?after={self.held.epoch}:{self.held.seq}"
        with self.issuer.open(url, self.issuer.bearer()) as response:
            opened_ms = self.clock.steady_ms()
            for data in events(chunks(response)):
                if data:
                    self.apply_frame(data)
                silent_ms = self.clock.steady_ms() - max(self._brought_ms, opened_ms)
                if silent_ms > SILENCE_S * 1000:
                    raise TimeoutError("a stream that brings nothing new")

    def join_snapshot(self, body: bytes) -> None:
        manifest, _, octets = body.partition(b"\n")
        if len(manifest) > MANIFEST_OCTETS_MAX:
            raise ValueError("a manifest that is too long")
        claims = self._open(manifest.decode(), "revocation-snapshot+jwt")
        if claims.get("sha256") != to_base64url(hashlib.sha256(octets).digest()):
            raise ValueError("other records than those of the manifest")
        checkpoint = parse_checkpoint(claims, self.issuer.name)
        with self.lock, self._stale_when_lost():
            self._join(parse_records(octets))
            held = self.held
            if held and checkpoint.epoch == held.epoch and is_late(checkpoint, held):
                if not self.fits:
                    raise ValueError("a snapshot from before history was lost")
            elif checkpoint.at < self._believed_at:
                raise ValueError("an old snapshot of another epoch")
            else:
                self._take(checkpoint)
            self._needs_snapshot = False

    def apply_frame(self, data: str) -> None:
        """All of the frame or nothing of it; nothing is no error when it is only late."""
        octets, jws = parse_frame(data)
        claims = self._open(jws, "revocation-checkpoint+jwt")
        checkpoint, held = parse_checkpoint(claims, self.issuer.name), self.held
        if held is None or checkpoint.epoch != held.epoch:
            raise ValueError("another epoch")
        if is_late(checkpoint, held) or checkpoint == held:
            return
        with self.lock, self._stale_when_lost():
            self._join(records_between(held, checkpoint, octets))
            self._take(checkpoint)

    @contextmanager
    def _stale_when_lost(self) -> Iterator[None]:
        try:
            yield
        except Lost:
            self.fits = False
            raise

    def _open(self, jws: str, typ: str) -> dict[str, Any]:
        def open_it() -> dict[str, Any]:
            is_live = self.clock.now_ms() - self.feed_keys.made_ms <= KEY_LIFE_MS
            keys = self.feed_keys.keys.items() if is_live else ()
            return open_jws(jws, {kid: key for kid, key in keys if key[0] == "ES256"}, (typ,))

        try:
            return open_it()
        except KeyError:
            self.renew_feed_keys()
            return open_it()

    def _join(self, records: list[Record]) -> None:
        for record in records:
            name = (record.kind, record.fingerprint)
            floor, until = self._entries.get(name, (0, 0))
            self._entries[name] = (max(floor, record.floor), max(until, record.until))

    def _take(self, checkpoint: Checkpoint) -> None:
        before = self.held.kids if self.held else frozenset()
        self.withdrawn = (self.withdrawn | before) - checkpoint.kids
        self.held, self.fits, self._brought_ms = checkpoint, True, self.clock.steady_ms()
        if not self.clock.believe(checkpoint.at):
            return
        self._believed_at = checkpoint.at
        if checkpoint.at > self._swept_at + SWEEP_MS:
            self._swept_at, dead = checkpoint.at, checkpoint.at - SKEW_MS
            entries = self._entries.items()
            self._entries = {n: e for n, e in entries if e[1] >= dead or n[0] == "all"}


def is_late(checkpoint: Checkpoint, held: Checkpoint) -> bool:
    """Of one epoch. Fewer records with a later `at` are not late: that is lost history."""
    return (checkpoint.at, checkpoint.seq) < (held.at, held.seq)


def records_between(held: Checkpoint, checkpoint: Checkpoint, octets: bytes) -> list[Record]:
    if checkpoint.seq < held.seq:
        raise Lost("fewer records than before")
    if checkpoint.seq == held.seq and checkpoint.chain != held.chain:
        raise Lost("another history of the same length")
    starts = range(0, len(octets), 33)
    seqs = [int.from_bytes(octets[start : start + 8], "big") for start in starts]
    if seqs != list(range(held.seq + 1, checkpoint.seq + 1)):
        raise ValueError("records are missing")
    if next_chain(held.chain, octets) != checkpoint.chain:
        raise ValueError("another chain")
    return parse_records(octets)
