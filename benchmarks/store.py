"""The evaluation store with few and with very many records: opening it, finding a plan's rows, appending one.

    python benchmarks/store.py --rows 1000 1000000

Rounds alternate between the stores, so that a slow moment of the machine is shared. Without MLflow.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pandas as pd
from sqlalchemy import create_engine

from mf_nas_kd.datasets import EvaluationTableDataset
from mf_nas_kd.records import Architecture, Costs, Evaluation, Fidelity, Metrics
from mf_nas_kd.store import EvaluationStore
from mf_nas_kd.store.tables import EVALUATIONS

PLAN = 384  # evaluations of the default study
ROWS_AT_ONCE = 50_000


def main() -> None:
    """Print a table: a row an operation, a column a store, medians and quartiles in milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[1000, 1_000_000])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--plan", type=int, default=PLAN, help="evaluations of a plan")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        urls = {rows: _filled(Path(folder) / f"{rows}.db", rows) for rows in options.rows}
        seconds: dict[tuple[str, int], list[float]] = {}
        for number in range(options.rounds):
            for rows, url in urls.items():
                for name, took in _operations(url, rows, number, options.plan).items():
                    seconds.setdefault((name, rows), []).append(took)
        names = list(dict.fromkeys(name for name, _ in seconds))
        sys.stdout.write(
            f"| ms, n = {options.rounds} | " + " | ".join(f"{rows:,} records" for rows in urls) + " |" + "\n"
        )
        sys.stdout.write("|---" * (1 + len(urls)) + "|" + "\n")
        for name in names:
            cells = [np.quantile(np.multiply(seconds[name, rows], 1000), [0.5, 0.25, 0.75]) for rows in urls]
            sys.stdout.write(
                f"| {name} | " + " | ".join("{:.1f} [{:.1f}, {:.1f}]".format(*cell) for cell in cells) + " |" + "\n"
            )
    sys.stdout.write(
        f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10:.0f} MiB" + "\n"
    )


def _operations(url: str, rows: int, number: int, plan: int) -> dict[str, float]:
    keys = [f"{key:032x}" for key in np.random.default_rng(number).integers(rows, size=plan)]
    opened: list[EvaluationStore] = []
    tables: list[pd.DataFrame] = []
    return {
        "open": _timed(lambda: opened.append(EvaluationStore(url))),
        f"find {plan} keys": _timed(lambda: opened[0].find(keys)),
        f"table of {plan} keys": _timed(lambda: tables.append(opened[0].table(keys))),
        "saving this table again": _timed(lambda: EvaluationTableDataset(url=url).save(tables[0])),
        "append one, durable": _timed(lambda: opened[0].append(replace(example_record(), key=f"new {number}"))),
        "last 10 records": _timed(lambda: opened[0].latest(10)),
    }


def _timed(call: Callable[[], object]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started


def example_record() -> Evaluation:
    """A record of a training that nobody made."""
    return Evaluation(
        key="",
        architecture=Architecture.of("mobilenet_v2", stem=8, stages=[[4, 12, 2, 2], [4, 24, 2, 2]], head=64),
        fidelity=Fidelity(Fraction(1, 27), epochs=20, distillation="kd"),
        seed=0,
        dataset="digits",
        dataset_fingerprint="0123456789abcdef",
        teacher_fingerprint="0123456789abcdef",
        status="finished",
        error="",
        metrics=Metrics(0.5, 0.5),
        cost_seconds=1.0,
        costs=Costs(1000, 100),
        device="cpu",
        code_version="0",
        finished_at="2026-01-01T00:00:00+00:00",
    )


def _filled(path: Path, rows: int) -> str:
    url = f"sqlite:///{path}"
    EvaluationStore(url)
    row = example_record().to_row()
    with create_engine(url).begin() as connection:
        for start in range(0, rows, ROWS_AT_ONCE):
            keys = range(start, min(start + ROWS_AT_ONCE, rows))
            connection.execute(EVALUATIONS.insert(), [{**row, "key": f"{key:032x}"} for key in keys])
    return url


if __name__ == "__main__":
    main()
