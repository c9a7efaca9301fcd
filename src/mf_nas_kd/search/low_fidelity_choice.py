"""Choice of one low fidelity, for strategies that use a single one."""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import kendalltau

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem

FEWEST_PAIRS = 5  # with fewer candidates evaluated at both fidelities, the order of the configuration decides


def choose_low_fidelity(problem: SearchProblem, history: History) -> tuple[Fidelity, str]:
    """The low fidelity whose ranking agreed best with the target fidelity, and a sentence with the reason.

    Only observations from before the search count, so that the choice stays the same throughout. Agreement is Kendall's
    tau-b of validation accuracies; ties go to fewer passes over the images. Costs do not count.
    """
    known = History(tuple(seen for seen in history if seen.step == 0))
    full = known.scores(problem.full)
    judged: list[tuple[float, float, int, Fidelity]] = []
    for fidelity in problem.low:
        low = known.scores(fidelity)
        both = sorted(full.keys() & low.keys())
        if len(both) < FEWEST_PAIRS:
            continue
        agreement = kendalltau(
            np.array([low[name] for name in both]), np.array([full[name] for name in both])
        ).statistic
        if not math.isnan(agreement):
            judged.append((float(agreement), -float(fidelity.image_passes), len(both), fidelity))
    if len(problem.low) == 1 or not judged:
        return problem.low[0], f"low fidelity: {problem.low[0]}"
    highest, _, count, fidelity = max(judged, key=lambda item: item[:2])
    agreed = f"which agreed best with the target fidelity before, Kendall {highest:.2f} on {count} candidates"
    return fidelity, f"low fidelity: {fidelity}, {agreed}"
