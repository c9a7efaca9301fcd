"""Optuna's multi-objective tree-structured Parzen estimator, for the Pareto front, with high-fidelity evaluations only.

NSGA-II, Optuna's default for several objectives, draws its first 50 points at random, which are more than a search
evaluates here.

References:
    Ozaki, Tanigaki, Watanabe, Onishi (2020). Multiobjective Tree-Structured Parzen Estimator for Computationally
    Expensive Optimization Problems. GECCO.
"""

from __future__ import annotations

import math
from typing import ClassVar

from mf_nas_kd.search.external.optuna_tpe import Direction, OptunaTPE
from mf_nas_kd.search.front_objective import FRONT_OBJECTIVE


class OptunaFront(OptunaTPE):
    """As :class:`.OptunaTPE`, with two objectives: the accuracy, and the logarithm of the cost.

    Raises:
        MissingPackageError: If Optuna is not installed.
    """

    objectives = (FRONT_OBJECTIVE,)
    directions: ClassVar[tuple[Direction, ...]] = ("maximize", "minimize")
    chosen_by: ClassVar[str] = "multi-objective TPE"

    def _values(self, name: str, accuracy: float) -> list[float]:
        values = {} if self.problem.objective is None else self.problem.objective.values
        return [accuracy, math.log(values[name])]
