"""From a history to what a surrogate is fitted on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.surrogates import Inputs

FURTHEST_BELOW = 3.0


def evidence(
    problem: SearchProblem, history: History, numbers: tuple[int, ...] | None = None, free_predictors: bool = True
) -> tuple[Inputs, NDArray[np.floating]]:
    """Finished evaluations of candidates, in the order of the history, and their validation accuracies ``(n,)``.

    Accuracies far below the others of their fidelity say that a network is bad, not how the good ones differ, and would
    bend every model: whatever lies further below the median than ``FURTHEST_BELOW`` times what the best lies above it
    counts as if it lay there (unless the median is the best).

    Args:
        problem: Candidates and fidelities.
        history: What is known.
        numbers: Which of ``problem.fidelities``; None for all.
        free_predictors: Whether a model sees operations and parameters.
    """
    number_of = {fidelity: number for number, fidelity in enumerate(problem.fidelities)}
    seen = [
        (problem.place[observation.architecture_id], number_of[observation.fidelity], observation.val_accuracy)
        for observation in history
        if observation.val_accuracy is not None
        and observation.fidelity in number_of
        and (numbers is None or number_of[observation.fidelity] in numbers)
        and observation.architecture_id in problem.place
    ]
    places, fidelities = (np.array([row[column] for row in seen], dtype=int) for column in (0, 1))
    values = np.array([row[2] for row in seen], dtype=float)
    for number in np.unique(fidelities):
        here = fidelities == number
        median, best = np.median(values[here]), values[here].max()
        if best > median:
            values[here] = np.maximum(values[here], median - FURTHEST_BELOW * (best - median))
    inputs = candidates_seen(problem, free_predictors)[places]
    return Inputs(inputs.features, inputs.free, inputs.who, fidelities), values


def candidates_seen(problem: SearchProblem, free_predictors: bool) -> Inputs:
    """All candidates at full fidelity, with or without their free predictors."""
    inputs = problem.inputs
    return inputs if free_predictors else Inputs(inputs.features, inputs.free[:, :0], inputs.who, inputs.fidelity)
