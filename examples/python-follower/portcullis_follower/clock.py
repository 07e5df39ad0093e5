"""The time that a follower judges by. Nobody who sets the wall clock back prolongs anything."""

from __future__ import annotations

import time
from collections.abc import Callable

SKEW_MS = 5_000
"""How far clocks may be apart."""
NEVER_MS = float("-inf")


class Clock:
    def __init__(
        self,
        wall_ms: Callable[[], float] = lambda: time.time() * 1000,
        steady_ms: Callable[[], float] = lambda: time.monotonic() * 1000,
    ) -> None:
        self.wall_ms, self.steady_ms = wall_ms, steady_ms
        # Moments, as what they are ahead of the steady clock.
        self._last = self._highest = self._dated = self._not_believed = NEVER_MS
        self._last_at = NEVER_MS

    def now_ms(self) -> float:
        since = self.steady_ms()
        return max(self.wall_ms(), since + self._last, since + self._highest - SKEW_MS)

    def is_behind(self) -> bool:
        """While it is, no `iat` vouches for anything."""
        ahead = max(self._dated, self._not_believed)
        return self.steady_ms() + ahead > self.wall_ms() + SKEW_MS

    def hear(self, date_ms: float) -> None:
        """A `Date` straight from the issuer."""
        self._dated = date_ms - self.steady_ms()

    def believes(self, at: float) -> bool:
        return at <= self.wall_ms() + SKEW_MS

    def believe(self, at: int) -> bool:
        """Whether the `at` of a checkpoint is believed, and if so it is judged by from now on."""
        if not self.believes(at):
            self._not_believed = at - self.steady_ms()
            return False
        self._not_believed = NEVER_MS
        if at > self._last_at:  # the same one again came when it came first
            self._last_at, self._last = at, at - self.steady_ms()
            self._highest = max(self._highest, self._last)
        return True
