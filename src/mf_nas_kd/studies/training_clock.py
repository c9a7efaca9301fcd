"""What a training has cost, and where it was paused."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from mf_nas_kd.studies.paused_trainings import Pause
from mf_nas_kd.studies.resolution import ResolvedTraining
from mf_nas_kd.training import PausedTraining

logger = logging.getLogger(__name__)

CLOCKS: Mapping[str, Callable[[], float]] = {"wall": time.perf_counter, "cpu": time.process_time}
"""Seconds that a training is charged, by ``training.clock``."""


@dataclass
class TrainingClock:
    """Clock of a training, which may go on from an earlier one.

    Attributes:
        before: The pause that it goes on from; None for a training from its first step on.
        paused: Its own pause, before the learning rate decays; None where there was none.
        val_accuracies: Validation accuracies on the way, by the number of epochs done.
        now: The time, in seconds.
    """

    before: Pause | None = None
    paused: Pause | None = None
    val_accuracies: dict[int, float] = field(default_factory=dict)
    now: Callable[[], float] = time.perf_counter
    _started: float = 0.0

    @classmethod
    def of(cls, training: ResolvedTraining, pause: bytes | None, clock: str) -> TrainingClock:
        """The clock of a training that goes on from a pause; a damaged one counts as none, with a warning.

        Args:
            training: The training.
            pause: :meth:`Pause.to_bytes`, of a training with the same start; None for none.
            clock: A name in ``CLOCKS``.
        """
        now = CLOCKS[clock]
        if pause is None:
            return cls(now=now)
        try:
            before = Pause.from_bytes(pause)
        except Exception as failure:  # torch raises errors of many kinds for damaged bytes
            logger.warning("A paused training of %s is damaged, it begins anew: %s", training.architecture.id, failure)
            return cls(now=now)
        reached = before if before.state.epochs == training.constant_epochs else None
        return cls(before, reached, before.val_accuracies, now)

    def begin(self) -> None:
        """Start the clock, or start it again."""
        self._started = self.now()

    def pause(self, state: PausedTraining) -> None:
        """Note where the training was paused."""
        self.paused = Pause(state, self.seconds, dict(self.val_accuracies))

    @property
    def state(self) -> PausedTraining | None:
        """Where the training goes on from."""
        return None if self.before is None else self.before.state

    @property
    def reused_seconds(self) -> float:
        """What an earlier training has paid."""
        return 0.0 if self.before is None else self.before.seconds

    @property
    def seconds(self) -> float:
        """Cost from the first step on, what was reused included."""
        return self.reused_seconds + self.now() - self._started

    @property
    def pause_seconds(self) -> float | None:
        """Cost until the pause."""
        return None if self.paused is None else self.paused.seconds
