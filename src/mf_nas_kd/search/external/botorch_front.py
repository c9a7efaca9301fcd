"""BoTorch's expected hypervolume improvement, for the Pareto front, with high-fidelity evaluations only.

References:
    Daulton, Balandat, Bakshy (2020). Differentiable Expected Hypervolume Improvement for Parallel Multi-Objective
    Bayesian Optimization. NeurIPS.
    Ament, Daulton, Eriksson, Balandat, Bakshy (2023). Unexpected Improvements to Expected Improvement for Bayesian
    Optimization. NeurIPS: its logarithm.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.external import require
from mf_nas_kd.search.external.botorch_multi_fidelity import CONSIDERED
from mf_nas_kd.search.front_objective import FRONT_OBJECTIVE
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, within


class BoTorchFrontOptions(Options):
    """Options of :class:`BoTorchFront`.

    Attributes:
        initial_evaluations: Random evaluations before the process is used, at least 2; known ones count.
    """

    initial_evaluations: PositiveInt


class BoTorchFront(Strategy):
    """The candidate with the highest expected hypervolume improvement.

    The process has the features of the space, log MACs, log parameters and the log of the cost that stands against the
    accuracy among its inputs; this cost is not modelled but known.

    Raises:
        MissingPackageError: If BoTorch is not installed.
    """

    Options = BoTorchFrontOptions
    options: BoTorchFrontOptions
    objectives = (FRONT_OBJECTIVE,)
    package = "botorch"

    def __init__(self, problem: SearchProblem, options: BoTorchFrontOptions) -> None:
        require("botorch")
        super().__init__(problem, options)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, count = self.problem, self.problem.proposals_at_a_time
        known = history.scores(problem.full, problem.by_id)
        missing = self.options.initial_evaluations - len(history.tried(problem.full) & problem.by_id.keys())
        if missing > 0 or len(known) < 2:
            return within(budget, history, draw(problem, history, problem.full, count, rng))
        considered = [each.candidate for each in draw(problem, history, problem.full, CONSIDERED, rng)]
        return within(budget, history, self._improving(known, considered, int(rng.integers(2**32))))

    def _improving(self, known: dict[str, float], untried: list[Candidate], seed: int) -> tuple[Proposal, ...]:
        """The candidates with the highest improvement, one after the other."""
        from mf_nas_kd.search.external.front_process import FrontProcess

        by_id = self.problem.by_id
        process = FrontProcess(self._points([by_id[name] for name in known]), np.array(list(known.values())), seed)
        chosen: list[Proposal] = []
        while untried and len(chosen) < self.problem.proposals_at_a_time:
            pending = self._points([each.candidate for each in chosen])
            improvement = process.log_improvement(self._points(untried), pending)
            best = int(np.argmax(improvement))
            reason = (
                f"highest expected hypervolume improvement of {len(untried)} candidates, {improvement[best]:.3g} "
                f"(logarithm); {len(known)} high-fidelity evaluations known"
            )
            chosen.append(Proposal(untried.pop(best), self.problem.full, reason))
        return tuple(chosen)

    def _points(self, candidates: list[Candidate]) -> NDArray[np.float64]:
        return np.array([self._scaled[each.id] for each in candidates])

    @cached_property
    def _scaled(self) -> dict[str, NDArray[np.float64]]:
        """Inputs of the candidates in [0, 1], the cost that stands against the accuracy last."""
        values = {} if self.problem.objective is None else self.problem.objective.values
        table = np.array(
            [
                (*each.features, *np.log([each.macs, each.costs.params, values[each.id]]))
                for each in self.problem.candidates
            ]
        )
        low, spread = table.min(axis=0), np.ptp(table, axis=0)
        scaled = (table - low) / np.where(spread > 0, spread, 1)
        return {each.id: row for each, row in zip(self.problem.candidates, scaled, strict=True)}
