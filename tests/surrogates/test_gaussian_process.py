import numpy as np
import pytest

from mf_nas_kd.surrogates import GaussianProcess


def test_it_interpolates_and_is_unsure_elsewhere():
    features = np.linspace(-2, 2, 12)[:, None]
    process = GaussianProcess().fit(features, np.sin(features[:, 0]))
    mean, deviation = process.predict(np.array([[0.1], [8.0]]))
    assert mean[0] == pytest.approx(np.sin(0.1), abs=0.05)
    assert deviation[1] > 5 * deviation[0]


def test_the_same_data_give_the_same_predictions():
    rng = np.random.default_rng(0)
    features, values = rng.normal(size=(15, 3)), rng.normal(size=15)
    first, second = (GaussianProcess().fit(features, values).predict(features) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("values", [[0.7], [0.5, 0.5, 0.5]])
def test_one_observation_and_equal_observations_are_defined(values):
    mean, deviation = GaussianProcess().fit(np.eye(3)[: len(values)], np.array(values)).predict(np.eye(3))
    assert np.isfinite(mean).all()
    assert np.isfinite(deviation).all()
    assert mean[0] == pytest.approx(values[0], abs=0.01)
