"""The runner: evaluates many requests, skips what the store has, and stores each result as soon as it is ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
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
        requests: The requested evaluations.
        evaluator: Computes the keys, and the records of evaluations whose worker died.
        workers: Workers that hold an equal evaluator.
        store: The store; each result is appended before the next one is received.
        on_new: Called with every new evaluation after it has been stored.
        retry_failed: Whether evaluations that failed earlier are made again.
        show_progress: Whether to log the number of evaluations, and to show a bar with the expected remaining time.

    Returns:
        The evaluations in the order of the requests.

    Raises:
        MfNasKdError: If workers cannot work, or the store cannot take a record. What had finished by then is stored.
    """
    keys = [evaluator.key(request.architecture, request.fidelity, request.seed) for request in requests]
    known = store.find(keys)
    if retry_failed:
        known = {key: evaluation for key, evaluation in known.items() if evaluation.finished}
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
    if show_progress:
        logger.info("%d evaluations: %d are in the store, %d to train", len(keys), len(known), len(missing))
    if missing:
        _precompute(missing, evaluator, workers, store, show_progress)
        known |= _train(missing, evaluator, workers, store, on_new, show_progress)
    # Equal keys are equal trainings; the store may have one under another name of its fidelity (the images' own size).
    return [replace(known[key], fidelity=each.fidelity) for key, each in zip(keys, requests, strict=True)]


def evaluate(evaluator: Evaluator, request: EvaluationRequest) -> Evaluation:
    """Task of a worker: make one evaluation."""
    return evaluator.evaluate(request.architecture, request.fidelity, request.seed)


def _precompute(
    missing: Mapping[str, EvaluationRequest],
    evaluator: Evaluator,
    workers: Executor[Any],
    store: EvaluationStore,
    show_progress: bool,
) -> None:
    """Have the workers precompute the teacher targets of the missing evaluations."""
    seconds = 0.0
    for record in evaluator.prepare(missing.values(), workers):
        store.append(record)
        seconds += record.seconds
    if seconds:
        message = "Precomputed the teacher targets in %.1f s of work, charged to no evaluation"
        logger.log(_level(show_progress), message, seconds)


def _train(
    missing: Mapping[str, EvaluationRequest],
    evaluator: Evaluator,
    workers: Executor[Any],
    store: EvaluationStore,
    on_new: Callable[[Evaluation], None],
    show_progress: bool,
) -> dict[str, Evaluation]:
    """Make the missing evaluations; returns them by their keys.

    After an exception that no training has caused, no further evaluations begin, and those that run are stored.
    """
    started = time.perf_counter()
    new: dict[str, Evaluation] = {}
    failure: Exception | None = None
    # The remaining time is estimated from passes over the images: evaluations with few of them come first.
    passes = sum(float(request.fidelity.image_passes) for request in missing.values())
    to_begin = takewhile(lambda _: failure is None, missing.items())
    with progress_bar("evaluations", total=passes, shown=show_progress) as progress:
        for key, future in workers.stream(evaluate, to_begin):
            try:
                evaluation = _result(future, missing[key], evaluator)
            except Exception as error:
                failure = failure or error
                continue
            store.append(evaluation)
            on_new(evaluation)
            new[key] = evaluation
            progress.set_postfix_str(f"{len(new)}/{len(missing)} evaluations", refresh=False)
            progress.update(float(missing[key].fidelity.image_passes))
    if failure is not None:
        raise failure
    failed = sum(not evaluation.finished for evaluation in new.values())
    seconds = time.perf_counter() - started
    logger.log(_level(show_progress), "Trained %d in %.0f s, %d failed", len(new), seconds, failed)
    return new


def _level(show_progress: bool) -> int:
    return logging.INFO if show_progress else logging.DEBUG


def _result(future: Future[Evaluation], request: EvaluationRequest, evaluator: Evaluator) -> Evaluation:
    error = future.exception()
    if error is None:
        return future.result()
    if not isinstance(error, TrainingFailedError):
        raise error
    return evaluator.failure(request.architecture, request.fidelity, request.seed, str(error))
