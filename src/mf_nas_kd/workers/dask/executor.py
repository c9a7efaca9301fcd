"""The driver's side: tasks go to the scheduler, results come back as they are there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import count
from threading import Event, Thread
from typing import Any, Concatenate
from uuid import uuid4

import distributed
from distributed import Client
from distributed.scheduler import KilledWorker

from mf_nas_kd.errors import InvalidValueError, SchedulerError, TrainingFailedError, WorkerStartError
from mf_nas_kd.workers.dask.local import local_cluster
from mf_nas_kd.workers.dask.options import DaskOptions
from mf_nas_kd.workers.dask.worker import HoldContext, LetGo, do, offers, versions
from mf_nas_kd.workers.executor import ALLOWED_DEATHS, Context, Executor, Result

logger = logging.getLogger(__name__)

SECONDS_TO_CONNECT = 10
SECONDS_FOR_THE_FIRST_WORKER = 30
SECONDS_WITHOUT_WORKERS = 60
SECONDS_A_LOOK = 2
HOW_TO_START_A_WORKER = "dask worker {} --nthreads 1 --memory-limit 0"


@dataclass
class _Task:
    """A task that has not ended.

    Attributes:
        call: Function and arguments.
        answer: What the driver waits for.
        begun: How often a worker began it.
        deaths: Workers that died with it, also before its turn.
        sent: Dask's future; dask forgets a task of which nobody holds one.
    """

    call: tuple[Any, ...]
    answer: Future[Any]
    begun: int = 0
    deaths: int = 0
    sent: distributed.Future[Any] | None = None


class DaskExecutor(Executor[Context]):
    """Workers of a scheduler, here or on other machines. A task whose worker dies is begun again on another one.

    What runs on somebody's worker cannot be stopped: after :meth:`close` it ends there, and nobody waits for it.
    Dask blames a worker's death on all tasks that were there, also on those that waited behind the killer. So workers
    tell of every task that they begin, and one that was blamed but had not begun often enough is sent again.
    """

    def __init__(self, context: Context, workers: int | None, options: DaskOptions) -> None:
        self._name = f"mf_nas_kd-{uuid4().hex}"
        self._resources = dict(options.resources)
        self._local = options.scheduler is None
        self._tasks: dict[int, _Task] = {}
        self._numbers = count()
        self._closed = Event()
        self._known: set[str] = set()
        self._advised = False
        with ExitStack() as opened:
            opened.enter_context(_quiet())
            if options.scheduler is None:
                self._address = opened.enter_context(_started_here(workers)).scheduler_address
            else:
                self._address = options.scheduler
            self._client = opened.enter_context(closing(_connected(self._address)))
            self._wait_for_a_worker()
            self._hand_over(context)
            self._opened = opened.pop_all()
        self._watcher = Thread(target=self._watch, name="watch over workers", daemon=True)
        self._watcher.start()

    def submit(self, task: Callable[Concatenate[Context, ...], Result], *arguments: Any) -> Future[Result]:
        answer: Future[Result] = Future()
        answer.set_running_or_notify_cancel()
        number = next(self._numbers)
        self._tasks[number] = _Task((task, *arguments), answer)
        self._send(number)
        return answer

    def close(self) -> None:
        self._closed.set()
        self._watcher.join(SECONDS_TO_CONNECT)
        self._end_all(CancelledError())
        self._opened.close()

    def _send(self, number: int) -> None:
        task = self._tasks[number]
        resources = self._resources or None
        task.sent = self._client.submit(do, self._name, number, *task.call, pure=False, resources=resources)
        task.sent.add_done_callback(partial(self._receive, number))

    def _receive(self, number: int, sent: distributed.Future[Any]) -> None:
        """In a thread of dask: a task has ended."""
        if number not in self._tasks:
            return
        try:
            result = sent.result()
        except KilledWorker as error:
            self._blamed(number, deaths=error.allowed_failures + 1)
        except CancelledError:
            self._end(number, SchedulerError(f"the scheduler {self._address} was lost: it ended, or its network did"))
        except Exception as error:  # a future carries its exception to whoever asks for the result
            self._end(number, error)
        else:
            self._end(number, None, result)

    def _blamed(self, number: int, deaths: int) -> None:
        task = self._tasks[number]
        task.deaths += deaths
        if task.begun >= ALLOWED_DEATHS or task.deaths >= ALLOWED_DEATHS**2:
            self._end(number, TrainingFailedError(f"given up after {task.deaths} deaths of its worker process"))
        else:
            self._send(number)

    def _end(self, number: int, error: BaseException | None, result: Any = None) -> None:
        task = self._tasks.pop(number, None)
        if task is None:
            return
        if error is None:
            task.answer.set_result(result)
        else:
            task.answer.set_exception(error)

    def _end_all(self, error: BaseException) -> None:
        for number in list(self._tasks):
            self._end(number, error)

    def _wait_for_a_worker(self) -> None:
        until = time.monotonic() + SECONDS_FOR_THE_FIRST_WORKER
        how = HOW_TO_START_A_WORKER.format(self._address)
        said = False
        while not (offered := self._offered()):
            if time.monotonic() > until:
                raise WorkerStartError(f"the scheduler {self._address} has no worker; start one: {how}")
            if not said:
                logger.info("The scheduler %s has no worker yet; start one: %s", self._address, how)
                said = True
            time.sleep(0.2)
        able = self._count_able(offered)
        if able == 0:
            allowed = f"what one of the {len(offered)} workers offers: {offered}"
            raise InvalidValueError("executor.options.dask.resources", self._resources, allowed)
        logger.info("The scheduler %s has %d workers for trainings", self._address, able)
        self.in_flight = 2 * able

    def _hand_over(self, context: Context) -> None:
        self._client.subscribe_topic(self._name, self._hear)
        try:
            if not self._local:
                self._client.register_plugin(LetGo(self._client.id, self._name))
            self._client.register_plugin(HoldContext(self._name, context, self._resources), name=self._name)
        except WorkerStartError:
            raise
        except Exception as error:
            raise WorkerStartError(
                f"the scheduler {self._address} or a worker of it cannot take the context ({type(error).__name__}: "
                f"{error}); is the same version of mf_nas_kd, with the extra dask, installed on its machine?"
            ) from error

    def _hear(self, event: tuple[float, dict[str, Any]]) -> None:
        """A worker begins a task."""
        _, said = event
        if said["worker"] not in self._known:
            self._known.add(said["worker"])
            self._compare(said)
        task = self._tasks.get(said["begun"])
        if task is not None:
            task.begun += 1
            if task.begun > 1:
                what = "A worker died in a training, which is begun again on %s, the %d. time"
                logger.warning(what, said["worker"], task.begun)

    def _compare(self, said: dict[str, Any]) -> None:
        """What should be otherwise on a worker is no error."""
        for what, here in versions().items():
            there = said["versions"].get(what)
            if there != here:
                message = "The worker %s has %s %s, this process has %s: results may differ"
                logger.warning(message, said["worker"], what, there, here)
        if (said["threads"] > 1 or said["memory_limit"]) and not self._advised:
            self._advised = True
            message = (
                "The worker %s has %d threads and a limit of memory of %s bytes. It does one training at a time, and "
                "dask pauses it when its memory, mapped images included, comes near a limit. Better: %s"
            )
            how = HOW_TO_START_A_WORKER.format(self._address)
            logger.warning(message, said["worker"], said["threads"], said["memory_limit"], how)

    def _watch(self) -> None:
        """See who is there, so that nobody waits for ever in silence."""
        without_since: float | None = None
        while not self._closed.wait(SECONDS_A_LOOK):
            if self._client.status == "closed":
                self._end_all(SchedulerError(f"the scheduler {self._address} was lost and did not come back"))
                return
            try:
                able = self._count_able(self._offered())
            except Exception:  # the next look finds the client closed, or connected again
                logger.debug("Nobody could be asked which workers there are", exc_info=True)
                continue
            self.in_flight = max(self.in_flight, 2 * able)
            if able or not self._tasks:
                without_since = None
            elif without_since is None:
                without_since = time.monotonic()
            elif time.monotonic() - without_since > SECONDS_WITHOUT_WORKERS:
                self._tell_of_no_worker()
                without_since = float("inf")

    def _tell_of_no_worker(self) -> None:
        what = f"the scheduler {self._address} has had no worker for trainings for {SECONDS_WITHOUT_WORKERS} s"
        if self._local:
            self._end_all(WorkerStartError(f"{what}: worker processes end before they can begin"))
        else:
            how = HOW_TO_START_A_WORKER.format(self._address)
            logger.warning("%s; %d trainings wait until somebody starts one: %s", what, len(self._tasks), how)

    def _offered(self) -> dict[str, dict[str, float]]:
        """Resources by the address of the worker, of those that run."""
        workers = self._client.scheduler_info(n_workers=-1).get("workers", {})
        return {address: w["resources"] for address, w in workers.items() if w["status"] == "running"}

    def _count_able(self, offered: dict[str, dict[str, float]]) -> int:
        return sum(offers(resources, self._resources) for resources in offered.values())


@contextmanager
def _quiet() -> Iterator[None]:
    """What matters of dask's messages are errors and warnings of ours."""
    loggers = [logging.getLogger(name) for name in ("distributed", "distributed.client")]
    levels = [each.level for each in loggers]
    for each in loggers:
        each.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for each, level in zip(loggers, levels, strict=True):
            each.setLevel(level)


def _started_here(workers: int | None) -> closing[distributed.SpecCluster]:
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
