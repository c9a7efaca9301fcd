"""Regularised evolution: mutation only, and the oldest member leaves the population.

References:
    Real et al. (2019). Regularized Evolution for Image Classifier Architecture Search. AAAI, Algorithm 1.
    Differences: candidates are evaluated once, so a child is an untried neighbour of its parent in the space; where no
    neighbour is an untried candidate, it is the candidate with the nearest features. Networks whose training failed do
    not enter the population.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pydantic import PositiveInt

from mf_nas_kd.registry import Options
from mf_nas_kd.search.budget import Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.neighbours import Neighbours
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.strategy import Proposal, Strategy, draw, within


class RegularisedEvolutionOptions(Options):
    """Options of :class:`RegularisedEvolution`.

    Attributes:
        population_size: How many of the latest high-fidelity evaluations are the population; as many random ones come
            first, known ones count. 100 in the paper, for 20,000 evaluations.
        sample_size: How many are drawn from the population, with replacement; the best of them is the parent. 25 in the
            paper.
    """

    population_size: PositiveInt
    sample_size: PositiveInt


class RegularisedEvolution(Strategy):
    """High-fidelity evaluations of neighbours of the best of a random sample of the population."""

    Options = RegularisedEvolutionOptions
    options: RegularisedEvolutionOptions

    def __init__(self, problem: SearchProblem, options: RegularisedEvolutionOptions) -> None:
        super().__init__(problem, options)
        self._nearest = Neighbours(problem.candidates)

    def propose(self, history: History, budget: Budget, rng: np.random.Generator) -> tuple[Proposal, ...]:
        problem, size, count = self.problem, self.options.population_size, self.problem.proposals_at_a_time
        known = history.scores(problem.full, problem.by_id)
        if len(known) < size:
            return within(budget, history, draw(problem, history, problem.full, min(count, size - len(known)), rng))
        tried = history.tried(problem.full)
        untried = np.array([index for index, c in enumerate(problem.candidates) if c.id not in tried], dtype=np.intp)
        population = list(known.items())[-size:]
        children: list[Proposal] = []
        while len(untried) and len(children) < count:
            index, reason = self._mutation(population, untried, rng)
            children.append(Proposal(problem.candidates[index], problem.full, reason))
            untried = untried[untried != index]
        return within(budget, history, children)

    def _mutation(
        self, population: list[tuple[str, float]], untried: NDArray[np.intp], rng: np.random.Generator
    ) -> tuple[int, str]:
        """Index of a random neighbour of the best of a sample, and the reason."""
        problem = self.problem
        drawn = rng.integers(len(population), size=self.options.sample_size)
        parent, accuracy = max((population[member] for member in drawn), key=lambda member: member[1])
        around = problem.neighbours(problem.by_id[parent].architecture)
        indices = [problem.index[neighbour.id] for neighbour in around if neighbour.id in problem.index]
        children = np.intersect1d(indices, untried).astype(int)
        if not len(children):
            children = self._nearest.nearest(problem.by_id[parent].features, untried)
        reason = (
            f"one of the {len(children)} untried candidates nearest to {parent}, which has {accuracy:.4f}, the best of "
            f"{len(drawn)} drawn from the youngest {len(population)}"
        )
        return int(rng.choice(children)), reason
