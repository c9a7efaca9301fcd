"""The protocol of an executor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from itertools import islice
from threading import TIMEOUT_MAX
from types import TracebackType
from typing import Any, Concatenate, Generic, Self, TypeVar

Context = TypeVar("Context")
Key = TypeVar("Key")
Argument = TypeVar("Argument")
Result = TypeVar("Result")

ATTEMPTS = 3
"""Number of attempts at a task whose workers have faults, after which it is given up; the last is made alone."""

SHORTEST_TIME_LIMIT = 60.0
"""Seconds that a task may always take: a machine may be busy with something else."""


@dataclass(frozen=True)
class TimeLimit:
    """How long a task may take before its worker is ended.

    Attributes:
        factor: Limit as a multiple of the expected time.
        seconds: Limit of any task, also of one whose time is not known beforehand; infinite for none.

    >>> TimeLimit(factor=20.0, seconds=3600.0).of(expected_seconds=10.0)
    200.0
    """

    factor: float
    seconds: float

    def of(self, expected_seconds: float | None) -> float:
        """The limit in seconds; ``expected_seconds`` is None where nothing is known of the task."""
        longest = min(self.seconds, TIMEOUT_MAX)  # timers take no more
        if expected_seconds is None:
            return longest
        return min(longest, max(SHORTEST_TIME_LIMIT, self.factor * expected_seconds))


class TaskFuture(Future[Result]):
    """Future of a task.

    Attributes:
        lost_seconds: Wall time of attempts that ended by a fault of their worker, in seconds, added up.
    """

    lost_seconds: float = 0.0


class Executor(ABC, Generic[Context]):
    """Runs tasks on workers that hold one context.

    The context is any value that can be pickled, such as a study's images and teacher. It is sent to each worker once;
    the arguments of a task are small. Obligations: every future ends, with a result or an exception; a worker runs one
    task at a time; the order of completion is free, but results depend neither on it nor on the number of workers; only
    the driver writes files, store and tracking.

    A fault of the machine is a worker that dies or does not answer within the time limit, or an exception of memory,
    device or operating system (:mod:`mf_nas_kd.workers.faults`). It ends the worker, and the task starts again on a
    fresh one. After ``ATTEMPTS``, the last of which is made while no other task runs, the task ends with
    ``TrainingFailedError`` if the fault may be the task's own (memory, device, death, time), else with
    ``MachineFaultError``. Every other exception of a task reaches whoever asks for its result.

    Attributes:
        in_flight: Number of submitted and unfinished tasks that keeps all workers busy.
    """

    in_flight: int

    @abstractmethod
    def submit(
        self,
        task: Callable[Concatenate[Context, ...], Result],
        *arguments: Any,
        expected_seconds: float | None = None,
    ) -> TaskFuture[Result]:
        """Submit a task: a worker calls ``task(context, *arguments)``.

        Args:
            task: A function of a module; workers import it by its name.
            *arguments: Further arguments; they are small, because they are sent with every task.
            expected_seconds: Expected time of the task, from which its time limit is computed; None if not known.
        """

    def stream(
        self,
        task: Callable[Concatenate[Context, ...], Result],
        arguments: Iterable[tuple[Key, Argument]],
        expected_seconds: Callable[[Argument], float | None] = lambda _: None,
    ) -> Iterator[tuple[Key, TaskFuture[Result]]]:
        """Submit ``task(context, argument)`` for every argument, at most ``in_flight`` at a time.

        Args:
            task: A function of a module.
            arguments: Pairs of key and argument; the next pair is taken when a worker is free for it.
            expected_seconds: Expected time of the task with an argument; called when the task is submitted.

        Yields:
            Key and finished future of each argument, in the order of completion.
        """
        waiting = iter(arguments)
        running: dict[TaskFuture[Result], Key] = {}
        while True:
            for key, argument in islice(waiting, max(0, self.in_flight - len(running))):
                running[self.submit(task, argument, expected_seconds=expected_seconds(argument))] = key
            if not running:
                return
            wait(running, return_when=FIRST_COMPLETED)
            for future in [each for each in running if each.done()]:
                yield running.pop(future), future

    @abstractmethod
    def close(self, at_once: bool = False) -> None:
        """Release the workers. Waiting tasks are cancelled.

        Args:
            at_once: Whether local workers are ended in the midst of their tasks, else these are waited for. Workers of
                an external scheduler are never waited for.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=kind is not None and not issubclass(kind, Exception))  # somebody pressed Ctrl+C
