"""Costs of the published ImageNet networks at images of 224 and 112 pixels, and which fit the published wall times.

The published files do not tell the size of the images. Costs at two sizes differ by nearly the same factor for all
networks, so that wall times hardly tell them apart. Usage: ``python benchmarks/imagenet_sizes.py DIR``, the folder of
the files; the difference of the two correlations has an interval (bootstrap over networks).
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd

from mf_nas_kd.benchmarks.published import read_published
from mf_nas_kd.networks import CostCounter
from mf_nas_kd.records import Architecture
from mf_nas_kd.spaces.hand_designed import DESIGNS

SIZES = (224, 112)
RESAMPLES = 2000


def correlations(rows: pd.DataFrame) -> pd.Series:
    """Pearson correlation of the MACs at each size with the wall time."""
    return rows[list(SIZES)].corrwith(rows["cost_seconds"])


def main() -> None:
    """Print the counts and the correlations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="folder of the published files")
    folder = parser.parse_args().folder
    counters = {size: CostCounter(1000, (3, size, size)) for size in SIZES}
    for name in ("MobileNetV2", "ShuffleNetV2"):
        costs = {size: counter(DESIGNS[name].at(1.0, 224)) for size, counter in counters.items()}
        print(name, {size: f"{each.macs:,} MACs" for size, each in costs.items()}, f"{costs[224].params:,} parameters")  # noqa: T201
    table = next(table for table in read_published(folder) if table.dataset == "imagenet")
    networks = {row.architecture_id: Architecture(row.space, row.architecture) for row in table.candidates.itertuples()}
    rng = np.random.default_rng(0)
    for (fraction, distillation), group in table.evaluations.groupby(["train_fraction", "distillation"]):
        rows = group.copy()
        for size, counter in counters.items():
            rows[size] = [counter(networks[each]).macs for each in group["architecture_id"]]
        found = correlations(rows)
        resampled = [correlations(rows.sample(len(rows), replace=True, random_state=rng)) for _ in range(RESAMPLES)]
        low, high = np.nanquantile([each[224] - each[112] for each in resampled], [0.025, 0.975])
        print(  # noqa: T201
            f"{distillation}, fraction {fraction:.3f}, n = {len(rows)}: median MACs {rows[224].median():,.0f} and "
            f"{rows[112].median():,.0f}; correlation {found[224]:.3f} and {found[112]:.3f}, difference "
            f"{found[224] - found[112]:+.3f} [{low:+.3f}, {high:+.3f}]; test accuracy "
            f"{rows['test_accuracy'].min():.3f} to {rows['test_accuracy'].max():.3f}"
        )


if __name__ == "__main__":
    main()
