"""No workers: every request is evaluated at once, in this process. For debugging, and for tests."""

from __future__ import annotations

from concurrent.futures import Future

from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.executors.executor import Executor
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest


class InlineExecutor(Executor):
    """Evaluates when asked."""

    def __init__(self, evaluator: Evaluator, workers: int | None) -> None:
        self.in_flight = 1
        self._evaluator = evaluator

    def submit(self, request: EvaluationRequest) -> Future[Evaluation]:
        future: Future[Evaluation] = Future()
        try:
            future.set_result(self._evaluator.evaluate(request.architecture, request.fidelity, request.seed))
        except Exception as error:  # a future carries its exception to whoever asks for the result
            future.set_exception(error)
        return future

    def close(self) -> None:
        """Nothing is running."""
