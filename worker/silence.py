"""How long a job has reported nothing, as its runner observed it: neither pauses nor a database that is away count."""

from __future__ import annotations


class Silence:
    """Adds up the time between heartbeats that found the job's last report unchanged."""

    def __init__(self) -> None:
        self._reported: object = None
        self._observed_at: float | None = None
        self.seconds = 0.0

    def observe(self, reported: object, moment: float) -> float:
        """Note what the job had reported at a moment of the runner's `AwakeClock`; return the seconds of silence."""
        if reported != self._reported:
            self._reported, self.seconds = reported, 0.0
        elif self._observed_at is not None:
            self.seconds += moment - self._observed_at
        self._observed_at = moment
        return self.seconds

    def interrupt(self) -> None:
        """The database did not answer: the job may have spoken, and was not heard."""
        self._observed_at = None
