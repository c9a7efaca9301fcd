"""Plugins and functions that run on the workers and on the scheduler."""

from __future__ import annotations

import os
import pickle
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from threading import Lock, Thread, Timer
from typing import Any, Concatenate

from distributed import Scheduler, SchedulerPlugin, Worker, WorkerPlugin, get_worker
from distributed.utils import sync

from mf_nas_kd import __version__
from mf_nas_kd.errors import MachineFaultError, WorkerStartError
from mf_nas_kd.workers.executor import Context, Result
from mf_nas_kd.workers.faults import attempt, described

SECONDS_TO_TELL = 10

_one_at_a_time = Lock()
"""Lock of the worker process: torch's number of threads and its generators are global, so tasks run one at a time."""


class HoldContext(WorkerPlugin):
    """Worker plugin that holds the context on every worker with the resources, also on those that join later.

    Args:
        name: Name of the plugin, and topic of the events of its tasks; no two drivers have the same.
        context: The context, any value that can be pickled.
        resources: Amount of each resource that a worker must have.
    """

    def __init__(self, name: str, context: Any, resources: Mapping[str, float]) -> None:
        self.name = name
        self.context: Any = None
        self.failure = "it was not connected when the context was sent"
        self._pickled = pickle.dumps(context)
        self._resources = dict(resources)

    def setup(self, worker: Worker) -> None:
        """Unpickle the context on a worker.

        Raises:
            WorkerStartError: If that fails, for instance because the file of images does not exist on its machine.
        """
        if not offers(worker.state.total_resources, self._resources):
            return
        try:
            self.context = pickle.loads(self._pickled)  # noqa: S301 - from our driver, as every task
        except Exception as error:
            self.failure = described(error)
            raise WorkerStartError(cannot_take(worker, self.failure)) from error


class ReleaseContext(SchedulerPlugin):
    """Scheduler plugin that removes the context from the workers when its driver disconnects or is killed.

    Args:
        client: Identifier of the driver's client.
        name: Name of the workers' plugin.
    """

    def __init__(self, client: str, name: str) -> None:
        self.name = f"{name}-release"
        self._client = client
        self._held = name

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        if client == self._client and self._held in scheduler.worker_plugins:
            scheduler.remove_plugin(self.name)
            scheduler.loop.add_callback(scheduler.unregister_worker_plugin, comm=None, name=self._held)


def run_task(
    name: str,
    number: int,
    limit: float,
    task: Callable[Concatenate[Context, ...], Result],
    *arguments: Any,
) -> Result:
    """Run a task with the context on this worker; an event is sent to the driver before the task begins.

    After a fault of the machine the worker ends, if it has a nanny that starts it anew.

    Args:
        name: Name of the context, and topic of the events.
        number: Number of the task at its driver.
        limit: Seconds after which this worker process ends itself.
        task: Called with the context and the arguments.
        *arguments: Further arguments of the task.

    Raises:
        WorkerStartError: If this worker holds no such context.
        MachineFaultError: If the task had a fault, and the worker has no nanny.
    """
    worker = get_worker()
    held = worker.plugins.get(name)
    if not isinstance(held, HoldContext) or held.context is None:
        raise WorkerStartError(
            cannot_take(worker, held.failure if isinstance(held, HoldContext) else "it joined another scheduler")
        )
    with _one_at_a_time:
        about = {"threads": worker.state.nthreads, "memory_limit": worker.memory_manager.memory_limit}
        begun = {"begun": number, "worker": worker.address, "versions": versions(), **about}
        _send(worker, name, begun)  # arrives even if the task kills the worker
        late = f"no result after {limit:.0f} s; see executor.timeout_factor and executor.timeout_seconds"
        watchdog = Timer(limit, _end, (worker, name, number, MachineFaultError(late, may_be_the_tasks=True)))
        watchdog.daemon = True
        watchdog.start()
        try:
            return attempt(task, held.context, *arguments)
        except MachineFaultError as fault:
            if worker.nanny:
                _end(worker, name, number, fault)
            raise
        finally:
            watchdog.cancel()


def _send(worker: Worker, name: str, event: Mapping[str, Any]) -> None:
    sync(worker.loop, worker.scheduler.log_event, topic=name, msg=dict(event))


def _end(worker: Worker, name: str, number: int, fault: MachineFaultError) -> None:
    """End this worker process; the driver is told why, if the scheduler can be reached."""
    event = {"fault": number, "reason": str(fault), "may_be_the_tasks": fault.may_be_the_tasks}
    telling = Thread(target=_send, args=(worker, name, event), daemon=True)
    telling.start()
    telling.join(SECONDS_TO_TELL)
    os._exit(1)


def offers(offered: Mapping[str, float], wanted: Mapping[str, float]) -> bool:
    """Whether a worker's resources are enough for a training.

    >>> offers({"GPU": 1}, {"GPU": 0.5}), offers({}, {"GPU": 1})
    (True, False)
    """
    return all(offered.get(name, 0) >= amount for name, amount in wanted.items())


def versions() -> dict[str, str]:
    """Versions that should be equal on driver and workers, by name."""
    return {"python": platform.python_version(), "torch": version("torch"), "mf_nas_kd": __version__}


def cannot_take(worker: Worker, failure: str) -> str:
    """Message of a worker that could not take the context."""
    return (
        f"the worker {worker.address} ({platform.node()}) cannot take the context: {failure}. Files of data_dir must "
        "be on every machine under the same path"
    )
