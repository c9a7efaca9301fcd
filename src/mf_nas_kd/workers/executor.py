"""The protocol of an executor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from types import TracebackType
from typing import Any, Concatenate, Generic, Self, TypeVar

Context = TypeVar("Context")
Key = TypeVar("Key")
Result = TypeVar("Result")

ALLOWED_DEATHS = 3
"""Number of deaths of its worker after which a task is given up."""


class Executor(ABC, Generic[Context]):
    """Runs tasks on workers that hold one context.

    The context is any value that can be pickled, such as a study's images and teacher. It is sent to each worker once;
    the arguments of a task are small. Obligations: every future ends, with a result or an exception; a task whose
    worker dies starts again on another one, and ends with ``TrainingFailedError`` after ``ALLOWED_DEATHS``; a worker
    runs one task at a time; the order of completion is free, but results depend neither on it nor on the number of
    workers; only the driver writes files, store and tracking.

    Attributes:
        in_flight: Number of submitted and unfinished tasks that keeps all workers busy.
    """

    in_flight: int

    @abstractmethod
    def submit(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Future[Result]:
        """Submit a task: a worker calls ``task(context, *arguments)``.

        Args:
            task: A function of a module; workers import it by its name.
            *arguments: Further arguments; they are small, because they are sent with every task.
        """

    def stream(
        self, task: Callable[Concatenate[Context, ...], Result], arguments: Iterable[tuple[Key, Any]]
    ) -> Iterator[tuple[Key, Future[Result]]]:
        """Submit ``task(context, argument)`` for every argument, at most ``in_flight`` at a time.

        Args:
            task: A function of a module.
            arguments: Pairs of key and argument; the next pair is taken when a worker is free for it.

        Yields:
            Key and finished future of each argument, in the order of completion.
        """
        waiting = iter(arguments)
        running: dict[Future[Result], Key] = {}
        while True:
            for key, argument in islice(waiting, max(0, self.in_flight - len(running))):
                running[self.submit(task, argument)] = key
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                yield running.pop(future), future

    @abstractmethod
    def close(self) -> None:
        """Release the workers: local ones when their tasks have ended, others at once. Waiting tasks are cancelled."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
