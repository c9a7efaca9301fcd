"""The prior for many fidelities: as its formula by hand, and what is drawn from it is found again."""

import numpy as np
import pytest

from mf_nas_kd.surrogates import GaussianProcess, Inputs, MultiFidelityPrior, gaussian_process
from mf_nas_kd.surrogates.multi_fidelity import LINEAR_VARIANCE, PROXY_WEIGHT, RBF_VARIANCE, UNEXPLAINED_VARIANCE
from mf_nas_kd.surrogates.single_fidelity import CONSTANT_DEVIATION, CONSTANT_MEAN, LOG_SCALE

RELATIVE_COSTS = [1.0, 0.2, 0.2]


def evaluations(n, fidelities=3, seed=0, proxy_columns=2):
    """Each of n architectures at each fidelity."""
    rng = np.random.default_rng(seed)
    features, proxies = rng.normal(size=(n, 4)), rng.normal(size=(n, proxy_columns))
    candidate, fidelity = np.tile(np.arange(n), fidelities), np.repeat(np.arange(fidelities), n)
    return Inputs(features[candidate], proxies[candidate], candidate, fidelity)


def by_hand(inputs, scales, agreements, overlap, smooth=1.0, own=1.0, length=1.0):
    """Mean without constant ``(n,)`` and covariance ``(n, n)`` of the module's formula.

    Written as a linear map of what is independent: f of all architectures, and for each cheap fidelity what it alone
    and what all cheap ones see instead.
    """
    x, z = inputs.features, inputs.proxies
    distances = ((x[:, None] - x[None]) ** 2).mean(axis=2)
    same = inputs.candidate[:, None] == inputs.candidate[None]
    of_f = own * UNEXPLAINED_VARIANCE * same + smooth * (
        sum(np.outer(column, column) for column in z.T) / max(z.shape[1], 1)
        + LINEAR_VARIANCE * sum(np.outer(column, column) for column in x.T) / x.shape[1]
        + RBF_VARIANCE * np.exp(-distances / (2 * length**2))
    )
    scale, r = np.array(scales)[inputs.fidelity], np.array(agreements)[inputs.fidelity]
    instead = np.sqrt(1 - r**2)
    maps = [r, instead * np.sqrt(overlap)]
    maps += [instead * np.sqrt(1 - overlap) * (inputs.fidelity == number) for number in range(len(scales))]
    covariance = sum(np.diag(scale * part) @ of_f @ np.diag(scale * part) for part in maps)
    proxy_mean = PROXY_WEIGHT * np.sqrt(smooth) * z[:, 0] if z.shape[1] else 0
    return scale * r * proxy_mean, covariance


@pytest.mark.parametrize("proxy_columns", [0, 1, 2])
def test_as_the_formula_by_hand(proxy_columns):
    inputs = evaluations(6, proxy_columns=proxy_columns)
    prior = MultiFidelityPrior(RELATIVE_COSTS, [1, 2])
    t = np.array([-3.0, 0.3, -0.4, 0.2, 0.7, 0.1, -2.5, 0.2, -3.3, -0.6])
    expected = np.arctanh(0.2**0.25)
    agreements = [1.0, np.tanh(expected + 0.1 + 0.2), np.tanh(expected + 0.1 - 0.6)]
    assert [prior.agreement(t, fidelity) for fidelity in range(3)] == pytest.approx(agreements)
    mean, covariance = by_hand(
        inputs, np.exp([-3.0, -2.5, -3.3]), agreements, 1 / (1 + np.exp(-0.7)), *np.exp([0.3, -0.4, 0.2])
    )
    levels = CONSTANT_DEVIATION**2 * (inputs.fidelity[:, None] == inputs.fidelity[None])
    np.testing.assert_allclose(prior.mean(t, inputs), CONSTANT_MEAN + mean, rtol=1e-12)
    np.testing.assert_allclose(prior.covariance(t, inputs, inputs), covariance + levels, rtol=1e-9, atol=1e-15)
    np.testing.assert_allclose(prior.moments(t, inputs)[1], covariance + levels + 1e-10 * np.eye(18), rtol=1e-9)
    with_full = np.diag(prior.covariance(t, inputs, inputs.at(0)))
    np.testing.assert_allclose(prior.covariance_with_full(t, inputs), with_full, rtol=1e-9)


