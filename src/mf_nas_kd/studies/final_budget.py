"""What the final trainings may cost: expected seconds, and how much of the plan a budget affords."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import nnls

from mf_nas_kd.records import Costs, Evaluation


class ExpectedCost:
    """Expected cost of a training, in seconds, from evaluations of the same study on the same machines.

    Seconds of a pass over the training images are fitted as a constant and a multiple of the multiply-accumulates,
    neither of them negative.

    Args:
        evaluations: Finished evaluations on all training images; without any, nothing is known, and every expectation
            is 0.
    """

    def __init__(self, evaluations: Iterable[Evaluation]) -> None:
        seen = [each for each in evaluations if each.finished]
        inputs = np.array([[1.0, each.costs.macs] for each in seen]).reshape(-1, 2)
        seconds = np.array([each.cost_seconds / float(each.fidelity.image_passes) for each in seen])
        scale = np.array([1.0, max(inputs[:, 1].max(initial=1.0), 1.0)])
        self._coefficients = nnls(inputs / scale, seconds)[0] / scale if seen else np.zeros(2)

    def __call__(self, costs: Costs, epochs: int) -> float:
        """Expected seconds of a training of a network with these costs on all training images."""
        return float(epochs * (self._coefficients @ (1.0, costs.macs)))


@dataclass(frozen=True)
class FinalPlan:
    """How much of the final stage is done.

    Attributes:
        finalists: Number of finalists, cheaper equivalents included; at least 1.
        distilled: Number of distillation configurations that are tried beside plain training.
        seeds: Trainings of each network in the chosen way; at least 1.
        references: Number of reference networks.
    """

    finalists: int
    distilled: int
    seeds: int
    references: int

    @property
    def trainings(self) -> int:
        """Number of trainings."""
        return self.finalists * (self.distilled + self.seeds) + self.references * self.seeds

    def seconds(self, finalists: Sequence[float], references: Sequence[float]) -> float:
        """Cost of all trainings, in seconds.

        Args:
            finalists: Cost of one training of each finalist, the best one first.
            references: Cost of one training of each reference network, the most important one first.
        """
        ways = self.distilled + self.seeds
        return ways * sum(finalists[: self.finalists]) + self.seeds * sum(references[: self.references])


def affordable(
    wanted: FinalPlan, budget_seconds: float, finalists: Sequence[float], references: Sequence[float]
) -> FinalPlan:
    """The largest part of a plan that a budget affords: fewer seeds first, then finalists, references, distillation.

    The least is one plain training of one finalist; it is returned also where the budget does not afford it.

    Args:
        wanted: The plan without a limit.
        budget_seconds: Limit of the cost, in seconds of training.
        finalists: As for :meth:`FinalPlan.seconds`.
        references: Likewise.

    >>> affordable(FinalPlan(finalists=2, distilled=1, seeds=3, references=1), 60.0, [5.0, 5.0], [5.0])
    FinalPlan(finalists=2, distilled=1, seeds=3, references=1)
    >>> affordable(FinalPlan(finalists=2, distilled=1, seeds=3, references=1), 40.0, [5.0, 5.0], [5.0])
    FinalPlan(finalists=2, distilled=1, seeds=2, references=1)
    >>> affordable(FinalPlan(finalists=2, distilled=1, seeds=3, references=1), 17.0, [5.0, 5.0], [5.0])
    FinalPlan(finalists=1, distilled=1, seeds=1, references=1)
    """
    plan = wanted
    smaller: tuple[tuple[Callable[[FinalPlan], int], int, Callable[[FinalPlan], FinalPlan]], ...] = (
        (lambda p: p.seeds, 1, lambda p: replace(p, seeds=p.seeds - 1)),
        (lambda p: p.finalists, 1, lambda p: replace(p, finalists=p.finalists - 1)),
        (lambda p: p.references, 0, lambda p: replace(p, references=p.references - 1)),
        (lambda p: p.distilled, 0, lambda p: replace(p, distilled=p.distilled - 1)),
    )
    for number_of, least, reduced in smaller:
        while number_of(plan) > least and plan.seconds(finalists, references) > budget_seconds:
            plan = reduced(plan)
    return plan


def affordable_seeds(
    seeds: int, left_seconds: float, finalists: Sequence[float], references: Sequence[float]
) -> tuple[int, int]:
    """How many seeds and reference networks the rest of a budget affords, after one training of each finalist.

    Args:
        seeds: Number of seeds without a limit, at least 1.
        left_seconds: What is left of the budget, in seconds of training.
        finalists: Cost of one training of each finalist that was trained, in seconds.
        references: Cost of one training of each reference network, the most important one first.

    Returns:
        Number of seeds, at least 1, and of references: fewer seeds first, but two for as long as they leave one
        reference network, because of one seed each nothing can be told of another training.

    >>> affordable_seeds(3, 30.0, [5.0, 5.0], [5.0])
    (2, 1)
    >>> affordable_seeds(3, 20.0, [5.0, 5.0], [5.0, 5.0])
    (2, 1)
    >>> affordable_seeds(3, 4.0, [5.0, 5.0], [5.0])
    (1, 0)
    """
    most, least = len(references), min(2, seeds)
    plans = [(each, most) for each in range(seeds, least - 1, -1)]
    plans += [(least, count) for count in range(most - 1, 0, -1)]
    plans += [(1, count) for count in range(most, -1, -1)]
    for each, count in plans:
        if (each - 1) * sum(finalists) + each * sum(references[:count]) <= left_seconds:
            return each, count
    return 1, 0
