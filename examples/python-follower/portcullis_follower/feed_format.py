"""The octets of the revocation feed, as docs/feed-format.md has them. Nothing here is fetched."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeGuard

from .strict import from_base64url, parse_json, to_base64url

KINDS = ("session", "account", "client", "token", "key", "all")
NEVER, INTEGER_MAX, KIDS_MAX = 2**64 - 1, 2**53 - 1, 64
EVENT_OCTETS_MAX = 2**20


class Lost(ValueError):
    """History is not what was applied, or cannot be read: stale until a snapshot is joined."""


@dataclass(frozen=True)
class Record:
    seq: int
    kind: str
    fingerprint: bytes
    floor: int
    until: int


@dataclass(frozen=True)
class Checkpoint:
    epoch: str
    seq: int
    chain: str
    at: int
    kids: frozenset[str]


def fingerprint(issuer: str, kind: str, key: str) -> bytes:
    return hashlib.sha256("\0".join((issuer, kind, key)).encode()).digest()[:8]


def parse_records(octets: bytes) -> list[Record]:
    """All of them or none."""
    if len(octets) % 33:
        raise ValueError("half a record")
    records = []
    for seq, kind, name, floor, until in struct.iter_unpack(">QB8sQQ", octets):
        is_until = until <= INTEGER_MAX or until == NEVER
        if not 1 <= kind <= len(KINDS) or max(seq, floor) > INTEGER_MAX or not is_until:
            raise Lost("a record that cannot be read")
        records.append(Record(seq, KINDS[kind - 1], name, floor, until))
    return records


def parse_frame(data: str) -> tuple[bytes, str]:
    """The octets of its records, and its checkpoint: a JWS that nobody has verified yet."""
    frame = parse_json(data)
    octets, checkpoint = from_base64url(frame.get("records")), frame.get("checkpoint")
    if type(checkpoint) is not str:
        raise ValueError("no checkpoint")
    return octets, checkpoint


def first_chain(epoch: str) -> str:
    return to_base64url(hashlib.sha256(f"portcullis revocations\0{epoch}".encode()).digest())


def next_chain(chain: str, octets: bytes) -> str:
    link = from_base64url(chain)
    for start in range(0, len(octets), 33):
        link = hashlib.sha256(link + octets[start : start + 33]).digest()
    return to_base64url(link)


def parse_checkpoint(claims: dict[str, Any], issuer: str) -> Checkpoint:
    """Of claims whose signature was right."""
    epoch, seq, chain, at, kids = map(claims.get, ("epoch", "seq", "chain", "at", "kids"))
    if claims.get("iss") != issuer:
        raise ValueError("of another issuer")
    if not is_count(seq) or not is_count(at):
        raise ValueError("seq or at is no number")
    if type(kids) is not list or len(kids) > KIDS_MAX or any(type(kid) is not str for kid in kids):
        raise ValueError("kids is no list of names")
    if len(from_base64url(epoch)) != 16 or len(from_base64url(chain)) != 32:
        raise ValueError("epoch or chain is of another length")
    return Checkpoint(str(epoch), seq, str(chain), at, frozenset(kids))


def is_count(value: Any) -> TypeGuard[int]:
    return type(value) is int and 0 <= value <= INTEGER_MAX


def events(chunks: Iterator[bytes]) -> Iterator[str]:
    """The data of each frame, and "" after each chunk: whoever waits can look at the clock."""
    pending = b""
    for chunk in chunks:
        *blocks, pending = (pending + chunk).split(b"\n\n")
        if len(pending) > EVENT_OCTETS_MAX:
            raise ValueError("an event that is too long")
        for block in blocks:
            fields = dict(line.partition(":")[::2] for line in block.decode().split("\n"))
            if fields.get("event", "").strip() == "records":
                yield fields["data"]
        yield ""
