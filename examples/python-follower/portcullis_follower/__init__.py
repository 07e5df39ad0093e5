"""Verifies access tokens of a Portcullis issuer, revocations included. Copy this folder."""

from .access_tokens import Verdict, Verifier
from .clock import Clock

__all__ = ["Clock", "Verdict", "Verifier"]
