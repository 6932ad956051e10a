"""Leaves a server in peace that has failed again and again, and tries now and then whether it is back."""

from collections.abc import Callable


class Breaker:
    """Lets calls through until `failures` of them have failed in a row; then one probe every `rest_s`, until one works.

    `clock` is monotonic, in seconds.
    """

    def __init__(self, failures: int, rest_s: float, clock: Callable[[], float]) -> None:
        """Let everything through."""
        self._failures, self._rest_s, self._clock = failures, rest_s, clock
        self._failed, self._probe_at = 0, 0.0

    def allows(self) -> bool:
        """Say whether a call may be made now; whoever is told so makes it, and says how it went."""
        if self._failed < self._failures:
            return True
        if self._clock() < self._probe_at:
            return False
        self._rest()  # the next probe is due later, whatever becomes of this one
        return True

    def worked(self) -> None:
        """Let everything through again."""
        self._failed = 0

    def failed(self) -> None:
        """Count a failure; what was asked before the breaker opened may still fail after it did."""
        self._failed += 1
        if self._failed >= self._failures:
            self._rest()

    def _rest(self) -> None:
        self._probe_at = self._clock() + self._rest_s
