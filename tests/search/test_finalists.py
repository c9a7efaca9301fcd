"""Finalists: by the posterior, with cheaper equivalents, from few and from failed evaluations."""

import numpy as np
import pytest

from mf_nas_kd.errors import InvalidValueError, MissingEvaluationError
from mf_nas_kd.records import Architecture, Costs
from mf_nas_kd.search import Candidate, History, Observation
from mf_nas_kd.search.finalists import CHEAPER, FINALIST, choose_finalists
from mf_nas_kd.search.noise_free import mean_of_repeats, noise_free_posterior
from tests.search.problems import CANDIDATES, FULL, LOW, observation, on_front, problem, truth

BY_PLACE = {(c.architecture.fields["x"], c.architecture.fields["y"]): c for c in CANDIDATES}


def names(finalists, role):
    return [each.candidate.id for each in finalists if each.role == role]


def seen(*accuracies, fidelity=FULL):
    """Observations of the first candidates, in their order."""
    pairs = zip(CANDIDATES, accuracies, strict=False)
    return History(tuple(observation(each, fidelity, score=accuracy) for each, accuracy in pairs))


def test_the_best_are_chosen_by_falling_posterior_mean():
    history = History(tuple(observation(each, FULL) for each in CANDIDATES))
    found = choose_finalists(problem(), history, 3, 0.0)
    assert [each.role for each in found] == [FINALIST] * 3
    assert found[0].candidate == BY_PLACE[4, 2]
    assert [each.mean for each in found] == sorted((each.mean for each in found), reverse=True)
    assert all(0 < each.deviation < 0.1 for each in found)
    assert [round(each.mean, 2) for each in found] == [round(truth(f.candidate.architecture, FULL), 2) for f in found]


def test_one_lucky_training_is_not_believed():
    """A candidate far from the good ones, whose accuracy is a bit above all others."""
    best = max(truth(each.architecture, FULL) for each in CANDIDATES)
    lucky = BY_PLACE[0, 5]
    history = History(
        tuple(
            observation(each, FULL, score=best + 0.002 if each == lucky else truth(each.architecture, FULL))
            for each in CANDIDATES
        )
    )
    assert history.best(FULL, problem().by_id)[0] == lucky.id
    assert choose_finalists(problem(), history, 1, 0.0)[0].candidate != lucky


def test_the_model_chooses_better_than_the_best_observation():
    """Accuracies with the noise of a training: 60 searches of 36 candidates, the same noise for both choices."""
    rng, gains = np.random.default_rng(0), []
    for _ in range(60):
        noisy = [truth(each.architecture, FULL) + 0.04 * rng.standard_normal() for each in CANDIDATES]
        history = seen(*noisy)
        by_model = choose_finalists(problem(), history, 1, 0.0)[0].candidate.architecture
        by_observation = CANDIDATES[int(np.argmax(noisy))].architecture
        gains.append(truth(by_model, FULL) - truth(by_observation, FULL))
    assert np.mean(gains) > 2 * np.std(gains, ddof=1) / np.sqrt(len(gains)), "above 0 by two standard errors"


def test_the_posterior_of_the_noise_free_accuracy_is_between_model_and_observation():
    history = seen(0.5, 0.6, 0.55, 0.9, 0.52)
    means, deviations = noise_free_posterior(problem(low=()), history, np.arange(5))
    repeated = History((*history, *seen(0.5, 0.6, 0.55, 0.9, 0.52), *seen(0.5, 0.6, 0.55, 0.9, 0.52)))
    of_three, of_three_deviations = noise_free_posterior(problem(low=()), repeated, np.arange(5))
    assert means[3] < of_three[3] < 0.9, "more trainings of one candidate are believed more"
    assert (of_three_deviations < deviations).all()


def test_several_trainings_of_one_candidate_count_as_their_mean():
    history = History((*seen(0.5, 0.6), *seen(0.7), *seen(0.3, fidelity=LOW), *seen(None)))
    found = mean_of_repeats(history)
    assert [(o.fidelity, round(o.score, 3)) for o in found] == [(FULL, 0.6), (FULL, 0.6), (LOW, 0.3)]
    others = [0.7, 0.8, 0.65]
    unequal, equal = History((*seen(0.4, *others), *seen(0.6))), History((*seen(0.5, *others), *seen(0.5)))
    of_unequal, of_equal = (noise_free_posterior(problem(low=()), each, np.arange(4)) for each in (unequal, equal))
    np.testing.assert_allclose(of_unequal, of_equal, rtol=1e-9)


