"""Many replays, spread over processes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from multiprocessing import get_context

from threadpoolctl import threadpool_limits

from mf_nas_kd.benchmarks.replay import Replay, ReplayTask, replay
from mf_nas_kd.cores import available_cores, end_with_driver
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.registry import Options
from mf_nas_kd.search import build_strategy
from mf_nas_kd.search.budget import Budget


@dataclass(frozen=True)
class Contest:
    """A strategy on a task, to be replayed with several seeds.

    Attributes:
        label: What the rows of its results begin with: ``dataset``, ``space``, ``task``, ``strategy``.
        task: The problem and its answers.
        strategy: A name in ``STRATEGIES``.
        options: An instance of the strategy's ``Options``.
        budget: What each search may spend.
        target_accuracy_points: How near to the best validation accuracy the target is, in percentage points.
    """

    label: Mapping[str, str]
    task: ReplayTask
    strategy: str
    options: Options
    budget: Budget
    target_accuracy_points: float

    def replay(self, seed: int) -> Replay:
        """One search; an error says which."""
        try:
            strategy = build_strategy(self.strategy, self.task.problem, self.options)
            return replay(self.task, strategy, self.budget, seed, self.target_accuracy_points)
        except Exception as error:
            error.add_note(f"in the replay of {', '.join(self.label.values())}, seed {seed}")
            raise


def run_replays(contests: Sequence[Contest], seeds: int, workers: int | None) -> list[tuple[Contest, int, Replay]]:
    """Replay every contest with the seeds 0, 1, and so on.

    Every process uses one thread for linear algebra, and results do not depend on the number of processes.

    Args:
        contests: What is replayed.
        seeds: How many.
        workers: Processes; None for one a CPU core. One is this process.
    """
    places = list(product(range(len(contests)), range(seeds)))
    found = []
    with progress_bar("searches", total=len(places)) as progress:
        for (place, seed), replayed in zip(places, _replays(contests, places, workers), strict=True):
            found.append((contests[place], seed, replayed))
            progress.update()
    return found


def _replays(contests: Sequence[Contest], places: Sequence[tuple[int, int]], workers: int | None) -> Iterator[Replay]:
    """In the order of the places."""
    count = min(workers or available_cores(), len(places))
    if count <= 1:
        with threadpool_limits(1):
            yield from (contests[place].replay(seed) for place, seed in places)
    else:
        with ProcessPoolExecutor(count, get_context("spawn"), _hold, (contests,)) as pool:
            yield from pool.map(_replay, *zip(*places, strict=True))


_held: Sequence[Contest] = ()
"""The contests of this worker process; set once, when it starts."""


def _hold(contests: Sequence[Contest]) -> None:
    """First act of a worker process."""
    global _held
    _held = contests
    threadpool_limits(1)
    end_with_driver()


def _replay(place: int, seed: int) -> Replay:
    return _held[place].replay(seed)
