"""Optuna's tree-structured Parzen estimator, with full trainings only.

References:
    Bergstra et al. (2011). Algorithms for Hyper-Parameter Optimization. NeurIPS, section 4.
    Akiba et al. (2019). Optuna: A Next-generation Hyperparameter Optimization Framework. KDD.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.neighbours import Neighbours
from mf_nas_kd.search.peers import require
from mf_nas_kd.search.problem import Candidate, SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy, within


@dataclass(frozen=True)
class Axis:
    """One choice that the features describe.

    Attributes:
        columns: Its features.
        ordered: Whether the order of its values means something.
        values: The features of each of its V values, ``(V, columns)``, ascending where ordered.
        places: Which value each candidate has, ``(N,)``.
    """

    columns: slice
    ordered: bool
    values: NDArray[np.floating]
    places: NDArray[np.intp]


def axes_of(candidates: Sequence[Candidate]) -> tuple[Axis, ...]:
    """The choices of N candidates.

    Neighbouring indicators (0 or 1) of which every candidate has exactly one are one choice without order; each other
    feature is an ordered choice among the values that the candidates have.
    """
    table = np.array([candidate.features for candidate in candidates])
    indicators = np.isin(table, (0, 1)).all(axis=0)
    axes: list[Axis] = []
    start = 0
    while start < table.shape[1]:
        run = indicators[start:].cumprod().astype(bool)
        one_hot = np.flatnonzero(run & (table[:, start:].cumsum(axis=1) == 1).all(axis=0))
        stop = start + 1 + (int(one_hot[0]) if len(one_hot) else 0)
        values, places = np.unique(table[:, start:stop], axis=0, return_inverse=True)
        axes.append(Axis(slice(start, stop), stop == start + 1, values, places.ravel()))
        start = stop
    return tuple(axes)


class OptunaTPE(Strategy):
    """Each time, the finished full trainings are told to a new study, which is asked for a point.

    Everything is as Optuna has it: its random start, its multivariate estimator, its constant liar for several
    proposals at a time. A point that is none of the untried candidates stands for the nearest of them.

    Raises:
        MissingPackageError: If Optuna is not installed.
    """

    def __init__(self, problem: SearchProblem, options: BaseModel) -> None:
        require("optuna")
        super().__init__(problem, options)
        self._places = {candidate.id: place for place, candidate in enumerate(problem.candidates)}
        self._axes = axes_of(problem.candidates)
        self._neighbours = Neighbours(problem.candidates)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem = self.problem
        known = history.accuracies(problem.full, problem.by_id)
        tried = history.tried(problem.full)
        untried = np.array([place for name, place in self._places.items() if name not in tried], dtype=np.intp)
        proposals: list[Proposal] = []
        for asked in self._ask(known, min(len(untried), problem.proposals_at_a_time), int(rng.integers(2**32))):
            nearest = self._neighbours.nearest(self._features(asked), untried)
            place = int(rng.choice(nearest))
            untried = untried[untried != place]
            best = f"the best of them {max(known.values()):.4f}" if known else "a random start"
            reason = f"nearest untried candidate to the point that TPE chose after {len(known)} full trainings, {best}"
            proposals.append(Proposal(problem.candidates[place], problem.full, reason))
        return within(budget, history, proposals)

    def _ask(self, known: Mapping[str, float], count: int, seed: int) -> list[dict[str, int]]:
        """Points of a study that knows these accuracies: for each axis, by its number, the place of a value."""
        import optuna
        from optuna.distributions import CategoricalDistribution, IntDistribution

        optuna.logging.set_verbosity(optuna.logging.WARNING)  # not a line for every study
        distributions = {
            str(number): IntDistribution(0, len(axis.values) - 1)
            if axis.ordered
            else CategoricalDistribution(range(len(axis.values)))
            for number, axis in enumerate(self._axes)
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            study = optuna.create_study(direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed))
            study.add_trials(
                optuna.create_trial(params=self._point(name), distributions=distributions, value=accuracy)
                for name, accuracy in known.items()
            )
            return [study.ask(distributions).params for _ in range(count)]

    def _point(self, name: str) -> dict[str, int]:
        return {str(number): int(axis.places[self._places[name]]) for number, axis in enumerate(self._axes)}

    def _features(self, point: Mapping[str, int]) -> NDArray[np.floating]:
        return np.concatenate([axis.values[point[str(number)]] for number, axis in enumerate(self._axes)])
