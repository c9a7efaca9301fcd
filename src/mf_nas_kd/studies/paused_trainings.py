"""Paused trainings: files from which a training with more epochs goes on.

Nothing depends on them: where one is missing or damaged, the training begins at its first step, with the same result.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import torch

from mf_nas_kd.files import written_whole
from mf_nas_kd.records import Evaluation, EvaluationRequest
from mf_nas_kd.studies.runner import Work
from mf_nas_kd.training import PausedTraining

logger = logging.getLogger(__name__)

MOST_FILES = 10_000
"""Paused trainings that are kept at most, whatever their size."""


@dataclass(frozen=True, eq=False)
class Pause:
    """A paused training, and what it has cost.

    Attributes:
        state: Weights, statistics and optimiser.
        seconds: Cost from the first step on, in seconds.
        val_accuracies: Its learning curve, as in :class:`LearningCurve`.
    """

    state: PausedTraining
    seconds: float
    val_accuracies: dict[int, float]

    def to_bytes(self) -> bytes:
        """The pause as bytes; tensors keep their strides, so that a continued training rounds as an unpaused one."""
        buffer = io.BytesIO()
        torch.save({**vars(self), "state": vars(self.state)}, buffer)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Pause:
        """Read :meth:`to_bytes`: tensors and plain values, no code.

        Raises:
            Exception: Whatever torch raises for damaged bytes.
        """
        fields = torch.load(io.BytesIO(data), map_location="cpu", weights_only=True)
        return cls(PausedTraining(**fields.pop("state")), **fields)


@dataclass(frozen=True)
class PausableEvaluation:
    """An evaluation with its pause: what a worker sends back.

    Attributes:
        evaluation: The record.
        start: Name of what trainings with more epochs share with it; None where it was not paused.
        epochs: Number of epochs at which it was paused.
        pause: :meth:`Pause.to_bytes`; None where it was not paused.
    """

    evaluation: Evaluation
    start: str | None = None
    epochs: int = 0
    pause: bytes | None = None


class PausingEvaluator(Protocol):
    """Makes evaluations that can be continued."""

    def start(self, request: EvaluationRequest) -> tuple[str, int] | None:
        """Name of what a training shares with those of more epochs, its epochs before it decays; None if nothing."""
        ...

    def evaluate_and_pause(self, request: EvaluationRequest) -> PausableEvaluation:
        """Evaluate a request; where it has a pause, go on from it."""
        ...


class PausedTrainings:
    """Paused trainings in a folder, one file each; the least recently used are removed beyond a size.

    Args:
        folder: Folder of the files.
        largest_bytes: Largest size of all files together; 0 keeps none.
    """

    def __init__(self, folder: Path, largest_bytes: float) -> None:
        self._folder = folder
        self._largest_bytes = largest_bytes

    def keep(self, training: PausableEvaluation) -> Evaluation:
        """Save the pause, and return the record, which is stored after it. A full disk costs the pause only."""
        if training.pause is not None and len(training.pause) <= self._largest_bytes:
            try:
                self._make_room(len(training.pause))
                with written_whole(self._path(f"{training.start}", training.epochs)) as temporary:
                    temporary.write_bytes(training.pause)
            except OSError as failure:
                logger.warning("A paused training could not be kept, it will begin anew: %s", failure)
        return training.evaluation

    def latest(self, start: str, epochs: int) -> bytes | None:
        """The pause with the most epochs, of those with at most ``epochs``; None if there is none."""
        found = {int(path.stem.rpartition("-")[2]): path for path in self._folder.glob(f"{start}-*.pt")}
        for _, path in sorted(((done, path) for done, path in found.items() if done <= epochs), reverse=True):
            try:
                path.touch()
                return path.read_bytes()
            except OSError as failure:
                logger.warning("%s cannot be read, its training begins anew: %s", path, failure)
        return None

    def _make_room(self, size: int) -> None:
        files = sorted((each.stat().st_mtime, each.stat().st_size, each) for each in self._folder.glob("*.pt"))
        together = size + sum(each for _, each, _ in files)
        for count, (_, each, path) in enumerate(files):
            if together <= self._largest_bytes and len(files) - count < MOST_FILES:
                return
            path.unlink(missing_ok=True)
            together -= each

    def _path(self, start: str, epochs: int) -> Path:
        return self._folder / f"{start}-{epochs}.pt"


def evaluate_and_pause(evaluator: PausingEvaluator, request: EvaluationRequest) -> PausableEvaluation:
    """Task of a worker: one evaluation, and where it was paused."""
    return evaluator.evaluate_and_pause(request)


def pausing_work(evaluator: PausingEvaluator, paused: PausedTrainings) -> Work[PausableEvaluation]:
    """Evaluations that go on from paused trainings, and are paused themselves.

    Args:
        evaluator: Names what trainings share.
        paused: The paused trainings.
    """

    def with_pause(request: EvaluationRequest) -> EvaluationRequest:
        start = evaluator.start(request)
        return request if start is None else replace(request, pause=paused.latest(*start))

    return Work(evaluate_and_pause, paused.keep, lambda _: True, with_pause)
