"""Zero-cost order: the highest value of a proxy first."""

from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.search import Budget, History, build_strategy
from tests.search.problems import CANDIDATES, FULL, observation, problem


def propose(proxy, *seen):
    strategy = build_strategy("proxy_order", problem(3), {"proxy": proxy})
    return strategy.propose(History(seen), Budget(1e9, 100), np.random.default_rng(0))


@pytest.mark.parametrize(("proxy", "value"), [("macs", lambda c: c.macs), ("params", lambda c: c.costs.params)])
def test_the_highest_values_are_evaluated_first_at_high_fidelity(proxy, value):
    ranked = sorted(CANDIDATES, key=value, reverse=True)
    assert [p.candidate for p in propose(proxy)] == ranked[:3]
    after = propose(proxy, observation(ranked[0], FULL, score=None), observation(ranked[2], FULL))
    assert [p.candidate for p in after] == [ranked[1], *ranked[3:5]]
    assert {p.fidelity for p in after} == {FULL}
    assert after[0].reason == f"rank 2 of 36 candidates by {proxy}, with {value(ranked[1])}"


def test_a_proxy_that_the_space_does_not_have_is_refused():
    with pytest.raises(
        InvalidValueError, match="proxy is 'live_params', but must be one that is defined for the space grid"
    ):
        propose("live_params")
    with pytest.raises(
        InvalidValueError, match="must be one that is defined for the space grid, and that was computed of all"
    ):
        propose("naswot")
    with pytest.raises(ValidationError, match="must be one of: az_nas, .*, live_params, macs, naswot, params"):
        propose("luck")


def test_a_proxy_that_was_computed_is_an_order_too():
    scored = tuple(replace(each, proxies={"naswot": -float(each.macs)}) for each in CANDIDATES)
    of_scored = replace(problem(3), candidates=scored)
    strategy = build_strategy("proxy_order", of_scored, {"proxy": "naswot"})
    proposals = strategy.propose(History(()), Budget(1e9, 100), np.random.default_rng(0))
    assert [p.candidate.macs for p in proposals] == sorted(each.macs for each in CANDIDATES)[:3]
