"""Fidelity ladder: the fidelities of one distillation configuration as rungs, for successive halving."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History
from mf_nas_kd.search.low_fidelity_choice import choose_low_fidelity
from mf_nas_kd.search.problem import SearchProblem


def rungs(problem: SearchProblem, history: History) -> tuple[Fidelity, ...]:
    """Low fidelities of one distillation configuration by rising relative cost, then the target fidelity.

    The distillation configuration is that of the fidelity that agreed best with the target fidelity before the search.
    Where too little was known then, it is the one with the most rungs, and of several the first. It stays the same
    throughout a search. Without low fidelities the target fidelity is the only rung. Where the target fidelity
    continues a low one, the configuration is its own.
    """
    if not problem.low:
        return (problem.full,)
    if problem.continuation and any(problem.full.continues(fidelity) for fidelity in problem.low):
        return _of_configuration(problem, problem.full.distillation)
    count = Counter(fidelity.distillation for fidelity in problem.low)
    most_rungs_first = tuple(sorted(problem.low, key=lambda fidelity: -count[fidelity.distillation]))
    chosen, _ = choose_low_fidelity(replace(problem, low=most_rungs_first), history)
    return _of_configuration(problem, chosen.distillation)


def _of_configuration(problem: SearchProblem, distillation: str) -> tuple[Fidelity, ...]:
    of_configuration = (fidelity for fidelity in problem.low if fidelity.distillation == distillation)
    return (*sorted(of_configuration, key=lambda fidelity: fidelity.cost_order), problem.full)
