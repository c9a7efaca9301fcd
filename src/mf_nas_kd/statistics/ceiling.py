"""High-fidelity evaluations with several seeds: their mean, and the agreement between seeds."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from mf_nas_kd.statistics.bootstrap import UNDEFINED, BootstrapSettings, Estimate
from mf_nas_kd.statistics.conditioning import Floats
from mf_nas_kd.statistics.correlation import (
    FEWEST_CANDIDATES,
    RankAgreement,
    kendall_of,
    over_candidates,
    pearson,
    spearman,
)


def mean_over_seeds(full: pd.DataFrame, repeats: pd.DataFrame) -> pd.DataFrame:
    """High-fidelity evaluations with the mean test score over their seeds.

    Args:
        full: Finished high-fidelity evaluations with the first seed, one an architecture: ``architecture_id``,
            ``test_score``.
        repeats: Finished ones with further seeds, likewise; those of other architectures are ignored.

    Returns:
        ``full`` with other values of ``test_score``.
    """
    columns = ["architecture_id", "test_score"]
    means = pd.concat([full[columns], repeats[columns]]).groupby("architecture_id")["test_score"].mean()
    return full.assign(test_score=full["architecture_id"].map(means))


def seed_agreement(full: pd.DataFrame, repeats: pd.DataFrame, settings: BootstrapSettings) -> RankAgreement | None:
    """Agreement of high-fidelity evaluations with others that differ in the seed only, with intervals over candidates.

    As at low fidelities, the validation score of one is compared with the test score of the other: they share
    neither a seed nor images. The statistic is the mean over all ordered pairs of seeds.

    Args:
        full: Finished high-fidelity evaluations with the first seed: ``architecture_id``, ``seed``, both scores.
        repeats: Finished ones with further seeds.
        settings: Settings of the bootstrap.

    Returns:
        None with one seed. Candidates for which a seed is missing do not count; ``partial_kendall`` is undefined.
    """
    if repeats.empty:
        return None
    both = pd.concat([full, repeats])
    tables = both.pivot(index="architecture_id", columns="seed", values=["val_score", "test_score"]).dropna()
    validation, test = (tables[name].to_numpy(dtype=float).T for name in ("val_score", "test_score"))
    if tables.shape[0] < FEWEST_CANDIDATES:
        return RankAgreement(tables.shape[0], UNDEFINED, UNDEFINED, UNDEFINED, UNDEFINED)
    return RankAgreement(
        n=tables.shape[0],
        pearson=_mean_of_pairs(validation, test, "pearson", settings),
        kendall=_mean_of_pairs(validation, test, "kendall", settings),
        spearman=_mean_of_pairs(validation, test, "spearman", settings),
        partial_kendall=UNDEFINED,
    )


def _mean_of_pairs(validation: Floats, test: Floats, statistic: str, settings: BootstrapSettings) -> Estimate:
    pairs = list(permutations(range(len(validation)), 2))
    kendall = kendall_of(np.concatenate([validation, test]))

    def mean(drawn: NDArray[np.intp]) -> float:
        if statistic == "kendall":
            taus = kendall(drawn)
            return float(np.mean([taus[a, len(validation) + b] for a, b in pairs]))
        of_pair = {"pearson": pearson, "spearman": spearman}[statistic]
        return float(np.mean([of_pair(validation[a, drawn], test[b, drawn]) for a, b in pairs]))

    return over_candidates(mean, validation.shape[1], settings)
