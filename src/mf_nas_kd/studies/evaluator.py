"""The protocol of whoever can tell what a training is worth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest, PrecomputedTargets
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.workers import Executor


class Evaluator(Protocol):
    """Trains, or looks it up. A search cannot tell which.

    Obligations: equal arguments give equal keys and equal accuracies, in any process; a training that fails is an
    evaluation with ``status`` ``failed`` and never an exception; an evaluator can be pickled, to be sent once to every
    worker.
    """

    def key(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> str:
        """Hash of everything that determines the result: equal keys, equal accuracies."""
        ...

    def prepare(self, requests: Iterable[EvaluationRequest], workers: Executor[Any]) -> Iterator[PrecomputedTargets]:
        """Have the workers compute what several of the evaluations need; yields what was done, as it is done.

        Without it the evaluations are the same, and take longer.
        """
        ...

    def evaluate(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> Evaluation:
        """Make the evaluation."""
        ...

    def failure(self, architecture: Architecture, fidelity: Fidelity, seed: int, error: str) -> Evaluation:
        """The record of a training that ended outside of :meth:`evaluate`: its worker died."""
        ...
