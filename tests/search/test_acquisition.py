"""The model weight, the exploration bonus, the allowance and the rates, each from its definition."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mf_nas_kd.records import Fidelity
from mf_nas_kd.records.metrics import ACCURACY
from mf_nas_kd.search import Budget, History, build_strategy
from mf_nas_kd.search.acquisition import HighFidelityChoice
from mf_nas_kd.search.evidence import PAYING, TRIAL, exploration_bonus, low_fidelity_allowance, pairs_of_fidelities
from mf_nas_kd.search.mf_kd import acquisition_of
from mf_nas_kd.search.posterior import Models, log_bayes_factor
from mf_nas_kd.search.reasons import reason_of
from mf_nas_kd.search.surrogate_data import surrogate_data
from mf_nas_kd.search.usual_costs import usual_costs
from mf_nas_kd.surrogates import GaussianProcess
from mf_nas_kd.surrogates.multi_fidelity import AGREEMENT_SPREAD
from tests.search.problems import CANDIDATES, FULL, LOW, observation, problem

BOTH = History((*(observation(c, LOW) for c in CANDIDATES[:12]), *(observation(c, FULL) for c in CANDIDATES[:5])))
FULL_ONLY = History(tuple(observation(c, FULL) for c in CANDIDATES[:5]))
PAUSED = Fidelity(Fraction(1), 6)
CONTINUING = replace(problem(low=(PAUSED, LOW)), continuation=True)


def models(history):
    return Models.fit(problem(), history, usual_costs(problem(), history))


def log_density(process, inputs, values):
    mean, covariance, _ = process.prior.moments(process.hyper_parameters, inputs)
    residual = values - mean
    logarithm = np.linalg.slogdet(2 * np.pi * covariance)[1]
    return -0.5 * (logarithm + residual @ np.linalg.solve(covariance, residual))


def test_the_log_bayes_factor_by_its_definition():
    """log p(y_H | y_L) - log p(y_H), the first term by the conditional normal distribution."""
    fitted = models(BOTH)
    inputs, values = surrogate_data(problem(), BOTH)
    high, low = inputs.fidelity == 0, inputs.fidelity > 0
    mean, covariance, _ = fitted.joint.prior.moments(fitted.joint.hyper_parameters, inputs)
    gain = covariance[np.ix_(high, low)] @ np.linalg.inv(covariance[np.ix_(low, low)])
    residual = values[high] - mean[high] - gain @ (values[low] - mean[low])
    conditional = covariance[np.ix_(high, high)] - gain @ covariance[np.ix_(low, high)]
    logarithm = np.linalg.slogdet(2 * np.pi * conditional)[1]
    given_low = -0.5 * (logarithm + residual @ np.linalg.solve(conditional, residual))
    expected = given_low - log_density(fitted.full_only, inputs[high], values[high])
    found = log_bayes_factor(fitted.full_only, fitted.joint, inputs, values)
    assert found == pytest.approx(expected, abs=1e-5)
    assert fitted.weight == pytest.approx(1 / (1 + np.exp(-min(found, 0))))


def test_without_low_or_without_high_fidelity_evaluations_the_models_are_even():
    assert models(FULL_ONLY).weight == 0.5
    assert not models(FULL_ONLY).differ
    low_only = models(History(tuple(observation(c, LOW) for c in CANDIDATES[:12])))
    assert low_only.weight == 0.5
    assert low_only.differ


@pytest.mark.parametrize("seed", range(3))
def test_the_log_bayes_factor_is_lower_where_low_fidelity_evaluations_are_noise(seed):
    rng = np.random.default_rng(seed)
    full = [observation(c, FULL) for c in CANDIDATES[:20]]

    def factor(noise):
        low = [
            observation(c, LOW, score=0.5 + (1 - noise) * s.score / 4 + noise * rng.normal() / 20)
            for c, s in zip(CANDIDATES, full, strict=False)
        ]
        history = History((*full, *low))
        fitted = models(history)
        return log_bayes_factor(fitted.full_only, fitted.joint, *surrogate_data(problem(), history))

    assert factor(noise=1.0) < factor(noise=0.2)


def test_the_average_is_by_the_weights():
    fitted = models(BOTH)
    averaged = fitted.averaged(np.array([1.0, 0.0]), np.array([0.0, 1.0]))
    np.testing.assert_allclose(averaged, [1 - fitted.weight, fitted.weight])


def test_the_bonus_shrinks_with_the_candidates_evaluated_at_both_fidelities():
    inputs, _ = surrogate_data(problem(), BOTH)
    bonus = exploration_bonus(pairs_of_fidelities(inputs, fidelities=3))
    assert bonus[1] == pytest.approx(1 / np.sqrt(AGREEMENT_SPREAD**-2 + 5))
    assert bonus[2] == pytest.approx(AGREEMENT_SPREAD)


def allowance(history, evidence, budget_seconds=1e9, the_problem=None):
    judged = replace(models(BOTH), log_bayes_factor=evidence)
    return low_fidelity_allowance(the_problem or problem(), history, judged, 10.0, budget_seconds)


def test_without_evidence_there_is_a_trial():
    """Five high-fidelity evaluations at 10 s and twelve low-fidelity ones at 1 s; the budget is what is left and 62 s."""
    assert allowance(BOTH, 0.0) == pytest.approx(TRIAL * 10 - 12)
    assert allowance(BOTH, -5.0) == pytest.approx(TRIAL * 10 - 12)
    assert allowance(BOTH, 0.0, budget_seconds=-52.0) == pytest.approx(0.1 * 10 - 12)


def test_with_positive_evidence_the_allowance_is_a_share_of_what_high_fidelity_evaluations_were_charged():
    assert allowance(BOTH, 1.2) == pytest.approx(PAYING * 50 - 12)


def test_what_was_known_before_the_search_allows_nothing():
    known = History(tuple(observation(c, FULL, step=0) for c in CANDIDATES))
    assert allowance(known, 9.0) == 0


def test_what_is_reused_was_not_spent_on_low_fidelities():
    """6 s, of which the high-fidelity evaluation reused 4.2 s."""
    first = replace(observation(CANDIDATES[0], PAUSED), pause_seconds=4.2)
    continued = replace(observation(CANDIDATES[0], FULL), reused_seconds=4.2)
    history = History((first, continued))
    assert allowance(history, 0.0, the_problem=CONTINUING) == pytest.approx(TRIAL * 10 - 1.8)
    assert allowance(history, 2.0, the_problem=CONTINUING) == pytest.approx(max(PAYING * 10, TRIAL * 10) - 1.8)


def test_the_rate_is_probability_over_cost():
    acquisition = acquisition_of(problem(), BOTH, set(), 64, np.random.default_rng(0))
    choice = acquisition.high_fidelity({})
    assert choice.probability == acquisition.posterior.probability_of_best.max()
    assert choice.rate == pytest.approx(choice.probability / 10)
    assert acquisition.posterior.probability_of_best.sum() == pytest.approx(1)
    acquisition.posterior.models = replace(acquisition.posterior.models, log_bayes_factor=0.0)
    assert acquisition.low_fidelity() is None, "12 s are more than the trial of 4 s"


def test_a_plan_costs_the_low_fidelity_evaluation_and_a_share_of_the_high_fidelity_one():
    history = History((*(observation(c, LOW) for c in CANDIDATES[:3]), *(observation(c, FULL) for c in CANDIDATES[:5])))
    choice = acquisition_of(problem(), history, set(), 64, np.random.default_rng(0)).low_fidelity()
    shares = (choice.relative_cost - 0.1) * 16
    assert shares == pytest.approx(round(shares))
    assert 1 <= round(shares) <= 15
    assert choice.rate == pytest.approx(choice.probability / (10 * choice.relative_cost))
    assert choice.probability <= choice.probability_at_once + 1e-9


def test_draws_have_the_posterior_mean_and_covariance():
    acquisition = acquisition_of(problem(), BOTH, set(), 20_000, np.random.default_rng(0))
    draws = acquisition.posterior.joint
    assert isinstance(draws.process, GaussianProcess)
    deviation = np.sqrt(draws.variance)
    np.testing.assert_allclose(draws.values.mean(axis=1), draws.mean, atol=5 * deviation.max() / np.sqrt(20_000))
    np.testing.assert_allclose(draws.values.std(axis=1), deviation, rtol=0.05)


def test_candidates_with_a_high_fidelity_evaluation_and_pending_ones_are_left_out():
    pending = {CANDIDATES[7].id}
    acquisition = acquisition_of(problem(), FULL_ONLY, pending, 8, np.random.default_rng(0))
    assert sorted(acquisition.posterior.candidates) == [i for i in range(36) if i > 4 and i != 7]
    everything = History(tuple(observation(c, FULL) for c in CANDIDATES))
    assert acquisition_of(problem(), everything, set(), 8, np.random.default_rng(0)) is None


def test_reasons_are_one_sentence_with_the_numbers():
    choice = HighFidelityChoice(0, 0, 0.01, 0.1, 0.98341, 0.0253)
    assert reason_of(choice, models(FULL_ONLY), ACCURACY) == (
        "high-fidelity evaluation: probability of being the best 0.10, predicted accuracy 0.9834 +- 0.0253; "
        "no low-fidelity evaluations yet"
    )


def test_the_expected_gain_is_that_of_the_best_draws():
    """With 50 s, five candidates at 10 s each; with much, all of them; with 9 s, none."""
    acquisition = acquisition_of(problem(), BOTH, set(), 256, np.random.default_rng(0))
    posterior, best = acquisition.posterior, 0.8

    def gain(positions):
        of = [
            np.maximum(d.values[positions].max(axis=0) - best, 0).mean() for d in (posterior.full_only, posterior.joint)
        ]
        return posterior.models.averaged(*of)

    assert acquisition.expected_gain(best, Budget(50.0, 100)) == pytest.approx(gain(posterior.order[:5]))
    assert acquisition.expected_gain(best, Budget(1e9, 3)) == pytest.approx(gain(posterior.order[:3]))
    assert acquisition.expected_gain(best, Budget(1e9, 100)) == pytest.approx(gain(posterior.order))
    assert acquisition.expected_gain(best, Budget(9.0, 100)) == 0
    assert acquisition.expected_gain(5.0, Budget(1e9, 100)) == 0


def test_rates_are_over_marginal_costs():
    """Six of ten epochs cost 6 s, of which 4.2 s are reused: 5.8 of 10 s are left."""
    seen = (*FULL_ONLY, *(replace(observation(c, PAUSED), pause_seconds=4.2) for c in CANDIDATES[20:23]))
    acquisition = acquisition_of(CONTINUING, History(seen), set(), 64, np.random.default_rng(0))
    paused = [CONTINUING.index[c.id] for c in CANDIDATES[20:23]]
    assert acquisition.shares[paused, 0] == pytest.approx([0.58] * 3)
    assert acquisition.shares.sum() == pytest.approx(acquisition.shares.size - 3 * 0.42)
    choice = acquisition.high_fidelity({})
    cost = 5.8 if choice.candidate in paused else 10
    assert choice.rate == pytest.approx(choice.probability / cost)
    assert acquisition.pauses == pytest.approx([0, 0.7, 0])


def test_a_proposal_says_what_it_continues():
    seen = (*FULL_ONLY, *(replace(observation(c, PAUSED), pause_seconds=4.2) for c in CANDIDATES[5:]))
    strategy = build_strategy("mf_kd", replace(CONTINUING, proposals_at_a_time=1), {"draws": 64})
    (proposal,) = strategy.propose(History(seen), Budget(1e9, 100), np.random.default_rng(0))
    assert proposal.fidelity == FULL
    assert proposal.reason.endswith("; continues the training of 6 epochs, which saves 4.2 s")
