"""Looking first or training fully: on histories by hand, and on problems with useful and useless short trainings.

The synthetic problems say nothing of how good the strategy is on real ones; they say whether it does what it is for.
"""

from __future__ import annotations

import re
from fractions import Fraction

import numpy as np
import pytest

from mf_nas_kd.evaluation import Fidelity
from mf_nas_kd.search import Budget, Candidate, History, Observation, SearchProblem, build_strategy
from mf_nas_kd.search.loop import search_steps
from mf_nas_kd.spaces import Architecture
from tests.search.problems import CANDIDATES, FULL, LOW, observation, problem

PLENTY = Budget(1e9, 10_000)
SHORT = Fidelity(Fraction(1, 25), 5, distillation="kd")
"""A fiftieth of the passes of full training."""
ALSO_SHORT = Fidelity(Fraction(1, 25), 5, distillation="nst")


def propose(history=History(), budget=PLENTY, seed=0, **fields):
    strategy = build_strategy("mf_kd", problem(**{"proposals_at_a_time": 1, **fields}), {"draws": 64})
    return strategy.propose(history, budget, np.random.default_rng(seed))


class Synthetic:
    """Candidates whose accuracy is a line in a free predictor and four features, and something of their own.

    Args:
        agreements: Correlation of each short training with full training.
        free: Correlation of the multiply-accumulates with full training.
        seed: Of everything.
        count: Number of candidates.
    """

    def __init__(self, agreements, free=0.5, seed=0, count=60):
        rng = np.random.default_rng(seed)
        features, predictor = rng.normal(size=(count, 4)), rng.normal(size=count)
        rest = np.sqrt(1 - free**2) * (0.6 * features @ np.full(4, 0.5) + 0.8 * rng.normal(size=count))
        quality = free * predictor + rest
        self._accuracies = {FULL: 0.7 + 0.03 * quality}
        for fidelity, r in agreements.items():
            self._accuracies[fidelity] = 0.4 + 0.05 * (r * quality + np.sqrt(1 - r**2) * rng.normal(size=count))
        candidates = tuple(
            Candidate(Architecture.of("synthetic", number=n), tuple(f), int(1e6 * np.exp(z)), int(1e4 * np.exp(z)))
            for n, (f, z) in enumerate(zip(features.tolist(), predictor, strict=True))
        )
        self.problem = SearchProblem(candidates, FULL, tuple(agreements), 1, lambda _: ())
        self.best = candidates[int(self._accuracies[FULL].argmax())].id

    def evaluate(self, proposals):
        return [
            Observation(
                proposal.candidate.id,
                proposal.fidelity,
                float(self._accuracies[proposal.fidelity][self.problem.place[proposal.candidate.id]]),
                float(proposal.fidelity.image_passes),
                proposal.candidate.macs,
                step=1,
            )
            for proposal in proposals
        ]

    def until_best(self, name="mf_kd", seed=0):
        """All steps of a search up to the full training of the best candidate."""
        strategy = build_strategy(name, self.problem, {"draws": 64} if name == "mf_kd" else {})
        steps = []
        for step in search_steps(strategy, History(), PLENTY, self.evaluate, seed):
            steps.append(step)
            if step.answer.architecture_id == self.best and step.answer.fidelity == FULL:
                return steps
        raise AssertionError("the search ended before the best was found")


def seconds(problems, name="mf_kd"):
    return np.array([made.until_best(name, seed)[-1].spent_seconds for seed, made in enumerate(problems)])
