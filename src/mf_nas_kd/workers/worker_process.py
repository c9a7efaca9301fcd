"""A local worker process: holds the context and runs one task at a time."""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from multiprocessing.connection import Connection
from threading import Timer
from typing import Any, Concatenate

from mf_nas_kd.cores import end_with_driver, use_gpu, visible_gpus
from mf_nas_kd.errors import MachineFaultError, WorkerStartError
from mf_nas_kd.workers.executor import Context, Result
from mf_nas_kd.workers.faults import attempt, described

SECONDS_TO_START = 600.0
SECONDS_TO_END = 5.0


class WorkerProcess:
    """A spawned process, because CUDA does not survive a fork. It ends with the process that started it.

    Args:
        slot: Number of the worker, from 0; GPUs are assigned round robin.

    Raises:
        WorkerStartError: If the system refuses another process.
    """

    def __init__(self, slot: int) -> None:
        spawned = get_context("spawn")
        self._connection, theirs = spawned.Pipe()
        self._late = False
        self._process = spawned.Process(target=_serve, args=(theirs, slot, bool(visible_gpus())), daemon=True)
        try:
            with _interrupts_held_back():
                self._process.start()
        except OSError as failure:
            self._connection.close()
            raise WorkerStartError(f"a worker process cannot be started: {failure}") from failure
        finally:
            theirs.close()

    def take(self, context: bytes) -> None:
        """Hand the pickled context over; to be called once, before the first task.

        Raises:
            WorkerStartError: If the process ends before it holds the context, or cannot take it.
        """
        try:
            failure = self._ask(context, SECONDS_TO_START)
        except MachineFaultError as fault:
            raise WorkerStartError(f"a worker process ends before it can begin: {fault}") from None
        if failure:
            self.end()
            raise WorkerStartError(f"a worker process cannot take the context: {failure}")

    @property
    def alive(self) -> bool:
        """Whether the process runs, and was not killed just after its last answer."""
        return not self._late and self._process.is_alive()

    def run(
        self, task: Callable[Concatenate[Context, ...], Result], arguments: tuple[Any, ...], limit: float
    ) -> Result:
        """Run a task.

        Args:
            task: A function of a module.
            arguments: Its arguments after the context.
            limit: Seconds after which the process is killed.

        Raises:
            MachineFaultError: If the process dies, does not answer in time, or had a fault; it must be ended then.
            Exception: What the task raises.
        """
        error, result = self._ask((task, arguments), limit)
        if error is not None:
            raise error
        answer: Result = result
        return answer

    def kill(self) -> None:
        """Kill the process, whatever it does, also if it is stopped; :meth:`run` in another thread ends by this."""
        self._process.kill()

    def end(self) -> None:
        """Kill the process, and release what belongs to it."""
        self._process.kill()
        self._process.join(SECONDS_TO_END)
        self._connection.close()

    def _ask(self, message: object, limit: float) -> Any:
        timer = Timer(limit, self._end_late)
        timer.daemon = True
        timer.start()
        try:
            self._connection.send_bytes(message if isinstance(message, bytes) else pickle.dumps(message))
            return self._connection.recv()
        except (EOFError, OSError):
            self.end()
            raise MachineFaultError(self._how_it_ended(limit), may_be_the_tasks=True) from None
        finally:
            timer.cancel()

    def _end_late(self) -> None:
        self._late = True
        self._process.kill()

    def _how_it_ended(self, limit: float) -> str:
        if self._late:
            return (
                f"no result after {limit:.0f} s; see executor.timeout_factor (of the expected time) and "
                "executor.timeout_seconds"
            )
        code = self._process.exitcode
        if code is not None and code < 0:
            name = signal.Signals(-code).name
            hint = "; the system does so when memory is short" if name == "SIGKILL" else ""
            return f"its worker process was ended by {name}{hint}"
        return f"its worker process ended with status {code}"


@contextmanager
def _interrupts_held_back() -> Iterator[None]:
    """Within the block, Ctrl+C waits; a process that starts there never gets it: it is for the driver."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _serve(connection: Connection, slot: int, has_gpus: bool) -> None:
    """Main function of a worker process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches the driver, which ends its workers
    end_with_driver()
    if has_gpus:
        use_gpu(slot)
    try:
        context = pickle.loads(connection.recv_bytes())  # noqa: S301 - from our driver
    except Exception as error:
        connection.send(described(error))
        return
    connection.send("")
    while True:
        try:
            message = connection.recv_bytes()
        except EOFError:
            os._exit(0)
        answer: tuple[BaseException | None, Any]
        try:
            task, arguments = pickle.loads(message)  # noqa: S301 - from our driver
            answer = None, attempt(task, context, *arguments)
        except Exception as error:
            answer = error, None
        _send(connection, answer)


def _send(connection: Connection, answer: tuple[BaseException | None, Any]) -> None:
    """Send an answer; an exception that cannot be pickled is sent as its text."""
    try:
        message = pickle.dumps(answer)
        pickle.loads(message)  # noqa: S301 - our own; some exceptions fail only here
    except Exception as failure:
        error = answer[0] or failure
        message = pickle.dumps((RuntimeError(described(error)), None))
    connection.send_bytes(message)
