"""Co-kriging: as the formula by hand, as the independent library smt, and factors that are found again."""

import numpy as np
import pytest

from mf_nas_kd.surrogates import CoKrigingPrior, GaussianProcess, Inputs, co_kriging, single_fidelity
from mf_nas_kd.surrogates.single_fidelity import CONSTANT_DEVIATION, CONSTANT_MEAN

# Factor; scale, of_linear, of_rbf, noise, length of the cheap process; of the difference.
T = np.array([1.7, -3.0, -0.5, 0.2, -2.0, 0.3, -4.0, -0.8, 0.4, -1.5, -0.2])


def nested(low=18, high=7, columns=3, seed=0):
    """Architectures with cheap evaluations, the first of which have expensive ones too; accuracies of both."""
    rng = np.random.default_rng(seed)
    features = rng.normal(size=(low, columns))
    candidate = np.concatenate([np.arange(low), np.arange(high)])
    fidelity = np.concatenate([np.ones(low, int), np.zeros(high, int)])
    inputs = Inputs(features[candidate], np.zeros((low + high, 0)), candidate, fidelity)
    return inputs, 0.6 + 0.04 * np.sin(inputs.features.sum(axis=1)) + 0.01 * rng.normal(size=low + high)


def test_as_the_formula_by_hand():
    """Kennedy and O'Hagan (2000), section 2.2: of f_low and r f_low + d, each observed with noise of its own."""
    inputs, values = nested()
    r, cheap, difference = T[0], T[1:6], T[6:]

    def kernel(t, x, y):
        of_linear, of_rbf = np.exp(2 * t[0] + t[1]) * (x @ y) / len(x), np.exp(2 * t[0] + t[2])
        return (
            CONSTANT_DEVIATION**2 + of_linear + of_rbf * np.exp(-((x - y) @ (x - y)) / len(x) / (2 * np.exp(t[4]) ** 2))
        )

    def covariance(x, high_x, y, high_y):
        factors = (r if high_x else 1) * (r if high_y else 1)
        return factors * kernel(cheap, x, y) + (kernel(difference, x, y) if high_x and high_y else 0)

    seen = [(x, f == 0) for x, f in zip(inputs.features, inputs.fidelity, strict=True)]
    noise = [np.exp(2 * t[0] + t[3]) for t in (difference if high else cheap for _, high in seen)]
    observed = np.array([[covariance(*a, *b) for b in seen] for a in seen]) + np.diag(noise)
    level = np.array([CONSTANT_MEAN * (r if high else 1) for _, high in seen])
    points = np.random.default_rng(1).normal(size=(6, 3))
    process = GaussianProcess(CoKrigingPrior()).condition(T, inputs, values)
    for fidelity in (0, 1):
        high = fidelity == 0
        cross = np.array([[covariance(x, high, *b) for b in seen] for x in points])
        mean = CONSTANT_MEAN * (r if high else 1) + cross @ np.linalg.solve(observed, values - level)
        own = np.array([covariance(x, high, x, high) for x in points])
        variance = own - np.diag(cross @ np.linalg.solve(observed, cross.T))
        there = Inputs(points, np.zeros((6, 0)), 100 + np.arange(6), np.full(6, fidelity))
        np.testing.assert_allclose(process.predict(there), [mean, np.sqrt(variance)], rtol=1e-5)
    logarithm = np.linalg.slogdet(2 * np.pi * observed)[1]
    away = values - level
    assert process.log_likelihood == pytest.approx(
        -0.5 * (logarithm + away @ np.linalg.solve(observed, away)), rel=1e-6
    )


def test_as_smt_with_the_same_hyper_parameters(monkeypatch):
    """Against MFCK, which has the same joint covariance but neither levels nor lines."""
    applications = pytest.importorskip("smt.applications", reason="smt is not installed")
    for module in (single_fidelity, co_kriging):
        monkeypatch.setattr(module, "CONSTANT_MEAN", 0.0)
    monkeypatch.setattr(single_fidelity, "CONSTANT_DEVIATION", 0.0)
    inputs, values = nested()
    high = inputs.fidelity == 0
    theirs = applications.MFCK(eval_noise=True, noise0=[1e-3], n_start=2, print_global=False)
    theirs.set_training_values(inputs.features[~high], values[~high, None], name=0)
    theirs.set_training_values(inputs.features[high], values[high, None])
    theirs.train()  # what it finds is replaced

    # Standardised as smt does it by itself; lines without variance.
    def standardised(features):
        return (features - theirs.X_offset) / theirs.X_scale

    t = np.array([1.7, 0.1, -100.0, 0.2, -2.0, 0.3, -0.4, -100.0, 0.4, -1.5, -0.2])
    r, cheap, difference = t[0], t[1:6], t[6:]
    variances, noises = (np.exp([2 * part[0] + part[index] for part in (cheap, difference)]) for index in (2, 3))
    rates = [np.full(3, np.exp(-2 * part[4]) / (2 * 3)) for part in (cheap, difference)]
    theirs.optimal_theta = np.concatenate([variances[:1], rates[0], variances[1:], rates[1], [r], noises])
    points = np.random.default_rng(1).normal(size=(6, 3))
    there = Inputs(standardised(points), np.zeros((6, 0)), 100 + np.arange(6), np.zeros(6, int))
    ours = GaussianProcess(CoKrigingPrior()).condition(
        t,
        Inputs(standardised(inputs.features), inputs.proxies, inputs.candidate, inputs.fidelity),
        (values - theirs.y_mean) / theirs.y_std,
    )
    mean, deviation = ours.predict(there)
    np.testing.assert_allclose(mean * theirs.y_std + theirs.y_mean, theirs.predict_values(points)[:, 0], rtol=1e-6)
    np.testing.assert_allclose(deviation**2 + noises[1], theirs.predict_variances(points), rtol=1e-6)
    twice_negative = theirs.neg_log_likelihood(theirs.optimal_theta) + len(values) * np.log(2 * np.pi)
    assert ours.log_likelihood == pytest.approx(-0.5 * twice_negative, rel=1e-6)


@pytest.mark.parametrize("factor", [2.5, -1.0])
@pytest.mark.parametrize("seed", range(3))
def test_the_factor_is_found_again(factor, seed):
    """40 cheap and 20 expensive evaluations; the difference is a tenth of the cheap function."""
    inputs, _ = nested(low=40, high=20, columns=2, seed=seed)
    x, y = inputs.features.T
    cheap = 0.03 * (np.sin(2 * x) + y)
    expensive = factor * cheap + 0.003 * np.cos(x + 2 * y)
    values = np.where(inputs.fidelity == 0, 0.8 + expensive, 0.6 + cheap)
    process = GaussianProcess(CoKrigingPrior()).fit(inputs, values)
    assert process.hyper_parameters[0] == pytest.approx(factor, abs=0.3)


def test_cheap_evaluations_help_where_there_is_no_expensive_one():
    inputs, _ = nested(low=40, high=10, columns=2)
    values = 0.6 + 0.03 * np.sin(2 * inputs.features[:, 0]) + 0.1 * (inputs.fidelity == 0)
    high = inputs.fidelity == 0
    without = inputs[~high].at(0)[np.arange(10, 40)]
    truth = 0.7 + 0.03 * np.sin(2 * without.features[:, 0])
    alone, together = (
        np.abs(GaussianProcess(CoKrigingPrior()).fit(inputs[seen], values[seen]).predict_mean(without) - truth).mean()
        for seen in (high, np.full(50, True))
    )
    assert together < 0.5 * alone