def test_a_fidelity_without_observations_is_taken_as_its_cost_lets_expect():
    prior = MultiFidelityPrior([1.0, 0.2, 0.01], [1])
    t = prior.expected + np.array([0.5, 0, 0, 0, 0, 0, 0, 0.3])
    assert prior.agreement(t, 2) == pytest.approx(0.01**0.25)
    seen = evaluations(4)
    there = seen[seen.fidelity == 2]
    of_proxies, of_linear = (there.proxies**2).mean(axis=1), LINEAR_VARIANCE * (there.features**2).mean(axis=1)
    scale = np.exp(LOG_SCALE + 0.5)
    expected = scale**2 * (of_proxies + of_linear + RBF_VARIANCE + UNEXPLAINED_VARIANCE) + CONSTANT_DEVIATION**2
    np.testing.assert_allclose(prior.variance(t, there), expected)


def drawn(n, agreements, seed):
    """Evaluations of n architectures at all fidelities, and accuracies drawn from the model."""
    inputs = evaluations(n, len(agreements), seed)
    mean, covariance = by_hand(inputs, [0.03] * len(agreements), agreements, overlap=0.5)
    levels = np.array([0.7, 0.5, 0.6])[inputs.fidelity]
    root = np.linalg.cholesky(covariance + 1e-12 * np.eye(len(inputs)))
    return inputs, levels + mean + root @ np.random.default_rng(seed).normal(size=len(inputs))


@pytest.mark.parametrize("seed", range(5))
def test_agreements_are_learned(seed):
    """40 architectures at the target and two equally cheap low fidelities, of which one agrees much and one little."""
    inputs, values = drawn(40, [1.0, 0.95, 0.1], seed)
    process = GaussianProcess(MultiFidelityPrior(RELATIVE_COSTS, [1, 2])).fit(inputs, values)
    informative, useless = (process.prior.agreement(process.hyper_parameters, fidelity) for fidelity in (1, 2))
    assert informative > 0.85
    assert useless < 0.6


@pytest.mark.parametrize("seed", range(5))
def test_informative_low_fidelities_improve_predictions_and_useless_ones_do_little_harm(seed):
    """High-fidelity evaluations of 20 of 60 architectures and low-fidelity ones of all; errors at the other 40."""
    inputs, values = drawn(60, [1.0, 0.95, 0.1], seed)
    unknown = (inputs.fidelity == 0) & (inputs.candidate >= 20)

    def error(*fidelities):
        seen = np.isin(inputs.fidelity, (0, *fidelities)) & ~unknown
        process = GaussianProcess(MultiFidelityPrior(RELATIVE_COSTS, fidelities)).fit(inputs[seen], values[seen])
        return np.sqrt(np.mean((process.predict_mean(inputs[unknown]) - values[unknown]) ** 2))

    alone = error()
    assert error(1) < 0.7 * alone
    assert error(2) < 1.25 * alone


@pytest.mark.parametrize("seed", range(3))
def test_of_many_evaluations_a_part_determines_the_agreement_as_well_as_all(seed, monkeypatch):
    """300 low-fidelity evaluations, then high-fidelity ones of 30 of the same architectures."""
    inputs, values = drawn(300, [1.0, 0.95], seed)
    seen = np.concatenate([np.arange(300, 600), np.arange(0, 300, 10)])

    def agreement():
        process = GaussianProcess(MultiFidelityPrior(RELATIVE_COSTS[:2], [1])).fit(inputs[seen], values[seen])
        return process.prior.agreement(process.hyper_parameters, 1)

    monkeypatch.setattr(gaussian_process, "FITTED_ON", 330)
    of_all = agreement()
    monkeypatch.setattr(gaussian_process, "FITTED_ON", 100)
    assert agreement() == pytest.approx(of_all, abs=0.05)


def test_deviations_are_as_large_as_errors():
    """Standardised errors of 5 x 40 predictions have a mean square near 1."""
    squares = []
    for seed in range(5):
        inputs, values = drawn(60, [1.0, 0.8, 0.3], seed)
        unknown = (inputs.fidelity == 0) & (inputs.candidate >= 20)
        process = GaussianProcess(MultiFidelityPrior(RELATIVE_COSTS, [1, 2])).fit(inputs[~unknown], values[~unknown])
        mean, deviation = process.predict(inputs[unknown])
        squares.append(((values[unknown] - mean) / deviation) ** 2)
    assert 0.6 < np.mean(squares) < 1.6
