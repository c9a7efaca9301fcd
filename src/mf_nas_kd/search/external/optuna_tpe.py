"""Optuna's tree-structured Parzen estimator, with high-fidelity evaluations only.

References:
    Bergstra et al. (2011). Algorithms for Hyper-Parameter Optimization. NeurIPS, section 4.
    Akiba et al. (2019). Optuna: A Next-generation Hyperparameter Optimization Framework. KDD.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.external import require
from mf_nas_kd.search.history import History
from mf_nas_kd.search.neighbours import Neighbours
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy, within

Direction = Literal["maximize", "minimize"]


@dataclass(frozen=True)
class Axis:
    """One choice of the search space, as the features encode it.

    Attributes:
        columns: Columns of the features that encode the choice.
        ordered: Whether the choice is ordinal; otherwise it is categorical.
        values: Features of each of the ``V`` values of the choice, ``(V, columns)``, ascending where ordered.
        indices: Index of the value of each candidate, ``(N,)``.
    """

    columns: slice
    ordered: bool
    values: NDArray[np.float64]
    indices: NDArray[np.intp]


def axes_of(candidates: Sequence[Candidate]) -> tuple[Axis, ...]:
    """Choices that the features of ``N`` candidates encode.

    Neighbouring indicators (0 or 1) of which every candidate has exactly one are one categorical choice; each other
    feature is an ordinal choice among the values that the candidates have.
    """
    table = np.array([candidate.features for candidate in candidates])
    indicators = np.atleast_1d(np.isin(table, (0, 1)).all(axis=0))
    axes: list[Axis] = []
    start = 0
    while start < table.shape[1]:
        run = indicators[start:].cumprod().astype(bool)
        one_hot = np.flatnonzero(run & (table[:, start:].cumsum(axis=1) == 1).all(axis=0))
        stop = start + 1 + (int(one_hot[0]) if len(one_hot) else 0)
        values, indices = np.unique(table[:, start:stop], axis=0, return_inverse=True)
        axes.append(Axis(slice(start, stop), stop == start + 1, values, indices.ravel()))
        start = stop
    return tuple(axes)


class OptunaTPE(Strategy):
    """For each proposal, a new study is given the finished high-fidelity evaluations and asked for a point.

    All settings are Optuna's own: its random start, its multivariate estimator, its constant liar for several proposals
    at a time. A point that is none of the untried candidates is replaced by the nearest of them.

    Raises:
        MissingPackageError: If Optuna is not installed.
    """

    package = "optuna"
    directions: ClassVar[tuple[Direction, ...]] = ("maximize",)
    chosen_by: ClassVar[str] = "TPE"

    def __init__(self, problem: SearchProblem, options: Options) -> None:
        require("optuna")
        super().__init__(problem, options)
        self._axes = axes_of(problem.candidates)
        self._neighbours = Neighbours(problem.candidates)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem = self.problem
        known = history.scores(problem.full, problem.by_id)
        tried = history.tried(problem.full)
        untried = np.array([index for name, index in problem.index.items() if name not in tried], dtype=np.intp)
        proposals: list[Proposal] = []
        for asked in self._ask(known, min(len(untried), problem.proposals_at_a_time), int(rng.integers(2**32))):
            nearest = self._neighbours.nearest(self._features(asked), untried)
            chosen = int(rng.choice(nearest))
            untried = untried[untried != chosen]
            best = f"the best of them {max(known.values()):.4f}" if known else "a random start"
            reason = (
                f"nearest untried candidate to the point that {self.chosen_by} chose after {len(known)} high-fidelity "
                f"evaluations, {best}"
            )
            proposals.append(Proposal(problem.candidates[chosen], problem.full, reason))
        return within(budget, history, proposals)

    def _ask(self, known: Mapping[str, float], count: int, seed: int) -> list[dict[str, int]]:
        """Points that a study with these accuracies asks for: by the number of each axis, the index of a value."""
        import optuna
        from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution

        optuna.logging.set_verbosity(optuna.logging.WARNING)  # not a line for every study
        distributions: dict[str, BaseDistribution] = {
            str(number): IntDistribution(0, len(axis.values) - 1)
            if axis.ordered
            else CategoricalDistribution(range(len(axis.values)))
            for number, axis in enumerate(self._axes)
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study = optuna.create_study(directions=self.directions, sampler=optuna.samplers.TPESampler(seed=seed))
            study.add_trials(
                optuna.create_trial(
                    params=self._point(name), distributions=distributions, values=self._values(name, accuracy)
                )
                for name, accuracy in known.items()
            )
            return [study.ask(distributions).params for _ in range(count)]

    def _values(self, name: str, accuracy: float) -> list[float]:
        """Values of the objectives of a candidate, in the order of ``directions``."""
        return [accuracy]

    def _point(self, name: str) -> dict[str, int]:
        return {str(number): int(axis.indices[self.problem.index[name]]) for number, axis in enumerate(self._axes)}

    def _features(self, point: Mapping[str, int]) -> NDArray[np.float64]:
        return np.concatenate([axis.values[point[str(number)]] for number, axis in enumerate(self._axes)])
