"""The protocol of an executor, and what is the same on every worker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import Future
from types import TracebackType
from typing import Self

from mf_nas_kd.evaluation.evaluator import Evaluator
from mf_nas_kd.evaluation.record import Evaluation, EvaluationRequest


class Executor(ABC):
    """Runs requests on workers that hold one evaluator.

    The evaluator (images, teacher) goes to each worker once, the requests are small. Obligations: every future ends,
    with an evaluation or an exception; the order of completion is free, but results do not depend on it or on the
    number of workers; only the driver writes to store and tracking, workers compute.

    Args:
        evaluator: What the workers hold.
        workers: How many trainings at a time; None for as many as make sense here.

    Attributes:
        in_flight: How many requests to have submitted and unfinished, so that no worker waits for the driver.
    """

    in_flight: int

    @abstractmethod
    def __init__(self, evaluator: Evaluator, workers: int | None) -> None: ...

    @abstractmethod
    def submit(self, request: EvaluationRequest) -> Future[Evaluation]:
        """Have one request evaluated."""

    @abstractmethod
    def close(self) -> None:
        """Give up what has not begun, wait for what has, and let the workers go."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
