"""Posterior of the accuracies that candidates have without the noise of one training.

The models of :mod:`.posterior` hold one term ``h`` for all that proxies and features do not explain, noise of the
training included, so that their posterior mean at an evaluated candidate is what was observed. Here ``h`` is divided
into a part of the architecture's own and noise. One training an architecture does not tell how large each of them is.
Both are taken to have the same variance, so that of ``k`` trainings the share ``k / (k + 1)`` of the unexplained
deviation is believed: half of it after a single one.

References:
    Rasmussen and Williams (2006). Gaussian Processes for Machine Learning, section 2.2: the posterior of the function
    without the noise.
    Efron and Morris (1977). Stein's Paradox in Statistics. Scientific American 236: the best of several observations
    is on average too good, and shrinking all of them gives smaller errors.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.posterior import Array, Models, Process
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.usual_costs import usual_costs
from mf_nas_kd.surrogates import Inputs

ANOTHER = -1  # index of an architecture of which there is no evaluation


def noise_free_posterior(problem: SearchProblem, history: History, chosen: NDArray[np.intp]) -> tuple[Array, Array]:
    """Posterior mean and standard deviation of noise-free accuracies at the target fidelity, ``(m,)`` each.

    Several trainings of one candidate at one fidelity, with different seeds, count as one with their mean accuracy.

    Args:
        problem: Candidates and fidelities.
        history: All observations.
        chosen: ``(m,)``, indices of candidates.
    """
    trainings = Counter(o.architecture_id for o in history if _finished(o) and o.fidelity == problem.full)
    counts = np.array([trainings[problem.candidates[index].id] for index in chosen])
    averaged = mean_of_repeats(history)
    models = Models.fit(problem, averaged, usual_costs(problem, averaged))
    inputs, own = problem.inputs[chosen], counts / (counts + 1)
    (mean, variance), (joint_mean, joint_variance) = (
        _moments(process, inputs, own) for process in (models.full_only, models.joint)
    )
    average = models.averaged(mean, joint_mean)
    spread = models.averaged(variance + (mean - average) ** 2, joint_variance + (joint_mean - average) ** 2)
    return average, np.sqrt(spread)


def mean_of_repeats(history: History) -> History:
    """The finished observations, those of one candidate at one fidelity as one, with the mean of their accuracies."""
    groups: dict[object, list[Observation]] = {}
    for observation in filter(_finished, history):
        groups.setdefault((observation.architecture_id, observation.fidelity), []).append(observation)
    return History(tuple(_mean(group) for group in groups.values()))


def _mean(group: list[Observation]) -> Observation:
    score = np.mean([observation.score for observation in group if observation.score is not None])
    seconds = np.mean([observation.cost_seconds for observation in group])
    return replace(group[0], score=float(score), cost_seconds=float(seconds))


def _finished(observation: Observation) -> bool:
    return observation.score is not None


def _moments(process: Process, inputs: Inputs, own: Array) -> tuple[Array, Array]:
    """Posterior mean and variance ``(m,)`` if the shares ``own`` ``(m,)`` of ``h`` are the architectures' own.

    The covariance with the observations is linear in the share, and so are the mean and ``v``.
    """
    others = Inputs(inputs.features, inputs.proxies, np.full(len(inputs), ANOTHER), inputs.fidelity)
    (mean, v), (explained, explained_v) = process.mean_and_v(inputs), process.mean_and_v(others)
    v = own * v + (1 - own) * explained_v
    t, prior = process.hyper_parameters, process.prior
    variance = prior.variance(t, inputs) - (1 - own) * prior.unexplained_variance(t)
    return own * mean + (1 - own) * explained, np.maximum(variance - np.einsum("nm,nm->m", v, v), 0)
