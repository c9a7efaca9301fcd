"""The process: as scikit-learn's with the same kernel, and what a search relies on."""

import numpy as np
import pytest
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, DotProduct

from mf_nas_kd.surrogates import GaussianProcess, Inputs, SingleFidelityPrior, gaussian_process
from mf_nas_kd.surrogates.single_fidelity import CONSTANT_DEVIATION, CONSTANT_MEAN, JITTER


def inputs(features, proxies=None):
    n = len(features)
    return Inputs(features, np.zeros((n, 0)) if proxies is None else proxies, np.arange(n), np.zeros(n, int))


def wave(n):
    """One feature from -2 to 2 and accuracies along a sine."""
    features = np.linspace(-2, 2, n)[:, None]
    return inputs(features), 0.7 + 0.05 * np.sin(2 * features[:, 0])


@pytest.mark.parametrize("proxy_columns", [0, 2])
def test_as_scikit_learn_with_the_same_kernel(proxy_columns):
    rng = np.random.default_rng(0)
    features, proxies = rng.normal(size=(40, 5)), rng.normal(size=(40, proxy_columns))
    values = 0.6 + 0.02 * features[:, 0] + 0.01 * rng.normal(size=40)
    everything, seen = inputs(features, proxies), np.arange(25)
    t = np.array([-3.0, -0.5, 0.3, -1.5, 0.4])
    ours = GaussianProcess(SingleFidelityPrior()).condition(t, everything[seen], values[seen])

    of_linear, of_rbf, noise = np.exp(2 * t[0] + t[1:4])
    # Columns are scaled so that inner products and distances are those divided by the number of columns.
    columns = np.hstack([features / np.sqrt(5), proxies / np.sqrt(max(proxy_columns, 1))])
    lengths = [np.exp(t[4])] * 5 + [1e9] * proxy_columns
    kernel = (
        ConstantKernel(CONSTANT_DEVIATION**2)
        + ConstantKernel(of_linear) * DotProduct(sigma_0=0, sigma_0_bounds="fixed")
        + ConstantKernel(of_rbf) * RBF(lengths)
    )
    theirs = GaussianProcessRegressor(kernel, alpha=noise + JITTER, optimizer=None)
    theirs.fit(columns[seen], values[seen] - CONSTANT_MEAN)
    mean, deviation = theirs.predict(columns, return_std=True)

    np.testing.assert_allclose(ours.predict(everything), [mean + CONSTANT_MEAN, deviation], rtol=1e-6)
    np.testing.assert_allclose(ours.predict_mean(everything), mean + CONSTANT_MEAN, rtol=1e-6)
    assert ours.log_likelihood == pytest.approx(theirs.log_marginal_likelihood_value_, rel=1e-6)
    expected = theirs.predict(columns, return_cov=True)[1]
    _, half = ours.mean_and_v(everything)
    covariance = ours.prior.covariance(t, everything, everything) - half.T @ half
    np.testing.assert_allclose(covariance, expected, rtol=1e-6, atol=1e-9)


def test_it_interpolates_and_is_unsure_elsewhere():
    process = GaussianProcess(SingleFidelityPrior()).fit(*wave(15))
    mean, deviation = process.predict(inputs(np.array([[0.1], [5.0]])))
    assert mean[0] == pytest.approx(0.7 + 0.05 * np.sin(0.2), abs=0.003)
    assert deviation[1] > 5 * deviation[0]


def test_the_same_data_give_the_same_predictions():
    known, values = wave(15)
    first, second = (GaussianProcess(SingleFidelityPrior()).fit(known, values).predict(known) for _ in range(2))
    np.testing.assert_array_equal(first, second)


def test_few_observations_leave_the_hyper_parameters_where_they_are_expected():
    """Noise that is a hundredth of what is expected: three observations cannot tell, sixty can."""
    prior = SingleFidelityPrior()
    noise = 3
    few, many = (GaussianProcess(prior).fit(*wave(n)).hyper_parameters[noise] for n in (3, 60))
    assert abs(few - prior.expected[noise]) < 0.7 * prior.spread[noise]
    assert many < prior.expected[noise] - 2 * prior.spread[noise]


def test_without_observations_the_prior_is_predicted():
    known, values = wave(5)
    none = np.arange(0)
    process = GaussianProcess(SingleFidelityPrior()).fit(known[none], values[none])
    np.testing.assert_array_equal(process.hyper_parameters, process.prior.expected)
    mean, deviation = process.predict(known)
    np.testing.assert_array_equal(mean, np.full(5, CONSTANT_MEAN))
    np.testing.assert_allclose(deviation**2, process.prior.variance(process.prior.expected, known))
    assert process.log_likelihood == 0


def test_of_many_observations_some_decide_on_hyper_parameters_and_all_on_predictions(monkeypatch):
    known, values = wave(60)
    monkeypatch.setattr(gaussian_process, "FITTED_ON", 20)
    process = GaussianProcess(SingleFidelityPrior()).fit(known, values)
    some = known.most_evaluated(20)
    on_some = GaussianProcess(SingleFidelityPrior()).fit(known[some], values[some])
    np.testing.assert_array_equal(process.hyper_parameters, on_some.hyper_parameters)
    on_all = GaussianProcess(SingleFidelityPrior()).condition(process.hyper_parameters, known, values)
    np.testing.assert_array_equal(process.predict(known), on_all.predict(known))
    assert (process.predict(known)[1] < on_some.predict(known)[1]).all()


def test_the_most_evaluated_come_first_and_then_evenly_many():
    candidate = np.concatenate([np.arange(100), np.arange(40, 50), np.arange(45, 50)])
    known = inputs(np.zeros((115, 1)))
    known = Inputs(known.features, known.proxies, candidate, known.fidelity)
    assert sorted(candidate[known.most_evaluated(15)]) == sorted([*range(45, 50)] * 3)
    assert set(candidate[known.most_evaluated(25)]) == set(range(40, 50))
    others = candidate[known.most_evaluated(25 + 30)]
    per_third = np.histogram(others[np.isin(others, range(40, 50), invert=True)], [0, 33, 67, 100])[0]
    assert per_third.min() >= 5
    assert per_third.sum() == 30
    np.testing.assert_array_equal(known.most_evaluated(200), np.arange(115))


def test_predictions_in_blocks_are_those_of_one(monkeypatch):
    process = GaussianProcess(SingleFidelityPrior()).fit(*wave(15))
    candidates, _ = wave(50)
    whole = process.predict(candidates)
    monkeypatch.setattr(gaussian_process, "PREDICTED_AT_ONCE", 7)
    # Variances are differences of larger numbers, and how blocks are summed is the processor's choice: where a deviation
    # is small, it has fewer digits. AMD EPYC: 2e-12 of 6e-4.
    np.testing.assert_allclose(process.predict(candidates), whole, rtol=1e-9, atol=1e-11)


def test_a_covariance_that_is_not_positive_definite_is_told():
    class Impossible(SingleFidelityPrior):
        def moments(self, t, inputs):
            mean, covariance, gradient = super().moments(t, inputs)
            return mean, -covariance, gradient

    with pytest.raises(np.linalg.LinAlgError, match="not positive definite"):
        GaussianProcess(Impossible()).fit(*wave(5))
