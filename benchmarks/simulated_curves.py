"""Simulated learning curves with known truth, as search tasks whose trainings can be continued.

The accuracy of a candidate after ``e`` epochs of a complete schedule is a power law, ::

    A - (A - chance) (1 + e / t)^(-1/2) + noise

with an asymptote ``A`` and a time ``t`` of its own. Both grow with the multiply-accumulates in most kinds of tasks, so
that large networks are better in the end and worse at first, and rankings cross. Schedules are constant-then-decay: the
last ``DECAY_FRACTION`` of the epochs decay, and the constant stretch before is what a longer training reuses. Noise has
a part that all trainings of a candidate share and a part of each.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.benchmarks.replay import ReplayTask
from mf_nas_kd.records import Architecture, Costs, Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.search import Candidate, Observation, SearchProblem

Floats = NDArray[np.float64]

DECAY_FRACTION = 0.25  # of the epochs, at the end of a schedule
FEATURES = 4
CHANCE = 0.05
FIXED_SECONDS = 2.0  # of each training, beside its epochs: building and measuring


@dataclass(frozen=True)
class Kind:
    """Kind of a task.

    Attributes:
        epochs: Epochs of the chain; the last one is the target fidelity.
        from_macs: Correlation of the asymptote with the multiply-accumulates.
        from_features: Part of the rest of the variance that is linear in the features.
        slower: Increase of ``log t`` by one standard deviation of the multiply-accumulates: rankings cross.
        spread: Standard deviation of ``log t`` beside that.
        noise: Standard deviation of the noise; that of the asymptotes is 0.03.
        candidates: Number of candidates.
        subsets: Whether there are low fidelities with 1/27 and 1/9 of the images, too, which cannot be continued.
        misleading: Whether trainings that are shorter than the target fidelity have asymptotes of other candidates.
    """

    epochs: tuple[int, ...] = (3, 6, 12)
    from_macs: float = 0.6
    from_features: float = 0.5
    slower: float = 0.3
    spread: float = 0.2
    noise: float = 0.006
    candidates: int = 60
    subsets: bool = False
    misleading: bool = False


KINDS: Mapping[str, Kind] = {
    "crossing": Kind(),
    "parallel": Kind(slower=0.0, spread=0.05),
    "steep": Kind(slower=0.8, spread=0.4),
    "noisy": Kind(noise=0.015),
    "no_macs": Kind(from_macs=0.0),
    "long": Kind(epochs=(3, 9, 27, 81), candidates=120),
    "subsets": Kind(subsets=True),
    "small": Kind(candidates=36, subsets=True),
    "misleading": Kind(misleading=True),
}
"""Kinds of tasks by their names."""


def simulated_task(kind: Kind, rng: np.random.Generator) -> ReplayTask:
    """A search task with a table of all results.

    Args:
        kind: What the curves are like.
        rng: Source of randomness.
    """
    n = kind.candidates
    macs, features = rng.normal(size=n), rng.normal(size=(n, FEATURES))
    explained = features @ np.full(FEATURES, FEATURES**-0.5)
    rest = math.sqrt(kind.from_features) * explained + math.sqrt(1 - kind.from_features) * rng.normal(size=n)
    asymptote = 0.7 + 0.03 * (kind.from_macs * macs + math.sqrt(1 - kind.from_macs**2) * rest)
    time = np.exp(kind.slower * macs + kind.spread * rng.normal(size=n))
    candidates = _candidates(macs, features)
    fidelities = _fidelities(kind)
    common = rng.normal(size=n)
    results = {}
    for fidelity in fidelities:
        passes = float(fidelity.image_passes)
        of_training = rng.normal(size=n)
        limit = asymptote if fidelity == fidelities[-1] or not kind.misleading else rng.permutation(asymptote)
        noise = kind.noise * (math.sqrt(0.5) * common + math.sqrt(0.5) * of_training)
        accuracies = limit - (limit - CHANCE) * (1 + passes / time) ** -0.5 + noise
        results[fidelity] = _results(candidates, fidelity, accuracies, continued=fidelity.train_fraction == 1)
    full = fidelities[-1]
    problem = SearchProblem(candidates, full, fidelities[:-1], 1, lambda _: (), ACCURACY, continuation=True)
    truth = {name: seen.score or 0.0 for name, seen in results[full].items()}
    return ReplayTask(problem, results, truth)


def _candidates(macs: Floats, features: Floats) -> tuple[Candidate, ...]:
    return tuple(
        Candidate(
            Architecture.of("simulated", number=number),
            tuple(row.tolist()),
            Costs(int(1e7 * math.exp(0.4 * size)), int(1e5 * math.exp(0.4 * size))),
        )
        for number, (size, row) in enumerate(zip(macs, features, strict=True))
    )


def _fidelities(kind: Kind) -> tuple[Fidelity, ...]:
    chain = tuple(Fidelity(Fraction(1), epochs) for epochs in kind.epochs)
    parts = tuple(Fidelity(Fraction(1, part), kind.epochs[-1]) for part in (27, 9)) if kind.subsets else ()
    return (*parts, *chain)


def _results(
    candidates: tuple[Candidate, ...], fidelity: Fidelity, accuracies: Floats, continued: bool
) -> dict[str, Observation]:
    """Cost from scratch, and up to the end of the constant stretch, which has whole epochs."""
    constant = fidelity.epochs - math.ceil(DECAY_FRACTION * fidelity.epochs)
    found = {}
    for candidate, accuracy in zip(candidates, accuracies, strict=True):
        per_pass = 10 * (0.3 + 0.7 * candidate.macs / 1e7)
        found[candidate.id] = Observation(
            candidate.id,
            fidelity,
            float(accuracy),
            FIXED_SECONDS + per_pass * float(fidelity.image_passes),
            candidate.macs,
            step=0,
            pause_seconds=per_pass * constant if continued else None,
        )
    return found
