"""A clock around functions of a program that is not written for it: the innermost function that has one is charged."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import Any


class Clock:
    """Seconds by part, of CPU or of what ``now`` tells; what belongs to no part is ``rest``."""

    def __init__(self, now: Callable[[], float] = time.process_time, rest: str = "the rest") -> None:
        self.spent: Counter[str] = Counter()
        self._running, self._now, self._since = [rest], now, now()

    def mark(self) -> None:
        """What has passed since the last mark is the innermost part's."""
        now = self._now()
        self.spent[self._running[-1]] += now - self._since
        self._since = now

    def on(self, owner: Any, name: str, part: str) -> None:
        """Puts itself around a function of ``owner``."""
        real: Callable[..., Any] = getattr(owner, name)

        def timed(*arguments: Any, **named: Any) -> Any:
            self.mark()
            self._running.append(part)
            try:
                return real(*arguments, **named)
            finally:
                self.mark()
                self._running.pop()

        static = isinstance(vars(owner).get(name), staticmethod)
        setattr(owner, name, staticmethod(timed) if static else timed)
