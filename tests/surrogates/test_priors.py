"""Every prior: derivatives, and predictions that agree with what moments say."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.optimize import approx_fprime

from mf_nas_kd.surrogates import CoKrigingPrior, GaussianProcess, Inputs, MultiFidelityPrior, SingleFidelityPrior

PRIORS = {
    "single": lambda: SingleFidelityPrior(),
    "co-kriging": lambda: CoKrigingPrior(),
    "many": lambda: MultiFidelityPrior([1.0, 0.05, 0.3, 0.1], observed=[1, 2]),
}


def inputs(n=14, fidelities=3, seed=0):
    """Some architectures at several fidelities, none twice at the same."""
    rng = np.random.default_rng(seed)
    candidate, fidelity = np.divmod(rng.permutation(n * 2)[:n], fidelities)
    features = rng.normal(size=(n, 4))[candidate]
    return Inputs(features, features[:, :2] + 0.1, candidate, fidelity)


@pytest.fixture(params=PRIORS)
def prior(request):
    return PRIORS[request.param]()


def settings(prior, seed=1):
    return prior.expected + 0.4 * np.random.default_rng(seed).normal(size=len(prior.expected))


def test_derivatives_of_mean_and_covariance(prior):
    """Of any linear function of both, so of each of their elements."""
    some, t = inputs(), settings(prior)
    rng = np.random.default_rng(3)
    for _ in range(5):
        by_mean, by_covariance = rng.normal(size=len(some)), rng.normal(size=(len(some), len(some)))
        by_covariance += by_covariance.T

        def function(u, by_mean=by_mean, by_covariance=by_covariance):
            mean, covariance, _ = prior.moments(u, some)
            return by_mean @ mean + np.vdot(by_covariance, covariance)

        _, _, gradient = prior.moments(t, some)
        steps = 1e-6 * np.eye(len(t))
        numerical = [(function(t + step) - function(t - step)) / 2e-6 for step in steps]
        np.testing.assert_allclose(gradient(by_mean, by_covariance), numerical, atol=1e-7)


def test_derivative_of_the_negative_log_posterior(prior):
    some, t = inputs(), settings(prior)
    values = 0.5 + 0.05 * np.random.default_rng(2).normal(size=len(some))
    process = GaussianProcess(prior)
    _, gradient = process.negative_log_posterior(t, some, values)
    numerical = approx_fprime(t, lambda u: process.negative_log_posterior(u, some, values)[0], 1e-7)
    np.testing.assert_allclose(gradient, numerical, rtol=1e-3, atol=1e-3)


def test_what_is_predicted_and_what_is_observed_fit_together(prior):
    """Of different architectures, covariances of observations and of predictions are the same."""
    some, t = inputs(), settings(prior)
    mean, covariance, _ = prior.moments(t, some)
    np.testing.assert_allclose(prior.mean(t, some), mean, atol=1e-12)
    different = some.candidate[:, None] != some.candidate[None, :]
    np.testing.assert_allclose(prior.covariance(t, some, some)[different], covariance[different], atol=1e-12)
    np.testing.assert_allclose(np.diag(prior.covariance(t, some, some)), prior.variance(t, some), atol=1e-12)
    assert np.linalg.eigvalsh(covariance).min() > 0


def test_fitting_finds_what_is_more_likely(prior):
    some = inputs(40)
    values = 0.6 + 0.03 * some.features[:, 0] + 0.01 * some.fidelity
    process = GaussianProcess(prior)
    expected = process.negative_log_posterior(prior.expected, some, values)[0]
    process.fit(some, values)
    assert process.negative_log_posterior(process.hyper_parameters, some, values)[0] < expected


DEGENERATE = {
    "none": lambda: (inputs()[:0], np.zeros(0)),
    "one": lambda: (inputs()[:1], np.array([0.7])),
    "one at full fidelity": lambda: (inputs().at(0)[:1], np.array([0.7])),
    "equal values": lambda: (inputs(), np.full(14, 0.5)),
    "repeated": lambda: (inputs().followed_by(inputs()), np.tile(0.5 + 0.01 * inputs().fidelity, 2)),
    "repeated with another value": lambda: (inputs().followed_by(inputs()), np.linspace(0.4, 0.7, 28)),
    "features that do not vary": lambda: (replace(inputs(), features=np.zeros((14, 4))), np.linspace(0.4, 0.7, 14)),
    "no proxies": lambda: (replace(inputs(), proxies=np.zeros((14, 0))), np.linspace(0.4, 0.7, 14)),
    "no columns": lambda: (
        replace(inputs(), features=np.zeros((14, 0)), proxies=np.zeros((14, 0))),
        np.linspace(0.4, 0.7, 14),
    ),
    "only cheap": lambda: (inputs().at(1), np.linspace(0.4, 0.7, 14)),
    "far from what is expected": lambda: (inputs(), np.linspace(-100.0, 100.0, 14)),
    "1,000, each four times": lambda: (
        inputs(1000)[np.arange(1000) % 250],
        np.tile(0.5 + 0.01 * inputs(1000).features[:250, 0], 4),
    ),
}


@pytest.mark.parametrize("case", DEGENERATE)
def test_whatever_was_observed_is_predicted_from(prior, case):
    known, values = DEGENERATE[case]()
    process = GaussianProcess(prior).fit(known, values)
    candidates = replace(
        inputs(seed=5),
        features=inputs().features[:, : known.features.shape[1]],
        proxies=inputs().proxies[:, : known.proxies.shape[1]],
    ).at(0)
    mean, deviation = process.predict(candidates)
    assert np.isfinite([mean, deviation]).all()
    assert np.isfinite(process.log_likelihood)
    assert np.isfinite(process.hyper_parameters).all()


@pytest.mark.parametrize("value", [0.2, 0.5, 0.9])
def test_equal_values_are_predicted_where_they_were_observed(prior, value):
    known = inputs()
    mean, _ = GaussianProcess(prior).fit(known, np.full(len(known), value)).predict(known)
    np.testing.assert_allclose(mean, value, atol=0.01)


def test_different_values_of_one_evaluation_are_averaged(prior):
    known = inputs()
    twice = known.followed_by(known)
    values = 0.6 + 0.02 * known.features[:, 0]
    apart = np.concatenate([values - 0.002, values + 0.002])
    mean, _ = GaussianProcess(prior).condition(prior.expected, twice, apart).predict(known)
    same, _ = GaussianProcess(prior).condition(prior.expected, twice, np.tile(values, 2)).predict(known)
    np.testing.assert_allclose(mean, same, atol=1e-6)
