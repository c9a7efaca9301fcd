"""What is kept of a final training beside its record: weights, learning curve, and outputs for every image."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from safetensors.torch import save_file
from torch import Tensor

from mf_nas_kd.errors import MissingEvaluationError
from mf_nas_kd.files import written_whole
from mf_nas_kd.networks import TrainedNetwork
from mf_nas_kd.networks.tensor_file import LARGEST_NETWORK_BYTES, read_tensors
from mf_nas_kd.records import Architecture, Evaluation, EvaluationRequest, Fidelity, LearningCurve
from mf_nas_kd.studies.runner import Work

logger = logging.getLogger(__name__)

_LOGITS = ("validation_logits", "test_logits")
_WEIGHT = "weight:"
"""Start of the names of weights in a file, which keeps them apart from the logits."""


@dataclass(frozen=True)
class TrainingOutputs:
    """What a training leaves beside its record.

    Attributes:
        network: Weights and description.
        curve: Learning curve.
        validation_logits: ``(n, K)``, float32, of the validation images in their order.
        test_logits: ``(m, K)``, likewise of the test images.
    """

    network: TrainedNetwork
    curve: LearningCurve
    validation_logits: Tensor
    test_logits: Tensor


@dataclass(frozen=True)
class KeptTraining:
    """A training with its outputs: what a worker sends back.

    Attributes:
        evaluation: The record.
        outputs: What it leaves; None if it failed.
    """

    evaluation: Evaluation
    outputs: TrainingOutputs | None


class KeepingEvaluator(Protocol):
    """Makes evaluations, and sends back what they leave."""

    def evaluate_and_keep(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> KeptTraining:
        """Evaluate an architecture at a fidelity, with weights, learning curve and outputs."""
        ...


class KeptTrainings:
    """Outputs of trainings by the keys of their evaluations, one file each. A file may be deleted: it is made again.

    Args:
        folder: Folder of the files.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __contains__(self, key: str) -> bool:
        return self.find(key) is not None

    def keep(self, training: KeptTraining) -> Evaluation:
        """Save the outputs, and return the record, which is stored after them."""
        outputs = training.outputs
        if outputs is not None:
            tensors, header = outputs.network.to_tensors()
            logits = dict(zip(_LOGITS, (outputs.validation_logits, outputs.test_logits), strict=True))
            with written_whole(self._path(training.evaluation.key)) as temporary:
                save_file(
                    {_WEIGHT + name: tensor for name, tensor in tensors.items()} | logits,
                    temporary,
                    metadata={**header, "curve": outputs.curve.encode()},
                )
        return training.evaluation

    def find(self, key: str) -> TrainingOutputs | None:
        """The outputs of a training; None if there is no file, or a damaged one, which is removed with a warning."""
        path = self._path(key)
        if not path.is_file():
            return None
        try:
            return _read(path)
        except (OSError, KeyError, TypeError, ValueError) as failure:
            logger.warning("%s is damaged, so its network is trained again: %s", path, failure)
            path.unlink(missing_ok=True)
            return None

    def require(self, key: str) -> TrainingOutputs:
        """The outputs of a training.

        Raises:
            MissingEvaluationError: If they are not there.
        """
        outputs = self.find(key)
        if outputs is None:
            raise MissingEvaluationError(
                f"{self._path(key)} is not there, the network of a final training: run the pipeline final again"
            )
        return outputs

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.safetensors"


def train_and_keep(evaluator: KeepingEvaluator, request: EvaluationRequest) -> KeptTraining:
    """Task of a worker: one evaluation, with what it leaves."""
    return evaluator.evaluate_and_keep(request.architecture, request.fidelity, request.seed)


def kept_work(kept: KeptTrainings) -> Work[KeptTraining]:
    """Evaluations whose outputs are kept."""
    return Work(train_and_keep, kept.keep, kept.__contains__)


def _read(path: Path) -> TrainingOutputs:
    tensors, header = read_tensors(path, LARGEST_NETWORK_BYTES)
    validation_logits, test_logits = (tensors.pop(name) for name in _LOGITS)
    weights = {name.removeprefix(_WEIGHT): tensor for name, tensor in tensors.items()}
    return TrainingOutputs(
        network=TrainedNetwork.from_tensors(weights, header),
        curve=LearningCurve.decode(header["curve"]),
        validation_logits=validation_logits,
        test_logits=test_logits,
    )
