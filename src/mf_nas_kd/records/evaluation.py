"""One finished or failed training, as a record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.fidelity import Fidelity


class Status(StrEnum):
    """How a training ended."""

    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True)
class EvaluationRequest:
    """What somebody wants to know.

    Attributes:
        architecture: What is trained.
        fidelity: How much is spent.
        seed: Of weights, orders and views.
    """

    architecture: Architecture
    fidelity: Fidelity
    seed: int


@dataclass(frozen=True)
class Evaluation:
    """One row of the store. Validation accuracy selects; test accuracy is only reported.

    Attributes:
        key: Hash of everything that determines the result.
        space: Name of the architecture's space.
        architecture_id: Stable name of the architecture.
        architecture: Its specification, JSON.
        train_fraction: Share of the training images.
        epochs: Passes over it.
        width: Multiplier of the channels.
        distillation: Name of the distillation recipe.
        seed: Of weights, orders and views.
        dataset: Name of the images.
        dataset_fingerprint: Hash of images, labels and splits.
        teacher_fingerprint: Hash of the teacher's weights; empty for a plain training, which has no teacher.
        status: ``finished`` or ``failed``.
        error: Why it failed; empty if it did not.
        val_accuracy: In [0, 1]; None if failed.
        test_accuracy: In [0, 1]; None if failed.
        cost_seconds: Wall time of building, training and measuring.
        macs: Multiply-accumulates of one image.
        params: Learned numbers.
        device: Name of the device.
        code_version: Version of this package.
        finished_at: When, ISO 8601, UTC.
    """

    key: str
    space: str
    architecture_id: str
    architecture: str
    train_fraction: float
    epochs: int
    width: float
    distillation: str
    seed: int
    dataset: str
    dataset_fingerprint: str
    teacher_fingerprint: str
    status: str
    error: str
    val_accuracy: float | None
    test_accuracy: float | None
    cost_seconds: float
    macs: int
    params: int
    device: str
    code_version: str
    finished_at: str

    @property
    def fidelity(self) -> Fidelity:
        """How much was spent."""
        return Fidelity.from_columns(self)

    @property
    def finished(self) -> bool:
        """Whether there is an accuracy."""
        return self.status == Status.FINISHED


@dataclass(frozen=True)
class TeacherFill:
    """A block of teacher targets that was computed for many trainings to come: no training has it in its cost.

    Attributes:
        dataset_fingerprint: Hash of images, labels and splits.
        teacher_fingerprint: Hash of the teacher's weights.
        remembers: What was remembered, in words.
        pairs: Of image and view.
        seconds: Wall time of the worker.
        device: Name of the device.
        code_version: Version of this package.
        finished_at: When, ISO 8601, UTC.
    """

    dataset_fingerprint: str
    teacher_fingerprint: str
    remembers: str
    pairs: int
    seconds: float
    device: str
    code_version: str
    finished_at: str


def now() -> str:
    """The time for ``finished_at``."""
    return datetime.now(UTC).isoformat(timespec="seconds")
