"""How long evaluations are expected to take, from those that have finished."""

from __future__ import annotations

from collections.abc import Iterable

from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest
from mf_nas_kd.records.fidelity import Fidelity


class ExpectedSeconds:
    """Cautious expectation of the time of an evaluation, for time limits: the longest seen so far.

    Args:
        evaluations: Evaluations of the same study; failed ones are ignored.
    """

    def __init__(self, evaluations: Iterable[Evaluation] = ()) -> None:
        self._at: dict[Fidelity, float] = {}
        self._for_a_pass = 0.0
        for evaluation in evaluations:
            self.learn(evaluation)

    def learn(self, evaluation: Evaluation) -> None:
        """Take an evaluation into account."""
        if evaluation.finished:
            fidelity, seconds = evaluation.fidelity, evaluation.cost_seconds
            self._at[fidelity] = max(seconds, self._at.get(fidelity, 0.0))
            self._for_a_pass = max(seconds / float(fidelity.image_passes), self._for_a_pass)

    def __call__(self, request: EvaluationRequest) -> float | None:
        """Expected time in seconds; None before any evaluation has finished.

        Of a fidelity that was not seen it is that of others in proportion to the passes over the images.
        """
        if not self._at:
            return None
        return self._at.get(request.fidelity, self._for_a_pass * float(request.fidelity.image_passes))
