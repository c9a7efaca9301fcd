"""A finished study by hand, as a benchmark table."""

from fractions import Fraction

import pandas as pd

from mf_nas_kd.benchmarks import BenchmarkTable
from mf_nas_kd.records import Architecture, Fidelity

FULL = Fidelity(Fraction(1), 10)
KD = Fidelity(Fraction(1, 27), 10, distillation="kd")
PLAIN = Fidelity(Fraction(1, 9), 10)


def architecture(channels):
    return Architecture.of("mobilenet_v2", stem=4, stages=[[1, channels, 1, 2], [2, 8, 1, 2]], head=16)


def table(accuracies, low=(KD, PLAIN), dataset="hand", without=(), truth=FULL):
    """Candidates with 2, 4, 6, ... channels and 100, 200, 300, ... macs, in the order of the accuracies.

    A full training of the n-th costs 10 n seconds, a short one 1 or 2. Test accuracies are 0.01 below.

    Args:
        accuracies: Validation accuracies of the full trainings.
        low: The short ones have half of that.
        dataset: Its name.
        without: ``(place, fidelity)`` that are not there.
        truth: See ``BenchmarkTable``.
    """
    architectures = [architecture(2 * n) for n in range(1, len(accuracies) + 1)]
    candidates = pd.DataFrame(
        {
            "index": range(len(accuracies)),
            "architecture_id": [a.id for a in architectures],
            "space": "mobilenet_v2",
            "architecture": [a.specification for a in architectures],
            "macs": [100 * n for n in range(1, len(accuracies) + 1)],
            "params": [7 * n for n in range(1, len(accuracies) + 1)],
        }
    )
    rows = []
    for fidelity, cost in {FULL: None, KD: 1.0, PLAIN: 2.0, truth: 1000.0}.items():
        if fidelity not in (FULL, truth, *low):
            continue
        for place, accuracy in enumerate(accuracies):
            if (place, fidelity) not in without:
                value = accuracy / (1 if fidelity == FULL else 2)
                rows.append(
                    {
                        "architecture_id": architectures[place].id,
                        "train_fraction": float(fidelity.train_fraction),
                        "epochs": fidelity.epochs,
                        "width": fidelity.width,
                        "distillation": fidelity.distillation,
                        "val_accuracy": value,
                        "test_accuracy": value - 0.01,
                        "cost_seconds": 10.0 * (place + 1) if fidelity == FULL else cost,
                    }
                )
    return BenchmarkTable(dataset, "mobilenet_v2", candidates, pd.DataFrame(rows), FULL, truth, tuple(low))