@pytest.mark.parametrize("evaluated", [1, 2])
@pytest.mark.parametrize("low", [(), (LOW,)])
def test_few_evaluations_are_enough(evaluated, low):
    history = seen(*[0.5, 0.7][:evaluated])
    found = choose_finalists(problem(low=low), history, 3, 0.5)
    assert names(found, FINALIST) == [each.id for each in (CANDIDATES[1], CANDIDATES[0])[2 - evaluated :]]
    assert all(np.isfinite([each.mean, each.deviation]).all() for each in found)


def test_one_candidate_alone_is_the_finalist():
    assert len(choose_finalists(problem(candidates=CANDIDATES[:1], low=()), seen(0.5), 3, 1.0)) == 1


def test_failed_and_low_fidelity_evaluations_make_no_finalist():
    history = History((*seen(0.5, None, 0.6), *seen(0.9, 0.9, 0.9, 0.9, fidelity=LOW)))
    found = choose_finalists(problem(), history, 5, 50.0)
    assert {each.candidate.id for each in found} == {CANDIDATES[0].id, CANDIDATES[2].id}
    with pytest.raises(MissingEvaluationError, match="no candidate has a finished high-fidelity evaluation"):
        choose_finalists(problem(), seen(0.9, 0.9, fidelity=LOW), 1, 0.0)


def test_equal_accuracies_and_equal_costs_have_a_fixed_order():
    """Candidates of which the model knows nothing but that they are equal."""
    equal = tuple(Candidate(Architecture.of("g", i=i), (0.0,), Costs(100, params=10)) for i in range(4))
    history = History(tuple(Observation(each.id, FULL, 0.8, 1.0, 100, 1) for each in equal))
    found = choose_finalists(problem(candidates=equal, low=()), history, 2, 100.0)
    assert names(found, FINALIST) == sorted(each.id for each in equal)[:2]
    assert names(found, CHEAPER) == []


def test_of_equal_accuracies_all_that_cost_less_are_equivalents():
    priced = tuple(Candidate(Architecture.of("g", i=i), (0.0,), Costs(100 - 20 * i, params=10)) for i in range(4))
    history = History(tuple(Observation(each.id, FULL, 0.8, 1.0, each.macs, 1) for each in priced))
    found = choose_finalists(problem(candidates=priced, low=()), history, 1, 100.0)
    assert found[0].candidate == priced[0], "more multiply-accumulates are expected to be better"
    assert names(found, CHEAPER) == [priced[3].id], "the cheapest, and as many as finalists"
    assert names(choose_finalists(problem(candidates=priced, low=()), history, 4, 100.0), CHEAPER) == []


def test_cheaper_equivalents_are_on_the_front_within_the_tolerance_and_no_finalists():
    accuracies = {each.id: 0.6 + 0.03 * each.architecture.fields["x"] for each in CANDIDATES}
    history = History(tuple(observation(each, FULL, score=accuracies[each.id]) for each in CANDIDATES))
    found = choose_finalists(problem(), history, 2, 7.0)
    best, cheaper = found[0], [each for each in found if each.role == CHEAPER]
    assert [each.candidate.macs for each in cheaper] == sorted(each.candidate.macs for each in cheaper)
    assert 0 < len(cheaper) <= 2
    for each in cheaper:
        assert best.mean - 0.07 <= each.mean <= best.mean
        assert each.candidate.macs < best.candidate.macs
        assert each.candidate.id not in names(found, FINALIST)
    assert {each.candidate.architecture.fields["x"] for each in cheaper} <= {3, 4}
    assert not names(choose_finalists(problem(), history, 2, 0.0), CHEAPER)


@pytest.mark.parametrize(
    ("count", "tolerance", "message"),
    [
        (0, 1.0, "number of finalists is 0, but must be at least 1"),
        (1, -0.5, r"in points is -0.5, but must be at least 0"),
        (1, float("nan"), r"in points is nan, but must be at least 0"),
    ],
)
def test_other_counts_and_tolerances_are_refused(count, tolerance, message):
    with pytest.raises(InvalidValueError, match=message):
        choose_finalists(problem(), seen(0.5), count, tolerance)


def test_finalists_of_a_front_are_members_of_it_cheap_ones_included():
    history = History(tuple(observation(each, FULL) for each in CANDIDATES))
    found = choose_finalists(on_front(problem()), history, 4, 0.0)
    means = noise_free_posterior(problem(), history, np.arange(len(CANDIDATES)))[0]
    macs = np.array([each.macs for each in CANDIDATES])
    for each in found:
        assert not (means[macs < each.candidate.macs] >= each.mean).any()
    assert names(found, FINALIST) == [each.candidate.id for each in found]
    assert len(found) == 4
    assert found[0].candidate == BY_PLACE[4, 2]
    assert min(each.candidate.macs for each in found) <= np.quantile(macs, 0.25)
    assert [each.mean for each in found] == sorted((each.mean for each in found), reverse=True)
