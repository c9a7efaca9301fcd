"""The protocol of an evaluator of architectures."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from mf_nas_kd.records.architecture import Architecture
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest, PrecomputedTargets
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.workers import Executor


class Evaluator(Protocol):
    """Makes evaluations of architectures; a search does not depend on how.

    Obligations: equal arguments give equal keys and equal accuracies, in any process; a training that fails of its
    architecture or its configuration is an evaluation with ``status`` ``failed``; every other failure is an exception,
    which becomes no record; an evaluator can be pickled, because it is sent to every worker once.
    """

    def key(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> str:
        """Hash of everything that determines the result: equal keys mean equal accuracies."""
        ...

    def prepare(self, requests: Iterable[EvaluationRequest], workers: Executor[Any]) -> Iterator[PrecomputedTargets]:
        """Have the workers precompute teacher targets that several evaluations need.

        Without this call the evaluations are the same, but take longer.

        Args:
            requests: The evaluations that will be made.
            workers: Workers that hold an equal evaluator.

        Yields:
            A record of each block of targets, as soon as it is computed.
        """
        ...

    def evaluate(self, architecture: Architecture, fidelity: Fidelity, seed: int) -> Evaluation:
        """Evaluate an architecture at a fidelity."""
        ...

    def failure(self, architecture: Architecture, fidelity: Fidelity, seed: int, error: str) -> Evaluation:
        """Record of an evaluation that was given up after several attempts: :meth:`evaluate` could not return one."""
        ...
