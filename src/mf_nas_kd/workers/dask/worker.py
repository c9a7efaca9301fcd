"""What runs on the workers, and on the scheduler."""

from __future__ import annotations

import pickle
import platform
from collections.abc import Callable, Mapping
from importlib.metadata import version
from threading import Lock
from typing import Any, Concatenate

from distributed import Scheduler, SchedulerPlugin, Worker, WorkerPlugin, get_worker
from distributed.utils import sync

from mf_nas_kd import __version__
from mf_nas_kd.errors import WorkerStartError
from mf_nas_kd.workers.executor import Context, Result

_one_at_a_time = Lock()
"""Number of threads and generators of torch belong to the process: of two tasks of one worker, the second waits."""


class HoldContext(WorkerPlugin):
    """Keeps the context on every worker that has the resources, also on those that come later.

    Args:
        name: Of the plugin, and of the topic of what tasks tell the driver; no two drivers have the same.
        context: What is held.
        resources: What a worker must have to be asked.
    """

    def __init__(self, name: str, context: Any, resources: Mapping[str, float]) -> None:
        self.name = name
        self.context: Any = None
        self.failure = "it was not there when the context was sent"
        self._pickled = pickle.dumps(context)
        self._resources = dict(resources)

    def setup(self, worker: Worker) -> None:
        """First act on a worker.

        Raises:
            WorkerStartError: If the context cannot arrive: its images' file is not there, say.
        """
        if not offers(worker.state.total_resources, self._resources):
            return
        try:
            self.context = pickle.loads(self._pickled)  # noqa: S301 - from our driver, as every task
        except Exception as error:
            self.failure = f"{type(error).__name__}: {error}"
            raise WorkerStartError(cannot_take(worker, self.failure)) from error


class LetGo(SchedulerPlugin):
    """Has the workers forget the context when its driver goes, also when that one was killed.

    Args:
        client: Of the driver.
        name: Of the workers' plugin.
    """

    def __init__(self, client: str, name: str) -> None:
        self.name = f"{name}-let-go"
        self._client = client
        self._held = name

    def remove_client(self, scheduler: Scheduler, client: str) -> None:
        if client == self._client and self._held in scheduler.worker_plugins:
            scheduler.remove_plugin(self.name)
            scheduler.loop.add_callback(scheduler.unregister_worker_plugin, comm=None, name=self._held)


def do(name: str, number: int, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Result:
    """Do a task with the context that is held under this name, and tell the driver before it begins."""
    worker = get_worker()
    held = worker.plugins.get(name)
    if not isinstance(held, HoldContext) or held.context is None:
        raise WorkerStartError(
            cannot_take(worker, held.failure if isinstance(held, HoldContext) else "it joined another scheduler")
        )
    with _one_at_a_time:
        about = {"threads": worker.state.nthreads, "memory_limit": worker.memory_manager.memory_limit}
        begun = {"begun": number, "worker": worker.address, "versions": versions(), **about}
        sync(worker.loop, worker.scheduler.log_event, topic=name, msg=begun)  # has arrived even if the task kills
        return task(held.context, *arguments)


def offers(offered: Mapping[str, float], wanted: Mapping[str, float]) -> bool:
    """Whether a worker's resources are enough for a training."""
    return all(offered.get(name, 0) >= amount for name, amount in wanted.items())


def versions() -> dict[str, str]:
    """What should be the same on driver and workers."""
    return {"python": platform.python_version(), "torch": version("torch"), "mf_nas_kd": __version__}


def cannot_take(worker: Worker, failure: str) -> str:
    """The message of an context that did not arrive."""
    return (
        f"the worker {worker.address} ({platform.node()}) cannot take the context: {failure}. Files of data_dir must "
        "be on every machine under the same path"
    )
