"""The watch over workers: their number, and differences between them and the driver."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from threading import Event, Thread
from typing import Any

from mf_nas_kd.errors import MachineFaultError, SchedulerError, WorkerStartError
from mf_nas_kd.workers.dask.connection import SECONDS_TO_CONNECT, Connection
from mf_nas_kd.workers.dask.tasks import SentTasks
from mf_nas_kd.workers.dask.worker import versions

logger = logging.getLogger(__name__)

SECONDS_WITHOUT_WORKERS = 60
SECONDS_BETWEEN_CHECKS = 2


class WorkerWatch:
    """Thread that checks regularly which workers there are, so that no task waits for ever without a message.

    Args:
        connection: Connection to the scheduler.
        tasks: Tasks that have not ended; all end with an error if the scheduler is lost, or if local workers do not
            come back.
        on_workers: Called with the number of workers for trainings at every check.
    """

    def __init__(self, connection: Connection, tasks: SentTasks, on_workers: Callable[[int], None]) -> None:
        self._connection = connection
        self._tasks = tasks
        self._on_workers = on_workers
        self._closed = Event()
        self._without_since: float | None = None
        self._thread = Thread(target=self._run, name="watch over workers", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the watch."""
        self._closed.set()
        self._thread.join(SECONDS_TO_CONNECT)

    def _run(self) -> None:
        while not self._closed.wait(SECONDS_BETWEEN_CHECKS):
            if self._connection.client.status == "closed":
                lost = f"the scheduler {self._connection.address} was lost and did not come back"
                self._tasks.end_all(SchedulerError(lost))
                return
            try:
                able = self._connection.count_able()
            except Exception:  # at the next check the client is closed, or connected again
                logger.debug("The scheduler did not answer which workers there are", exc_info=True)
                continue
            self._on_workers(able)
            self._check(able)

    def _check(self, able: int) -> None:
        if able or not len(self._tasks):
            self._without_since = None
        elif self._without_since is None:
            self._without_since = time.monotonic()
        elif time.monotonic() - self._without_since > SECONDS_WITHOUT_WORKERS:
            self._report_no_worker()
            self._without_since = float("inf")

    def _report_no_worker(self) -> None:
        address, command = self._connection.address, self._connection.worker_command
        what = f"the scheduler {address} has had no worker for trainings for {SECONDS_WITHOUT_WORKERS} s"
        if self._connection.is_local:
            self._tasks.end_all(WorkerStartError(f"{what}: worker processes end before they can begin"))
        else:
            logger.warning("%s; %d trainings wait until somebody starts one: %s", what, len(self._tasks), command)


class EventsOfWorkers:
    """Receives the events of workers, of tasks that they begin and of faults; compares new workers with the driver.

    Args:
        connection: Connection to the scheduler.
        tasks: Tasks that have not ended.
    """

    def __init__(self, connection: Connection, tasks: SentTasks) -> None:
        self._connection = connection
        self._tasks = tasks
        self._known: set[str] = set()
        self._advised = False

    def receive(self, event: tuple[float, dict[str, Any]]) -> None:
        """Receive time and content of an event, see :func:`mf_nas_kd.workers.dask.worker.run_task`."""
        _, content = event
        if "fault" in content:
            fault = MachineFaultError(content["reason"], content["may_be_the_tasks"])
            self._tasks.note_fault(content["fault"], fault)
            return
        if content["worker"] not in self._known:
            self._known.add(content["worker"])
            self._compare_versions(content)
            self._advise(content)
        begun = self._tasks.count_begun(content["begun"])
        if begun > 1:
            message = "A worker ended during a training; the training starts again on %s (attempt %d)"
            logger.warning(message, content["worker"], begun)

    def _compare_versions(self, content: dict[str, Any]) -> None:
        for package, here in versions().items():
            there = content["versions"].get(package)
            if there != here:
                message = "The worker %s has %s %s, this process has %s: results may differ"
                logger.warning(message, content["worker"], package, there, here)

    def _advise(self, content: dict[str, Any]) -> None:
        if self._advised or not (content["threads"] > 1 or content["memory_limit"]):
            return
        self._advised = True
        message = (
            "The worker %s has %d threads and a memory limit of %s bytes. It runs one training at a time, and dask "
            "pauses it when its memory, mapped images included, comes near a limit. Better start workers with: %s"
        )
        numbers = content["threads"], content["memory_limit"]
        logger.warning(message, content["worker"], *numbers, self._connection.worker_command)
