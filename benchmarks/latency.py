"""Latency: repeatability, rank agreement with MACs and with predictions, errors of predictions, time of a pool.

python benchmarks/latency.py [--count 60] [--size 32] [--spaces mobilenet_v2 ...] [--once]

Networks are sampled from the configured spaces (conf/base). Every network is measured twice, the second time after all
have been measured once. Intervals are 95 % intervals of a bootstrap over networks.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import numpy as np
import yaml
from numpy.typing import NDArray
from scipy.stats import kendalltau

from mf_nas_kd.devices.latency import RUNTIME, device_name
from mf_nas_kd.export.untrained import UntrainedExport
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.paths import project_folder
from mf_nas_kd.progress import progress_bar
from mf_nas_kd.records import Architecture
from mf_nas_kd.seeding import numpy_generator
from mf_nas_kd.spaces import SPACES, Limits, build_space, sample_within
from mf_nas_kd.studies.measuring import measure_networks
from mf_nas_kd.surrogates.log_costs import LogCosts

CLASSES, RESAMPLES = 10, 2000
Array = NDArray[np.float64]


def with_interval(statistic: Callable[[Array], float], *columns: Array) -> str:
    """A statistic of rows, with the interval of its bootstrap."""
    rows, rng = np.stack(columns, axis=1), numpy_generator(0, "bootstrap")
    drawn = [statistic(rows[rng.integers(0, len(rows), len(rows))]) for _ in range(RESAMPLES)]
    low, high = np.nanquantile(drawn, [0.025, 0.975])
    return f"{statistic(rows):.3f} [{low:.3f}, {high:.3f}]"


def kendall(rows: Array) -> float:
    """Rank correlation of two columns."""
    return float(kendalltau(rows[:, 0], rows[:, 1])[0])


def measured(architectures: tuple[Architecture, ...], export: UntrainedExport) -> tuple[Array, Array, float]:
    """Latency (ms) and disturbed fraction of each network, and the seconds that it took."""
    started, costs = time.perf_counter(), []
    with progress_bar("latency", len(architectures)) as bar:
        for _, each in measure_networks(architectures, export):
            costs.append(each.latency)
            bar.update(1)
    values = np.array([(each.median_ms, each.disturbed) for each in costs])
    return values[:, 0], values[:, 1], time.perf_counter() - started


def report(name: str, count: int, size: int, once: bool) -> None:
    """Print the figures of one space."""
    choices = yaml.safe_load((project_folder() / "conf/base/parameters_space.yml").read_text())["space"]["choices"]
    space, shape = build_space(name, choices[name]), (3, size, size)
    cost_of = CostCounter(CLASSES, shape)
    architectures = sample_within(space, count, Limits.of(), cost_of, numpy_generator(0, name))
    export = UntrainedExport(CLASSES, shape)
    latency, disturbed, seconds = measured(architectures, export)
    counted = [cost_of(each) for each in architectures]
    macs = np.array([float(each.macs) for each in counted])
    features = [
        [*space.encode(each), math.log(c.macs), math.log(c.params)]
        for each, c in zip(architectures, counted, strict=True)
    ]
    predicted = LogCosts(np.array(features), latency).left_out
    errors = np.abs(predicted / latency - 1)
    print(f"{name}: n = {len(latency)}, {latency.min():.3g} to {latency.max():.3g} ms, {seconds:.0f} s")  # noqa: T201
    print(f"  disturbed runs: {disturbed.mean():.1%} on average")  # noqa: T201
    print(f"  Kendall of MACs and latency: {with_interval(kendall, macs, latency)}")  # noqa: T201
    print(f"  Kendall of predicted and measured: {with_interval(kendall, predicted, latency)}")  # noqa: T201
    median = with_interval(lambda rows: float(np.median(rows)), errors)
    print(f"  error of predictions: median {median}, worst {errors.max():.3f}")  # noqa: T201
    if not once:
        again, _, _ = measured(architectures, export)
        apart = np.abs(again - latency) / np.minimum(again, latency)
        middle = with_interval(lambda rows: float(np.median(rows)), apart)
        spread = f"95 % below {np.quantile(apart, 0.95):.3f}, worst {apart.max():.3f}"
        print(f"  two measurements: median difference {middle}, {spread}", flush=True)  # noqa: T201


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--size", type=int, default=32, help="pixels a side")
    parser.add_argument("--spaces", nargs="+", default=sorted(SPACES))
    parser.add_argument("--once", action="store_true", help="no second measurement")
    arguments = parser.parse_args()
    print(f"{device_name()}, {RUNTIME}, one thread")  # noqa: T201
    for space_name in arguments.spaces:
        report(space_name, arguments.count, arguments.size, arguments.once)
