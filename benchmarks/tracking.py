"""What a child run of MLflow costs the driver, on a SQLite store.

    python benchmarks/tracking.py --records 200

Without Kedro. The store is made in the current folder, whose disk counts.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import mlflow
import numpy as np

from mf_nas_kd.tracking import ChildRuns
from store import example_record


def main() -> None:
    """Print the time of the driver for one record, and the number of child runs in the end."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        experiment = mlflow.create_experiment("benchmark", artifact_location=f"{folder}/artifacts")
        mlflow.set_experiment("benchmark")
        with mlflow.start_run():
            children, seconds = ChildRuns(), []
            for number in range(options.records):
                record = replace(example_record(), key=f"{number:032x}")
                started = time.perf_counter()
                children.log(record)
                seconds.append(time.perf_counter() - started)
            started = time.perf_counter()
            _finish()
            waited = time.perf_counter() - started
        runs = len(mlflow.search_runs([experiment], output_format="list", max_results=50_000)) - 1
    low, median, high = np.quantile(np.multiply(seconds, 1000), [0.25, 0.5, 0.75])
    mean = 1000 * np.mean(seconds)
    sys.stdout.write(
        f"{options.records} records, ms of the driver for one: mean {mean:.1f}, median {median:.1f} "
        f"[{low:.1f}, {high:.1f}]; {waited:.1f} s of waiting in the end; {runs} child runs\n"
    )


def _finish() -> None:
    try:
        from mf_nas_kd.tracking import finish
    except ImportError:
        return
    finish()


if __name__ == "__main__":
    main()
