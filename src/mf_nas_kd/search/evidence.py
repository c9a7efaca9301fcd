"""What low-fidelity evaluations may cost, by the evidence that they pay.

They begin as a trial that costs at most ``TRIAL`` high-fidelity evaluations, and at most a tenth of the budget. It ends
there, unless the log Bayes factor of the joint model against that of high-fidelity evaluations alone is positive
evidence (3 to 1) that low-fidelity results predict high-fidelity ones better than features and zero-cost proxies do
without them. Then low-fidelity evaluations may cost ``PAYING`` times what high-fidelity ones do.

What a continued training reuses is not charged to the allowance: it was not spent in vain.

References:
    Kass and Raftery (1995). Bayes Factors. JASA 90, section 3.2: "positive" evidence begins with a Bayes factor of 3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.history import History
from mf_nas_kd.search.posterior import Array, Models
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.surrogates import Inputs
from mf_nas_kd.surrogates.multi_fidelity import AGREEMENT_SPREAD

TRIAL = 0.4  # cost of the trial, in high-fidelity evaluations
TRIAL_SHARE = 0.1  # of the budget
PAYING = 1 / 3  # cost of low-fidelity evaluations in units of that of high-fidelity ones, where they pay
POSITIVE_EVIDENCE = float(np.log(3))


def pairs_of_fidelities(inputs: Inputs, fidelities: int) -> NDArray[np.intp]:
    """Number of candidates evaluated both at each of ``F`` fidelities and at the target fidelity, ``(F,)``.

    Args:
        inputs: Inputs of the evaluations of all fidelities.
        fidelities: Number ``F`` of fidelities.
    """
    evaluated = [inputs.candidate[inputs.fidelity == index] for index in range(fidelities)]
    return np.array([len(np.intersect1d(evaluated[0], others)) for others in evaluated])


def exploration_bonus(pairs: NDArray[np.intp]) -> Array:
    """Exploration bonus of each fidelity, ``(F,)``: what is added to its agreement on the scale of Fisher's z.

    One standard deviation of the agreement, from its prior and the candidates evaluated both at this and at the target
    fidelity (each pair has variance 1, approximately): a fidelity with few such candidates is valued optimistically.

    Args:
        pairs: ``(F,)``, see :func:`pairs_of_fidelities`.
    """
    bonus: Array = 1 / np.sqrt(AGREEMENT_SPREAD**-2 + pairs)
    return bonus


def low_fidelity_allowance(
    problem: SearchProblem, history: History, models: Models, high_cost: float, budget_seconds: float
) -> float:
    """Seconds that low-fidelity evaluations may still cost, beside what longer trainings reuse of them.

    Before the first high-fidelity evaluation was charged, they may cost nothing.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        models: The models, fitted to the history.
        high_cost: Expected cost of a high-fidelity evaluation, in seconds.
        budget_seconds: What is left of the budget.
    """
    charged = [sum(s.charged_seconds for s in history.charged(f)) for f in problem.fidelities]
    reused = sum(s.reused_seconds for s in history if s.step > 0)
    high = charged[0] + reused
    trial = min(TRIAL * high_cost, TRIAL_SHARE * (budget_seconds + sum(charged))) if high else 0.0
    pays = models.log_bayes_factor >= POSITIVE_EVIDENCE
    return (max(PAYING * high, trial) if pays else trial) - (sum(charged[1:]) - reused)
