"""Base64url and JSON, where the standard library reads more than there should be."""

from __future__ import annotations

import base64
import json
from typing import Any


def parse_json(text: str | bytes) -> dict[str, Any]:
    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(members)) < len(members):
            raise ValueError("a member twice")
        return dict(members)

    value = json.loads(text, object_pairs_hook=once)
    if type(value) is not dict:
        raise ValueError("not a JSON object")
    return value


def to_base64url(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()


def from_base64url(text: Any) -> bytes:
    if type(text) is not str:
        raise ValueError("no text")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if to_base64url(octets) != text:  # the decoder of Python skips what it does not know
        raise ValueError("not base64url")
    return octets
