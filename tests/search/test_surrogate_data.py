"""Training data of a surrogate, made from a history."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.records import Fidelity
from mf_nas_kd.search import History
from mf_nas_kd.search.surrogate_data import surrogate_data
from tests.search.problems import CANDIDATES, FULL, LOW, observation, problem


def seen(fidelity, *accuracies):
    return [observation(CANDIDATES[place], fidelity, score=a) for place, a in enumerate(accuracies)]


def test_order_places_fidelities_and_features_are_those_of_the_history():
    history = History((*seen(LOW, 0.1, 0.2), *seen(FULL, 0.5, 0.7, 0.6)))
    inputs, values = surrogate_data(problem(), history)
    assert inputs.candidate.tolist() == [0, 1, 0, 1, 2]
    assert inputs.fidelity.tolist() == [1, 1, 0, 0, 0]
    assert values.tolist() == [0.1, 0.2, 0.5, 0.7, 0.6]
    assert np.array_equal(inputs.features, problem().inputs.features[inputs.candidate])
    assert inputs.proxies.shape == (5, 2)


def test_some_fidelities_and_no_proxies():
    history = History((*seen(LOW, 0.1, 0.2), *seen(FULL, 0.5)))
    inputs, values = surrogate_data(problem(), history, (0,), zero_cost_proxies=False)
    assert values.tolist() == [0.5]
    assert inputs.proxies.shape == (1, 0)


def test_failures_other_fidelities_and_other_architectures_are_left_out():
    foreign = Fidelity(Fraction(1, 3), 3)
    stranger = replace(observation(CANDIDATES[0], FULL), architecture_id="a stranger")
    history = History((*seen(FULL, None, 0.5), *seen(foreign, 0.4), stranger))
    inputs, values = surrogate_data(problem(), history)
    assert (inputs.candidate.tolist(), values.tolist()) == ([1], [0.5])


def test_nothing_known_is_no_evidence():
    inputs, values = surrogate_data(problem(), History())
    assert len(inputs) == len(values) == 0


def test_far_below_is_pulled_up():
    """The median is 0.7 and the best 0.1 above it: nothing counts as further than 0.3 below."""
    inputs, values = surrogate_data(problem(), History(tuple(seen(FULL, 0.1, 0.5, 0.7, 0.75, 0.8))))
    assert values == pytest.approx([0.4, 0.5, 0.7, 0.75, 0.8])
    assert len(inputs) == 5


def test_each_fidelity_has_its_own_median():
    history = History((*seen(LOW, 0.0, 0.2, 0.25), *seen(FULL, 0.6, 0.7, 0.75)))
    _, values = surrogate_data(problem(), history)
    assert values == pytest.approx([0.05, 0.2, 0.25, 0.6, 0.7, 0.75])


def test_nothing_is_pulled_up_where_the_median_is_the_best():
    """Coarse accuracies of few validation images tie; the others still differ."""
    _, values = surrogate_data(problem(), History(tuple(seen(FULL, 0.9, 0.9, 0.9, 0.7, 0.8))))
    assert values.tolist() == [0.9, 0.9, 0.9, 0.7, 0.8]


def test_models_see_those_further_proxies_that_the_problem_names_as_normal_scores():
    values = [float("-inf"), *range(len(CANDIDATES) - 1)]
    scored = tuple(
        replace(each, proxies={"naswot": value, "zico": 0.0}) for each, value in zip(CANDIDATES, values, strict=True)
    )
    unnamed = replace(problem(), candidates=scored)
    assert np.array_equal(unnamed.inputs.proxies, problem().inputs.proxies)
    named = replace(unnamed, proxies=("naswot",)).inputs.proxies
    assert np.array_equal(named[:, :2], problem().inputs.proxies)
    assert np.isfinite(named).all()
    assert (np.diff(named[:, 2]) > 0).all()
    np.testing.assert_allclose([named[:, 2].mean(), named[:, 2].std()], [0, 1], atol=1e-12)
    with pytest.raises(InvalidValueError, match="candidates without the proxy synflow is '.*', but must be none"):
        replace(unnamed, proxies=("synflow",))
