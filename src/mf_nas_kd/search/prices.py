"""What evaluations usually cost, for strategies that weigh price against use."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem


def relative_price(fidelity: Fidelity) -> float:
    """Before anything was charged: see :attr:`Fidelity.relative_cost`."""
    return fidelity.relative_cost


def usual_prices(problem: SearchProblem, history: History) -> NDArray[np.floating]:
    """Mean cost of an evaluation at each of ``problem.fidelities``, in seconds, ``(fidelities,)``.

    What was not yet paid for is taken to cost in proportion to its :func:`relative_price`, and as many seconds for each
    unit of it as all the others together; where nothing was paid, prices are relative.
    """
    work = np.array([relative_price(fidelity) for fidelity in problem.fidelities])
    number_of = {fidelity: number for number, fidelity in enumerate(problem.fidelities)}
    seconds, count = np.zeros(len(work)), np.zeros(len(work))
    for observation in history:
        if observation.fidelity in number_of and observation.val_accuracy is not None:
            seconds[number_of[observation.fidelity]] += observation.cost_seconds
            count[number_of[observation.fidelity]] += 1
    rate = seconds.sum() / (work * count).sum() if count.any() else 1.0
    return np.where(count > 0, seconds / np.maximum(count, 1), work * rate)
