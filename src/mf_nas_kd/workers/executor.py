"""The protocol of an executor, and what is the same on every worker."""

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
"""A task that killed so many workers is given up."""


class Executor(ABC, Generic[Context]):
    """Runs tasks on workers that hold one context.

    The context is opaque here: any value that can be pickled (a study's images and teacher). It goes to each worker
    once, the arguments of a task are small. Obligations: every
    future ends, with a result or an exception; a task whose worker dies is begun again on another, and ends with
    ``TrainingFailedError`` if it kills several; a worker runs one task at a time; the order of completion is free, but
    results do not depend on it or on the number of workers; only the driver writes files, store and tracking, workers
    compute.

    Attributes:
        in_flight: How many tasks to have submitted and unfinished, so that no worker waits for the driver.
    """

    in_flight: int

    @abstractmethod
    def submit(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Future[Result]:
        """Have a worker call ``task(context, *arguments)``.

        Args:
            task: A function of a module, which workers import by its name.
            *arguments: Beside the context; small, they travel with every task.
        """

    def stream(
        self, task: Callable[Concatenate[Context, ...], Result], arguments: Iterable[tuple[Key, Any]]
    ) -> Iterator[tuple[Key, Future[Result]]]:
        """Keep the workers busy with ``task(context, argument)`` for every argument.

        Args:
            task: A function of a module.
            arguments: Each with its key; the next are looked at when there is a worker for them.

        Yields:
            The key of an argument and its future, as they end.
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
        """Let the workers go: those here when their tasks have ended, others at once. What has not begun never does."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
