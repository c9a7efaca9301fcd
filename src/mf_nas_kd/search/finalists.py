"""Finalists of a search: the candidates that are worth a final training.

They are chosen by the posterior of the search's model and not by single observed accuracies, of which the best is on
average too good. To the best ones come cheaper equivalents: candidates on the Pareto front that the model expects to be
nearly as accurate.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mf_nas_kd.errors import ImpossibleLimitError, InvalidValueError, MissingEvaluationError
from mf_nas_kd.search.front import spread_over
from mf_nas_kd.search.history import History
from mf_nas_kd.search.noise_free import noise_free_posterior
from mf_nas_kd.search.pareto import pareto_front
from mf_nas_kd.search.problem import Candidate, SearchProblem

FINALIST, CHEAPER = "finalist", "cheaper"
ROUNDED = 9  # decimals of posterior means that are compared: further ones are rounding errors


@dataclass(frozen=True)
class Finalist:
    """A candidate that is worth a final training.

    Attributes:
        candidate: The candidate.
        role: ``finalist``, or ``cheaper`` for a cheaper equivalent of the best one.
        mean: Posterior mean of its noise-free score at the target fidelity; about [0, 1].
        deviation: Posterior standard deviation.
    """

    candidate: Candidate
    role: str
    mean: float
    deviation: float


def choose_finalists(
    problem: SearchProblem, history: History, count: int, tolerance_points: float, excluded: Collection[str] = ()
) -> tuple[Finalist, ...]:
    """Choose finalists among the candidates with a finished high-fidelity evaluation.

    Args:
        problem: Candidates and fidelities.
        history: All observations of the finished search, those that it knew before included.
        count: How many finalists, and how many cheaper equivalents at most; at least 1.
        tolerance_points: How much lower the posterior mean of a cheaper equivalent may be than that of the best
            finalist, in percentage points; at least 0.
        excluded: Identifiers of architectures that may not be finalists.

    Returns:
        The finalists, the highest posterior mean first; of equal ones the one with fewer multiply-accumulates. Then the
        cheaper equivalents, the cheapest first: candidates on the Pareto front of posterior mean against
        multiply-accumulates that cost less than the best finalist and are no finalists. Where the problem's objective
        is a front, the finalists are members of the front of posterior mean against its cost, see
        :func:`.spread_over`, and there are no cheaper equivalents.

    Raises:
        InvalidValueError: If ``count`` or ``tolerance_points`` is not allowed.
        MissingEvaluationError: If no candidate has a finished high-fidelity evaluation.
        ImpossibleLimitError: If all of those are excluded.
    """
    if count < 1:
        raise InvalidValueError("number of finalists", count, "at least 1")
    if not tolerance_points >= 0:
        raise InvalidValueError("tolerance of cheaper equivalents, in points", tolerance_points, "at least 0")
    ranked = _ranked(problem, history, excluded)
    if problem.objective is not None:
        by_id = {each.candidate.id: each for each in ranked}
        means = {name: each.mean for name, each in by_id.items()}
        return tuple(by_id[name] for name in spread_over(problem.objective, means, count))
    finalists = ranked[:count]
    lowest = ranked[0].mean - tolerance_points / 100
    cheaper = [
        ranked[place]
        for place in _on_front(ranked)
        if place >= count and ranked[place].mean >= lowest and ranked[place].candidate.macs < ranked[0].candidate.macs
    ]
    return (*finalists, *(Finalist(f.candidate, CHEAPER, f.mean, f.deviation) for f in cheaper[:count]))


def _ranked(problem: SearchProblem, history: History, excluded: Collection[str]) -> list[Finalist]:
    """All candidates with a finished high-fidelity evaluation, the highest posterior mean first."""
    finished = history.scores(problem.full, problem.by_id)
    if not finished:
        raise MissingEvaluationError("no candidate has a finished high-fidelity evaluation: there can be no finalist")
    allowed = [name for name in finished if name not in excluded]
    if not allowed:
        raise ImpossibleLimitError(f"none of {len(finished)} candidates with a finished training is within the limits")
    chosen = np.array([problem.index[name] for name in allowed], dtype=int)
    mean, deviation = noise_free_posterior(problem, history, chosen)
    found = [
        Finalist(problem.candidates[index], FINALIST, float(mean[place]), float(deviation[place]))
        for place, index in enumerate(chosen)
    ]
    return sorted(found, key=lambda each: (-round(each.mean, ROUNDED), each.candidate.macs, each.candidate.id))


def _on_front(ranked: Sequence[Finalist]) -> list[int]:
    """Places of those on the Pareto front, the cheapest first."""
    rows = [(place, each.candidate.macs, each.mean) for place, each in enumerate(ranked)]
    front = pareto_front(pd.DataFrame(rows, columns=["place", "macs", "mean"]), "mean")
    return [int(place) for place in front["place"]]
