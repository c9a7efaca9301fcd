"""Evaluate many requests: skip what the store has, keep each result the moment it is there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import takewhile
from typing import Any

from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest
from mf_nas_kd.store.evaluation_store import EvaluationStore
from mf_nas_kd.studies.evaluator import Evaluator
from mf_nas_kd.workers import Executor

logger = logging.getLogger(__name__)


def run_evaluations(
    requests: Sequence[EvaluationRequest],
    evaluator: Evaluator,
    workers: Executor[Any],
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
        show_progress: Whether to say how many there are, and to draw a bar with the expected time left. (Asking the
            teacher has its own bar where it takes seconds.)

    Returns:
        The evaluations in the order of the requests.

    Raises:
        MfNasKdError: If workers cannot work, or the store cannot take a record. What had finished by then is kept.
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
        done, teacher_seconds = 0, 0.0
        failure: Exception | None = None
        for fill in evaluator.prepare(missing.values(), workers):
            store.append(fill)
            teacher_seconds += fill.seconds
        # Time left goes by passes over the images: cheap trainings come first, and counting would flatter.
        passes = sum(float(request.fidelity.image_passes) for request in missing.values())
        to_begin = takewhile(lambda _: failure is None, missing.items())
        with progress_bar("trainings", total=passes, shown=show_progress) as progress:
            for key, future in workers.stream(evaluate, to_begin):
                try:
                    evaluation = _result(future, missing[key], evaluator)
                except Exception as error:  # no fault of a training: no others begin, and what still runs is kept
                    failure = failure or error
                    continue
                store.append(evaluation)
                on_new(evaluation)
                known[key] = evaluation
                done += 1
                progress.set_postfix_str(f"{done}/{len(missing)} trainings", refresh=False)
                progress.update(float(missing[key].fidelity.image_passes))
        if failure is not None:
            raise failure
        level = logging.INFO if show_progress else logging.DEBUG
        failed = sum(not known[key].finished for key in missing)
        logger.log(level, "Trained %d in %.0f s, %d failed", done, time.perf_counter() - started, failed)
        if teacher_seconds:
            what = "Asking the teacher beforehand took %.1f s of work, once for all trainings"
            logger.log(level, what, teacher_seconds)
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
