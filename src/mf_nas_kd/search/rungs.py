"""The fidelities of one method as rungs of a ladder, for strategies that climb from cheap to full."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History
from mf_nas_kd.search.prices import relative_price
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.trusted_fidelity import trusted_fidelity


def rungs(problem: SearchProblem, history: History) -> tuple[Fidelity, ...]:
    """The low fidelities of one distillation by price, and full training last; only that where there is no low one.

    The method is that of the fidelity that agreed best with full training before the search; where nothing was known
    then, the method with the most rungs, the configuration's first of several. It stays the same throughout a search.
    """
    if not problem.low:
        return (problem.full,)
    count = Counter(fidelity.distillation for fidelity in problem.low)
    most_rungs_first = tuple(sorted(problem.low, key=lambda fidelity: -count[fidelity.distillation]))
    trusted, _ = trusted_fidelity(replace(problem, low=most_rungs_first), history)
    same_method = (fidelity for fidelity in problem.low if fidelity.distillation == trusted.distillation)
    return (*sorted(same_method, key=relative_price), problem.full)
