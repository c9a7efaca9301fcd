"""Replays of many searches, distributed over processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context
from typing import Any, Protocol, TypeVar

from threadpoolctl import threadpool_limits

from mf_nas_kd.benchmarks.replay import Replay, ReplayTask, naming_replay, replay
from mf_nas_kd.cores import available_cores, end_with_driver
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.search import build_strategy
from mf_nas_kd.search.budget import Budget


@dataclass(frozen=True)
class BenchmarkRun:
    """A strategy on a task, to be replayed with several seeds.

    Attributes:
        label: First columns of the rows of its results: ``dataset``, ``space``, ``task``, ``strategy``.
        task: The problem and the results of all evaluations.
        strategy: A name in ``STRATEGIES``.
        options: Validated options of the strategy.
        budget: Budget of each search.
        target_accuracy_points: Distance of the target from the best validation accuracy, in percentage points.
    """

    label: Mapping[str, str]
    task: ReplayTask
    strategy: str
    options: Options
    budget: Budget
    target_accuracy_points: float

    def replay(self, seed: int) -> Replay:
        """Replay one search; an error is annotated with label and seed."""
        with naming_replay(self.label, seed):
            strategy = build_strategy(self.strategy, self.task.problem, self.options)
            return replay(self.task, strategy, self.budget, seed, self.target_accuracy_points)


Outcome = TypeVar("Outcome", covariant=True)


class Run(Protocol[Outcome]):
    """What can be replayed with several seeds: searches for the best candidate, or for a front."""

    @property
    def label(self) -> Mapping[str, str]:
        """First columns of the rows of its results."""
        ...

    def replay(self, seed: int) -> Outcome:
        """Replay one search."""
        ...


def run_replays(
    runs: Sequence[Run[Outcome]], seeds: int, workers: int | None
) -> list[tuple[Run[Outcome], int, Outcome]]:
    """Replay every benchmark run with the seeds 0, 1, and so on.

    Every process uses one thread for linear algebra, and results do not depend on the number of processes.

    Args:
        runs: The benchmark runs.
        seeds: Number of seeds.
        workers: Number of processes; None for one per CPU core. With 1, this process does the work.

    Returns:
        Run, seed and outcome, in the order of runs and seeds.
    """
    jobs = list(product(range(len(runs)), range(seeds)))
    outcomes: list[tuple[Run[Outcome], int, Outcome]] = []
    with progress_bar("searches", total=len(jobs)) as progress:
        for (index, seed), outcome in zip(jobs, _replays(runs, jobs, workers), strict=True):
            outcomes.append((runs[index], seed, outcome))
            progress.update()
    return outcomes


def _replays(runs: Sequence[Run[Outcome]], jobs: Sequence[tuple[int, int]], workers: int | None) -> Iterator[Outcome]:
    """Outcomes of jobs (index of the run, seed), in the order of the jobs."""
    count = min(workers or available_cores(), len(jobs))
    if count <= 1:
        with threadpool_limits(1):
            yield from (runs[index].replay(seed) for index, seed in jobs)
    else:
        with ProcessPoolExecutor(count, get_context("spawn"), _initialise, (runs,)) as pool:
            yield from pool.map(_replay, *zip(*jobs, strict=True))


_runs: Sequence[Run[object]] = ()
"""Benchmark runs of this worker process; set once, when it starts."""


def _initialise(runs: Sequence[Run[object]]) -> None:
    """Initialise a worker process."""
    global _runs
    _runs = runs
    threadpool_limits(1)
    end_with_driver()


def _replay(index: int, seed: int) -> Any:
    return _runs[index].replay(seed)
