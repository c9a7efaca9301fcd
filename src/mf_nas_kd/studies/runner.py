"""The runner: evaluates many requests, skips what the store has, and stores each result as soon as it is ready."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from mf_nas_kd.errors import TrainingFailedError
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.records.evaluation import Evaluation, EvaluationRequest
from mf_nas_kd.records.metrics import ACCURACY, Metric
from mf_nas_kd.store.evaluation_store import EvaluationStore
from mf_nas_kd.studies.claims import Claims
from mf_nas_kd.studies.evaluator import Evaluator
from mf_nas_kd.studies.expectation import ExpectedSeconds
from mf_nas_kd.workers import Executor, TaskFuture

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

SECONDS_BETWEEN_READS = 0.5
"""How often the store is read for evaluations that another run is making."""


@dataclass(frozen=True)
class Work(Generic[Result]):
    """What a worker does with a request, and what the driver does with the worker's result.

    Attributes:
        task: Called by a worker, with its evaluator and the request; a function of a module.
        record: Saves what belongs to a result beside its record, and returns the record, which is stored after that.
        is_kept: Whether what belongs to a finished evaluation of the store, by its key, is still there.
        prepared: What a worker is sent for a request; called when a worker is free for it.
    """

    task: Callable[[Any, EvaluationRequest], Result]
    record: Callable[[Result], Evaluation]
    is_kept: Callable[[str], bool]
    prepared: Callable[[EvaluationRequest], EvaluationRequest] = lambda request: request


def evaluate(evaluator: Evaluator, request: EvaluationRequest) -> Evaluation:
    """Task of a worker: make one evaluation."""
    return evaluator.evaluate(request.architecture, request.fidelity, request.seed)


EVALUATION = Work(evaluate, record=lambda evaluation: evaluation, is_kept=lambda _: True)
"""An evaluation of which nothing but the record is kept."""


def run_evaluations(
    requests: Sequence[EvaluationRequest],
    evaluator: Evaluator,
    workers: Executor[Any],
    store: EvaluationStore,
    on_new: Callable[[Evaluation], None],
    retry_failed: bool,
    show_progress: bool,
    expected_seconds: ExpectedSeconds | None = None,
    work: Work[Any] = EVALUATION,
    metric: Metric = ACCURACY,
) -> list[Evaluation]:
    """Evaluate every request once, also where other runs evaluate the same ones with the same store.

    Args:
        requests: The requested evaluations.
        evaluator: Computes the keys, and the records of evaluations that were given up.
        workers: Workers that hold an equal evaluator.
        store: The store; each result is appended before the next one is received.
        on_new: Called with every new evaluation of this run after it has been stored.
        retry_failed: Whether evaluations that failed earlier are made again.
        show_progress: Whether to log the number of evaluations, and to show a bar with the expected remaining time.
        expected_seconds: What is known of the times of evaluations, for time limits; it learns from these.
        work: What is done for a request, and kept.
        metric: The metric that selects. A finished evaluation of an earlier version that lacks it is made again; the
            store keeps both records.

    Returns:
        The evaluations in the order of the requests.

    Raises:
        MfNasKdError: If workers cannot work, or the store cannot take a record. What had finished by then is stored.
    """
    keys = [evaluator.key(request.architecture, request.fidelity, request.seed) for request in requests]
    expected_seconds = expected_seconds or ExpectedSeconds()
    found = store.find(keys)
    for evaluation in found.values():
        expected_seconds.learn(evaluation)
    lacking = {key for key, each in found.items() if each.finished and metric.of(each.metrics) is None}
    known = {key: each for key, each in found.items() if key not in lacking and _is_known(each, retry_failed, work)}
    missing = {key: request for key, request in zip(keys, requests, strict=True) if key not in known}
    if show_progress:
        logger.info("%d evaluations: %d are in the store, %d to train", len(set(keys)), len(known), len(missing))
    if lacking:
        logger.info(
            "%d of them are made again: an earlier version stored them without their %s", len(lacking), metric.label
        )
    if missing:
        _precompute(missing, evaluator, workers, store, show_progress)
        making = _Making(evaluator, workers, store, on_new, expected_seconds, work)
        done_before = sum(float(each.fidelity.image_passes) for each in known.values())
        known |= making.run(missing, to_retry=found, show_progress=show_progress, done_before=done_before)
    # Equal keys are equal trainings; the store may have one under another name of its fidelity (the images' own size).
    return [replace(known[key], fidelity=each.fidelity) for key, each in zip(keys, requests, strict=True)]


def _is_known(evaluation: Evaluation, retry_failed: bool, work: Work[Any]) -> bool:
    return work.is_kept(evaluation.key) if evaluation.finished else not retry_failed


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


class _Making:
    """Makes missing evaluations, and waits for those that other runs are making.

    Args:
        evaluator: Computes the records of evaluations that were given up.
        workers: Workers that hold an equal evaluator.
        store: Store of the results and of the claims.
        on_new: Called with every evaluation that this run has made.
        expected_seconds: Learns from every evaluation.
        work: What is done for a request, and kept.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        workers: Executor[Any],
        store: EvaluationStore,
        on_new: Callable[[Evaluation], None],
        expected_seconds: ExpectedSeconds,
        work: Work[Any],
    ) -> None:
        self._evaluator = evaluator
        self._workers = workers
        self._store = store
        self._on_new = on_new
        self._expected_seconds = expected_seconds
        self._work = work
        self._made: dict[str, Evaluation] = {}
        self._of_others: dict[str, Evaluation] = {}
        self._passes = 0.0
        self._failure: Exception | None = None
        self._waited = False

    def run(
        self,
        missing: Mapping[str, EvaluationRequest],
        to_retry: Mapping[str, Evaluation],
        show_progress: bool,
        done_before: float,
    ) -> dict[str, Evaluation]:
        """Make the missing evaluations; returns them by their keys.

        After an exception that no training has caused, no further evaluations begin, and those that run are stored.

        Args:
            missing: Requests by their keys.
            to_retry: Records of them that are to be replaced.
            show_progress: Whether to show a bar, and to log the outcome.
            done_before: Passes over the images of the evaluations that are known.
        """
        started = time.perf_counter()
        left = dict(missing)
        # The remaining time is estimated from passes over the images: evaluations with few of them come first.
        passes = sum(float(request.fidelity.image_passes) for request in missing.values())
        bar_of_all = progress_bar("evaluations", total=passes, shown=show_progress, done_before=done_before)
        with Claims(self._store) as claims, bar_of_all as bar:
            while left:
                requests = self._claimed(left, to_retry, claims)
                for key, future in self._workers.stream(self._work.task, requests, self._expected_seconds):
                    self._receive(key, missing[key], future)
                    self._show(bar, len(missing))
                if self._failure is not None:
                    raise self._failure
                self._show(bar, len(missing))
                if left:
                    self._wait(len(left))
        failed = sum(not evaluation.finished for evaluation in self._made.values())
        seconds = time.perf_counter() - started
        logger.log(_level(show_progress), "Trained %d in %.0f s, %d failed", len(self._made), seconds, failed)
        if self._of_others:
            logger.log(_level(show_progress), "Another run of this study trained %d", len(self._of_others))
        return self._made | self._of_others

    def _wait(self, evaluations: int) -> None:
        """Wait before the store is read again, and say once what for."""
        if not self._waited:
            self._waited = True
            logger.info("Waiting for another run of this study, which is making %d evaluations", evaluations)
        time.sleep(SECONDS_BETWEEN_READS)

    def _claimed(
        self, left: dict[str, EvaluationRequest], to_retry: Mapping[str, Evaluation], claims: Claims
    ) -> Iterator[tuple[str, EvaluationRequest]]:
        """Those of the requests that no other run is making; they, and those that others have made, leave ``left``."""
        keys = list(left)
        for start in range(0, len(keys), self._workers.in_flight):
            some = keys[start : start + self._workers.in_flight]
            taken = claims.take(some)
            new = {key: each for key, each in self._store.find(some).items() if each != to_retry.get(key)}
            for key in some:
                if self._failure is not None:
                    return
                if key in new and _is_known(new[key], retry_failed=False, work=self._work):
                    self._keep(self._of_others, key, left.pop(key), new[key])
                elif key in taken:
                    yield key, self._work.prepared(left.pop(key))

    def _record(self, future: Future[Any], request: EvaluationRequest) -> Evaluation:
        error = future.exception()
        if error is None:
            return self._work.record(future.result())
        if not isinstance(error, TrainingFailedError):
            raise error
        return self._evaluator.failure(request.architecture, request.fidelity, request.seed, str(error))

    def _receive(self, key: str, request: EvaluationRequest, future: TaskFuture[Any]) -> None:
        try:
            evaluation = replace(self._record(future, request), lost_seconds=future.lost_seconds)
            self._store.append(evaluation)
        except Exception as error:  # raised when what runs has been stored
            self._failure = self._failure or error
            return
        self._on_new(evaluation)
        self._keep(self._made, key, request, evaluation)

    def _keep(self, among: dict[str, Evaluation], key: str, request: EvaluationRequest, evaluation: Evaluation) -> None:
        among[key] = evaluation
        self._expected_seconds.learn(evaluation)
        self._passes += float(request.fidelity.image_passes)

    def _show(self, bar: Any, evaluations: int) -> None:
        done = len(self._made) + len(self._of_others)
        bar.set_postfix_str(f"{done}/{evaluations} evaluations", refresh=False)
        bar.update(self._passes - bar.n)


def _level(show_progress: bool) -> int:
    return logging.INFO if show_progress else logging.DEBUG
