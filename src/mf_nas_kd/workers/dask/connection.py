"""The driver's connection to a scheduler, and the workers that the scheduler has."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from typing import Any

import dask
import distributed
from distributed import Client

from mf_nas_kd.errors import InvalidValueError, SchedulerError, WorkerStartError
from mf_nas_kd.workers.dask.local import CONFIGURATION, local_cluster
from mf_nas_kd.workers.dask.options import DaskOptions
from mf_nas_kd.workers.dask.worker import HoldContext, ReleaseContext, offers

logger = logging.getLogger(__name__)

SECONDS_TO_CONNECT = 10
SECONDS_FOR_THE_FIRST_WORKER = 30


class Connection:
    """Connection to a scheduler; without an address in the options, a scheduler and workers start on this machine.

    Args:
        workers: Number of local workers; None for one per GPU, or per core where there is none.
        options: Address of the scheduler, and resources that a training takes.

    Attributes:
        client: Dask's client.
        address: Address of the scheduler.
        is_local: Whether the workers were started here and end with this process.
        resources: Amount of each resource that a training takes.

    Raises:
        WorkerStartError: If local workers cannot be started.
        SchedulerError: If no scheduler answers at the address.
    """

    def __init__(self, workers: int | None, options: DaskOptions) -> None:
        self.resources = dict(options.resources)
        self.is_local = options.scheduler is None
        with ExitStack() as opened:
            opened.enter_context(_without_messages_of_dask())
            if options.scheduler is None:
                opened.enter_context(dask.config.set(CONFIGURATION))
                self.address = opened.enter_context(_local_cluster(workers)).scheduler_address
            else:
                self.address = options.scheduler
            self.client = opened.enter_context(closing(_connected(self.address)))
            self._opened = opened.pop_all()

    def close(self) -> None:
        """Close the connection, and end what was started here."""
        self._opened.close()

    @property
    def worker_command(self) -> str:
        """Command that starts a worker of the scheduler."""
        return f"dask worker {self.address} --nthreads 1 --memory-limit 0"

    def offered(self) -> dict[str, dict[str, float]]:
        """Resources of each running worker, by its address."""
        workers = self.client.scheduler_info(n_workers=-1).get("workers", {})
        return {address: w["resources"] for address, w in workers.items() if w["status"] == "running"}

    def count_able(self) -> int:
        """Number of running workers that have the resources of a training."""
        return self._count(self.offered())

    def wait_for_a_worker(self) -> int:
        """Wait until the scheduler has a worker; returns the number of workers with the resources of a training.

        Raises:
            WorkerStartError: If there is none after ``SECONDS_FOR_THE_FIRST_WORKER``.
            InvalidValueError: If no worker has the resources.
        """
        until = time.monotonic() + SECONDS_FOR_THE_FIRST_WORKER
        logged = False
        while not (offered := self.offered()):
            if time.monotonic() > until:
                raise WorkerStartError(
                    f"the scheduler {self.address} has no worker; start one with: {self.worker_command}"
                )
            if not logged:
                logger.info("The scheduler %s has no worker yet; start one with: %s", self.address, self.worker_command)
                logged = True
            time.sleep(0.2)
        able = self._count(offered)
        if able == 0:
            allowed = f"what one of the {len(offered)} workers offers: {offered}"
            raise InvalidValueError("executor.options.dask.resources", self.resources, allowed)
        logger.info("The scheduler %s has %d workers for trainings", self.address, able)
        return able

    def hand_over(self, name: str, context: Any, on_begun: Callable[[tuple[float, dict[str, Any]]], None]) -> None:
        """Send the context to all workers, also to those that join later.

        Args:
            name: Name of the context on the workers, and topic of their events; no two drivers have the same.
            context: Any value that can be pickled.
            on_begun: Called with time and content of the event of every task that a worker begins.

        Raises:
            WorkerStartError: If a worker or the scheduler cannot take the context.
        """
        self.client.subscribe_topic(name, on_begun)
        try:
            if not self.is_local:
                self.client.register_plugin(ReleaseContext(self.client.id, name))
            self.client.register_plugin(HoldContext(name, context, self.resources), name=name)
        except WorkerStartError:
            raise
        except Exception as error:
            raise WorkerStartError(
                f"the scheduler {self.address} or one of its workers cannot take the context ({type(error).__name__}: "
                f"{error}); is the same version of mf_nas_kd, with the extra dask, installed on its machine?"
            ) from error

    def _count(self, offered: dict[str, dict[str, float]]) -> int:
        return sum(offers(resources, self.resources) for resources in offered.values())


@contextmanager
def _without_messages_of_dask() -> Iterator[None]:
    """Context manager that silences dask's loggers: this package reports the same errors itself."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _local_cluster(workers: int | None) -> closing[distributed.SpecCluster]:
    try:
        return closing(local_cluster(workers))
    except Exception as error:
        raise WorkerStartError(f"worker processes cannot be started: {type(error).__name__}: {error}") from error


def _connected(address: str) -> Client:
    try:
        return Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False, name="mf_nas_kd")
    except (OSError, ValueError) as error:
        raise SchedulerError(
            f"no scheduler answers at executor.options.dask.scheduler={address} within {SECONDS_TO_CONNECT} s "
            f"({error}); start one: dask scheduler"
        ) from error
