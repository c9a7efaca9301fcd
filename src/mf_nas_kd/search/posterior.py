"""Posterior of the candidates' accuracies under two models, averaged by their weights.

Both models are Gaussian processes with the same prior (:mod:`mf_nas_kd.surrogates.multi_fidelity`). The *joint* model
is conditioned on the evaluations of all fidelities. The *full-only* model is conditioned on high-fidelity evaluations
alone: it stays right where low-fidelity evaluations do not agree with high-fidelity ones as the joint model assumes.

References:
    Hoeting, Madigan, Raftery, Volinsky (1999). Bayesian Model Averaging: A Tutorial. Statistical Science 14, eq. 1
    and 2. Difference: the weight of the joint model is at most its prior probability of one half, so that a Bayes
    factor above 1 does not switch the full-only model off.
    Kass and Raftery (1995). Bayes Factors. JASA 90.
    Thompson (1933). On the likelihood that one unknown probability exceeds another. Biometrika 25: the probability of
    being the best.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from mf_nas_kd.search.history import History
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.surrogate_data import surrogate_data
from mf_nas_kd.surrogates import GaussianProcess, Inputs, MultiFidelityPrior

Array = NDArray[np.float64]
Process = GaussianProcess[MultiFidelityPrior]

SHORTLIST = 300  # candidates at most whose accuracies are drawn: those with the highest upper confidence bounds
JITTER = 1e-9


@dataclass(frozen=True)
class Models:
    """The two processes, conditioned on a history.

    Attributes:
        full_only: Conditioned on high-fidelity evaluations.
        joint: Conditioned on the evaluations of all fidelities; the same object as ``full_only`` as long as there is no
            low-fidelity evaluation.
        inputs: Inputs of the evaluations of all fidelities, ``n`` of them.
        weight: Weight of the joint model, its posterior model probability, in [0, 0.5].
        log_bayes_factor: Of the joint model against the full-only model, see :func:`log_bayes_factor`.
    """

    full_only: Process
    joint: Process
    inputs: Inputs
    weight: float
    log_bayes_factor: float

    @classmethod
    def fit(cls, problem: SearchProblem, history: History, costs: Array) -> Models:
        """Fit both models to a history.

        Args:
            problem: Candidates and fidelities.
            history: All observations.
            costs: ``(F,)``, cost of an evaluation at each fidelity, the target fidelity first.
        """
        relative = costs / costs[0]
        full_only = _fit(relative, *surrogate_data(problem, history, (0,)))
        inputs, values = surrogate_data(problem, history)
        joint = _fit(relative, inputs, values) if (inputs.fidelity > 0).any() else full_only
        evidence = log_bayes_factor(full_only, joint, inputs, values)
        return cls(full_only, joint, inputs, float(expit(min(evidence, 0))), evidence)

    @property
    def differ(self) -> bool:
        """Whether there are low-fidelity evaluations, so that the models are two."""
        return self.joint is not self.full_only

    def averaged(self, by_full_only: Array, by_joint: Array) -> Array:
        """Average of a quantity under both models, by their weights."""
        return (1 - self.weight) * by_full_only + self.weight * by_joint


def log_bayes_factor(full_only: Process, joint: Process, inputs: Inputs, values: Array) -> float:
    """Log Bayes factor of the joint model against the full-only model, ``log p(y_H | y_L) - log p(y_H)``.

    ``y_H`` and ``y_L`` are the high- and the low-fidelity accuracies. The first term is computed by the joint model as
    ``log p(y_H, y_L) - log p(y_L)``, the second one by the full-only model, each at its own hyper-parameters.

    Args:
        full_only: The process that is conditioned on ``y_H``.
        joint: The process that is conditioned on both.
        inputs: Inputs of both, ``n`` of them.
        values: Both, ``(n,)``.

    Returns:
        The log Bayes factor; 0 without high-fidelity or without low-fidelity evaluations.
    """
    low = inputs.fidelity > 0
    if joint is full_only or low.all():
        return 0.0
    low_only = GaussianProcess(joint.prior).condition(joint.hyper_parameters, inputs[low], values[low])
    return joint.log_likelihood - low_only.log_likelihood - full_only.log_likelihood


class Draws:
    """Joint draws of the candidates' accuracies at the target fidelity from one process.

    Attributes:
        process: The process.
        mean: ``(m,)``, posterior means of ``m`` candidates.
        v: ``(n, m)``, see :meth:`.GaussianProcess.mean_and_v`.
        variance: ``(m,)``, posterior variances.
        values: ``(m, draws)``, the drawn accuracies.
        is_best: ``(m, draws)``, 1 where the candidate is the best of the draw, else 0.
        probability_of_best: ``(m,)``, share of the draws in which the candidate is the best.
    """

    def __init__(self, process: Process, inputs: Inputs, noise: Array) -> None:
        self.process = process
        self.mean, self.v = process.mean_and_v(inputs)
        covariance = process.prior.covariance(process.hyper_parameters, inputs, inputs) - self.v.T @ self.v
        self.variance = np.diag(covariance)
        self.values = self.mean[:, None] + np.linalg.cholesky(covariance + JITTER * np.eye(len(inputs))) @ noise
        self.is_best = np.zeros_like(self.values)
        self.is_best[self.values.argmax(axis=0), np.arange(noise.shape[1])] = 1
        self.probability_of_best: Array = self.is_best.mean(axis=1)


class Posterior:
    """Posterior of a shortlist of the candidates without a high-fidelity evaluation.

    Args:
        problem: Candidates and fidelities.
        models: The two conditioned processes.
        untried: Indices of the candidates to consider, at least one.
        draws: How many joint draws; a probability below ``1 / draws`` is usually 0.
        rng: Randomness of the draws.

    Attributes:
        models: As given.
        candidates: ``(m,)``, indices of the shortlist, at most ``SHORTLIST``.
        full_only: Draws from the full-only model.
        joint: Draws from the joint model, with the same random numbers.
        probability_of_best: ``(m,)``, averaged over both models.
        mean: ``(m,)``, likewise.
        order: ``(m,)``, positions in the shortlist by falling probability of being the best, then by falling mean.
    """

    def __init__(
        self, problem: SearchProblem, models: Models, untried: NDArray[np.intp], draws: int, rng: np.random.Generator
    ) -> None:
        self.models = models
        self.candidates = _shortlist(problem, models.joint, untried)
        inputs = problem.inputs[self.candidates]
        noise = rng.standard_normal((len(self.candidates), draws))
        self.full_only = Draws(models.full_only, inputs, noise)
        self.joint = Draws(models.joint, inputs, noise) if models.differ else self.full_only
        self.probability_of_best = models.averaged(self.full_only.probability_of_best, self.joint.probability_of_best)
        self.mean = models.averaged(self.full_only.mean, self.joint.mean)
        self.order = np.lexsort((-self.mean, -self.probability_of_best))


def _shortlist(problem: SearchProblem, process: Process, untried: NDArray[np.intp]) -> NDArray[np.intp]:
    """The candidates with the highest upper confidence bounds, in the order of the problem."""
    bounds: NDArray[np.floating | np.integer] = untried
    if len(untried) > SHORTLIST:
        bounds = np.sum(process.predict(problem.inputs[untried]), axis=0)
    return untried[np.sort(np.argsort(-bounds, kind="stable")[:SHORTLIST])]


def _fit(relative_costs: Array, inputs: Inputs, values: Array) -> Process:
    observed = [int(index) for index in np.unique(inputs.fidelity) if index > 0]
    return GaussianProcess(MultiFidelityPrior(relative_costs, observed)).fit(inputs, values)
