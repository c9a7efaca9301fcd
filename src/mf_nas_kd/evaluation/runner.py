"""Evaluate many requests: skip what the store has, keep each result the moment it is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.executors import Executor
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest
from mf_nas_kd.evaluation.store import EvaluationStore
from mf_nas_kd.progress import progress_bar

logger = logging.getLogger(__name__)


def run_evaluations(
    requests: Sequence[EvaluationRequest],
    evaluator: Evaluator,
    workers: Executor,
    store: EvaluationStore,
    on_new: Callable[[Evaluation], None],
    retry_failed: bool,
    show_progress: bool,
) -> list[Evaluation]:
    """Evaluate every request once.

    Args:
        requests: What is wanted.
        evaluator: Gives the keys.
        workers: Hold an equal evaluator.
        store: Grows by each result before the next one is looked at.
        on_new: Told of every new evaluation after it has been stored.
        retry_failed: Whether failed trainings in the store are tried again.
        show_progress: Whether to say how many there are, and to draw a bar with the expected time left.

    Returns:
        The evaluations in the order of the requests.
    """
    keys = [evaluator.key(request.architecture, request.fidelity, request.seed) for request in requests]
    known = store.find(keys)
    if retry_failed:
        known = {key: evaluation for key, evaluation in known.items() if evaluation.finished}
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
    if show_progress:
        logger.info("%d evaluations wanted: %d are in the store, %d to train", len(keys), len(known), len(missing))
    if missing:
        started = time.perf_counter()
        teacher_seconds = 0.0
        for fill in evaluator.prepare(missing.values(), workers):
            store.append(fill)
            teacher_seconds += fill.seconds
        # Time left goes by passes over the images: cheap trainings come first, and counting would flatter.
        passes = sum(float(request.fidelity.image_passes) for request in missing.values())
        with progress_bar("trainings", total=passes, shown=show_progress) as progress:
            for done, (key, future) in enumerate(workers.stream(evaluate, missing), start=1):
                evaluation = _result(future, missing[key], evaluator)
                store.append(evaluation)
                on_new(evaluation)
                known[key] = evaluation
                progress.set_postfix_str(f"{done}/{len(missing)} trainings", refresh=False)
                progress.update(float(missing[key].fidelity.image_passes))
        failed = sum(not known[key].finished for key in missing)
        level = logging.INFO if show_progress else logging.DEBUG
        seconds = time.perf_counter() - started
        logger.log(level, "Trained %d in %.0f s, %d failed", len(missing), seconds, failed)
        if teacher_seconds:
            logger.info("Asking the teacher beforehand took %.0f s of work, once for all trainings", teacher_seconds)
    return [known[key] for key in keys]


def evaluate(evaluator: Evaluator, request: EvaluationRequest) -> Evaluation:
    """A worker's task: make one evaluation."""
    return evaluator.evaluate(request.architecture, request.fidelity, request.seed)


def _result(future: Future[Evaluation], request: EvaluationRequest, evaluator: Evaluator) -> Evaluation:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, TrainingFailedError):
        raise error
    return evaluator.failure(request.architecture, request.fidelity, request.seed, str(error))
