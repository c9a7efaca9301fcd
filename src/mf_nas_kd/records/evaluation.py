"""Evaluations: finished or failed trainings of architectures, and the requests that lead to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.costs import Costs
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.records.fields import Record, Role, column, record
from mf_nas_kd.records.learning_curve import LearningCurve
from mf_nas_kd.records.metrics import Metrics

LONGEST_ERROR = 10_000
"""Most characters of an error that are kept: the first and the last ones."""


def _shortened(error: str) -> str:
    if len(error) <= LONGEST_ERROR:
        return error
    return f"{error[: LONGEST_ERROR // 2 - 5]} ... {error[-LONGEST_ERROR // 2 :]}"


class Status(StrEnum):
    """How a training ended."""

    FINISHED = "finished"
    FAILED = "failed"


@dataclass(frozen=True)
class EvaluationRequest:
    """One evaluation to make.

    Attributes:
        architecture: The network to train.
        fidelity: How much to spend on it.
        seed: Seed of the weights, the order of the images and their augmentations.
        pause: A paused training that it may go on from, as bytes; the result is the same without.
    """

    architecture: Architecture
    fidelity: Fidelity
    seed: int
    pause: bytes | None = field(default=None, repr=False, compare=False)


@record
class Evaluation(Record):
    """One finished or failed training: a row of the store.

    Attributes:
        key: Hash of everything that determines the result.
        architecture: The network that was trained (columns ``space``, ``architecture_id``, ``architecture``).
        fidelity: How much was spent on it.
        seed: Seed of the weights, the order of the images and their augmentations.
        dataset: Name of the images.
        dataset_fingerprint: Hash of images, labels and splits.
        teacher_fingerprint: Hash of the teacher's weights; empty without distillation.
        status: ``finished`` or ``failed``.
        error: Why it failed; empty if it did not.
        metrics: What was measured; validation accuracy selects, test accuracy is only reported.
        learning_curve: Loss and validation accuracy on the way; None after a failed training, and in records of
            versions that did not keep it.
        cost_seconds: Wall time of building, training and measuring, from the first step on, also where a part of it was
            spent by an earlier training that was continued.
        lost_seconds: Wall time of attempts before it, which ended by faults of their machines; None in records of
            versions that did not measure it.
        reused_seconds: The part of ``cost_seconds`` that was not spent again, because a paused training was continued.
        pause_seconds: The part of ``cost_seconds`` before the learning rate decays: what is saved where this training
            is continued. None where it cannot be.
        costs: What the network costs to run.
        device: Name of the device.
        code_version: Version of this package.
        finished_at: Time of the end, ISO 8601, UTC.
    """

    key: str = column(Role.KEY, indexed=True)
    architecture: Architecture
    fidelity: Fidelity
    seed: int = column(Role.SETTING)
    dataset: str = column(Role.SETTING)
    dataset_fingerprint: str = column(Role.PROVENANCE)
    teacher_fingerprint: str = column(Role.PROVENANCE)
    status: str = column(Role.STATUS)
    error: str = column(Role.STATUS, long=True, encode=_shortened)
    metrics: Metrics
    learning_curve: LearningCurve | None = column(
        Role.COURSE,
        long=True,
        stored_as=str,
        encode=LearningCurve.encode,
        decode=LearningCurve.decode,
        default=None,
        kw_only=True,
    )
    cost_seconds: float = column(Role.COST, "s")
    lost_seconds: float | None = column(Role.COST, "s")
    reused_seconds: float | None = column(Role.COST, "s", default=None, kw_only=True)
    pause_seconds: float | None = column(Role.COST, "s", default=None, kw_only=True)
    costs: Costs
    device: str = column(Role.SETTING)
    code_version: str = column(Role.PROVENANCE)
    finished_at: str = column(Role.PROVENANCE, "ISO 8601, UTC")

    @property
    def finished(self) -> bool:
        """Whether the training finished, so that there are metrics."""
        return self.status == Status.FINISHED

    @property
    def charged_seconds(self) -> float:
        """What a search is charged for it: what was spent, and the time that was lost before."""
        return self.cost_seconds - (self.reused_seconds or 0.0) + (self.lost_seconds or 0.0)


@record
class PrecomputedTargets(Record):
    """A block of teacher targets that was precomputed for many trainings, in none of whose costs it is.

    Attributes:
        dataset_fingerprint: Hash of images, labels and splits.
        teacher_fingerprint: Hash of the teacher's weights.
        distillation: Names of the distillation configurations whose targets were computed.
        pairs: Number of pairs of image and augmentation.
        seconds: Wall time of the worker.
        device: Name of the device.
        code_version: Version of this package.
        finished_at: Time of the end, ISO 8601, UTC.
    """

    dataset_fingerprint: str = column(Role.PROVENANCE)
    teacher_fingerprint: str = column(Role.PROVENANCE)
    distillation: str = column(Role.SETTING, long=True)
    pairs: int = column(Role.SETTING)
    seconds: float = column(Role.COST, "s")
    device: str = column(Role.SETTING)
    code_version: str = column(Role.PROVENANCE)
    finished_at: str = column(Role.PROVENANCE, "ISO 8601, UTC")


def now() -> str:
    """The time for ``finished_at``, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
