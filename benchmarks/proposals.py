"""Seconds and peak memory of one proposal of every strategy, on one core.

Random cells like those of NAS-Bench-201 (six edges with one of five operations, one-hot) with random accuracies, two
low fidelities, and the options of the base configuration. Three histories, because strategies model different
fidelities: only high-fidelity evaluations, only those at the lowest fidelity, and candidates with all fidelities. Each
strategy, size and history has a process of its own; seconds are the median of some proposals after a first one, memory
is the highest resident memory of that process. Targets: 50 ms with 100 observations and 300 candidates, 1 s with 1,000
and 15,625, less than 2 GiB; none for external optimisers.

    python benchmarks/proposals.py
    python benchmarks/proposals.py --strategies random two_stage --rounds 11 --output proposals.json
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import resource
import statistics
import time
from concurrent.futures import ProcessPoolExecutor
from fractions import Fraction
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from mf_nas_kd.errors import MissingPackageError
from mf_nas_kd.records import Architecture, Costs, Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.search import (
    STRATEGIES,
    Budget,
    Candidate,
    History,
    Observation,
    Options,
    SearchProblem,
    build_strategy,
)

CONFIGURATION = Path(__file__).resolve().parents[1] / "conf/base/parameters_strategies.yml"
SIZES = ((100, 300), (1000, 15_625))  # observations, candidates
FULL = Fidelity(Fraction(1), 30)
LOW = (Fidelity(Fraction(1, 27), 30, distillation="kd"), Fidelity(Fraction(1, 9), 30, distillation="kd"))
HISTORIES = {"full": (FULL,), "low": LOW[:1], "all fidelities": (*LOW, FULL)}
MEBIBYTE = 2**20


def random_problem(candidates: int, rng: np.random.Generator) -> SearchProblem:
    """Search problem of some of all 15,625 cells, in random order."""
    cells = list(itertools.product(range(5), repeat=6))
    one_hot = np.eye(5)
    return SearchProblem(
        tuple(
            Candidate(
                Architecture.of("cells", operations=cells[index]),
                tuple(one_hot[list(cells[index])].ravel().tolist()),
                Costs(int(rng.integers(10**7, 10**8)), int(rng.integers(10**5, 10**6))),
            )
            for index in rng.permutation(len(cells))[:candidates]
        ),
        FULL,
        LOW,
        proposals_at_a_time=1,
        neighbours=lambda _: (),
        metric=ACCURACY,
    )


def random_history(problem: SearchProblem, observations: int, kind: str, rng: np.random.Generator) -> History:
    """Evaluations of random candidates that were charged to a search, each at all fidelities of a kind of history."""
    weights = rng.normal(size=len(problem.candidates[0].features))
    trained = itertools.product(rng.permutation(len(problem.candidates)), HISTORIES[kind])
    seen = []
    for step, (index, fidelity) in enumerate(itertools.islice(trained, observations), start=1):
        candidate = problem.candidates[index]
        accuracy = 0.7 + 0.02 * float(weights @ candidate.features) + float(rng.normal(0, 0.01))
        seconds = float(fidelity.image_passes)
        seen.append(Observation(candidate.id, fidelity, accuracy, seconds, candidate.macs, step))
    return History(tuple(seen))


def measure(name: str, options: Options, size: tuple[int, int], kind: str, rounds: int) -> dict[str, Any]:
    """Seconds of the first and of later proposals, and peak resident memory of this process in mebibytes."""
    observations, candidates = size
    rng = np.random.default_rng(0)
    problem = random_problem(candidates, rng)
    history = random_history(problem, observations, kind, rng)
    strategy = build_strategy(name, problem, options)
    seconds = []
    for seed in range(rounds + 1):
        started = time.perf_counter()
        strategy.propose(history, Budget(1e9, 10**6), np.random.default_rng(seed))
        seconds.append(time.perf_counter() - started)
    return {
        "strategy": name,
        "observations": observations,
        "candidates": candidates,
        "history": kind,
        "first_seconds": seconds[0],
        "seconds": seconds[1:],
        "peak_mebibytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / MEBIBYTE,
    }


def base_options() -> dict[str, Any]:
    """Options of every strategy in the base configuration."""
    options: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text())["strategies"]
    return options


def measure_all(names: list[str], rounds: int) -> list[dict[str, Any]]:
    """Every strategy that is installed, at every size and with every history, one process after the other."""
    options = base_options()
    measured = []
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as processes:
        for name, size, kind in itertools.product(names, SIZES, HISTORIES):
            parsed = STRATEGIES[name].Options.model_validate(options[name])
            try:
                measured.append(processes.submit(measure, name, parsed, size, kind, rounds).result())
            except MissingPackageError as failure:
                print(f"{name} left out: {failure}")  # noqa: T201
                break
    return measured


def report(measured: list[dict[str, Any]]) -> str:
    """Table in Markdown with the slowest of the histories for each strategy and size."""
    lines = [
        "| strategy | observations | candidates | slowest history | ms, median | first ms | peak MiB |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, observations, candidates), group in itertools.groupby(
        measured, key=lambda row: (row["strategy"], row["observations"], row["candidates"])
    ):
        rows = list(group)
        slowest = max(rows, key=lambda row: statistics.median(row["seconds"]))
        lines.append(
            f"| {name} | {observations} | {candidates} | {slowest['history']} "
            f"| {1000 * statistics.median(slowest['seconds']):.3g} | {1000 * slowest['first_seconds']:.3g} "
            f"| {max(row['peak_mebibytes'] for row in rows):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    possible = [name for name, each in STRATEGIES.items() if each.is_installed() and "accuracy" in each.objectives]
    parser.add_argument("--strategies", nargs="+", choices=possible, default=possible)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")  # of the processes
    measured = measure_all(arguments.strategies, arguments.rounds)
    print(report(measured))  # noqa: T201
    if arguments.output:
        arguments.output.write_text(json.dumps(measured, indent=1))


if __name__ == "__main__":
    main()
