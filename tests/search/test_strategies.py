"""What each strategy does, on histories written by hand."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from mf_nas_kd.errors import ImpossibleLimitError, InvalidValueError
from mf_nas_kd.records import Fidelity
from mf_nas_kd.search import Budget, History, Observation, build_strategy, run_search
from mf_nas_kd.search.low_fidelity_choice import choose_low_fidelity
from tests.fakes import evaluation
from tests.search.problems import CANDIDATES, FULL, LOW, OPTIONS, evaluate, observation, problem, truth

PLENTY = Budget(1e9, 10_000)
BEST = next(c for c in CANDIDATES if c.architecture.fields == {"x": 4, "y": 2})


def propose(name, history, budget=PLENTY, at_a_time=1):
    return build_strategy(name, problem(at_a_time), OPTIONS[name]).propose(history, budget, np.random.default_rng(0))


def seconds_to_best(name, seed):
    the_problem = problem(1)
    strategy = build_strategy(name, the_problem, OPTIONS[name])
    trace = run_search(name, strategy, the_problem, (), PLENTY, evaluate, seed, 0).trace
    found = trace[(trace["architecture_id"] == BEST.id) & (trace["train_fraction"] == 1)]
    return found["cumulative_cost_seconds"].min()


def test_the_process_finds_the_best_sooner_than_chance():
    spent = {
        name: np.mean([seconds_to_best(name, seed) for seed in range(8)]) for name in ("random", "hf_gp", "two_stage")
    }
    assert spent["hf_gp"] < 0.7 * spent["random"]
    assert spent["two_stage"] < 0.7 * spent["random"]


def test_hf_gp_explores_then_believes():
    few = History(tuple(observation(c, FULL) for c in CANDIDATES[:2]))
    assert "drawn at random" in propose("hf_gp", few)[0].reason
    enough = History(tuple(observation(c, FULL) for c in CANDIDATES[::4]))
    assert "highest upper confidence bound" in propose("hf_gp", enough)[0].reason


def test_lf_only_pays_for_short_ones_then_for_full_ones_in_the_order_of_its_predictions():
    known = History(tuple(observation(c, LOW, step=0) for c in CANDIDATES[:5]))
    assert propose("lf_only", known)[0].fidelity == LOW, "what was known is not charged"
    paid = History(tuple(observation(c, LOW) for c in CANDIDATES[::3]))
    first, second = propose("lf_only", paid, at_a_time=2)
    assert first.fidelity == second.fidelity == FULL
    assert "best untried prediction" in first.reason
    worst = observation(first.candidate, FULL, score=0.0)
    assert propose("lf_only", paid.with_(worst))[0].candidate == second.candidate, (
        "high-fidelity evaluations change nothing"
    )


def test_two_stage_promotes_the_best_short_training():
    paid = History(tuple(observation(c, LOW) for c in CANDIDATES[::3]))
    (promoted,) = propose("two_stage", paid)
    short = paid.scores(LOW)
    assert promoted.fidelity == FULL
    assert promoted.candidate.id == max(short, key=short.__getitem__)
    assert "rank 1 of 12 low-fidelity evaluations" in promoted.reason
    (after,) = propose("two_stage", paid.with_(observation(promoted.candidate, FULL)))
    assert after.fidelity == FULL
    assert "highest upper confidence bound" in after.reason


@pytest.mark.parametrize("name", ["lf_only", "two_stage"])
def test_short_trainings_leave_enough_for_a_full_one(name):
    paid = History((observation(CANDIDATES[0], LOW), observation(CANDIDATES[1], LOW)))
    assert propose(name, paid, Budget(20.0, 100))[0].fidelity == LOW
    assert propose(name, paid, Budget(15.0, 100))[0].fidelity == FULL
    assert propose(name, paid, Budget(1e9, 1))[0].fidelity == FULL


def test_expected_cost_scales_with_passes_and_operations():
    history = History((observation(CANDIDATES[0], LOW),))
    dearest = max(CANDIDATES, key=lambda c: c.macs)
    assert history.expected_cost(CANDIDATES[0], LOW) == pytest.approx(1.0)
    assert history.expected_cost(CANDIDATES[0], FULL) == pytest.approx(10.0)
    assert history.expected_cost(dearest, LOW) == pytest.approx(dearest.macs / CANDIDATES[0].macs)
    assert History().expected_cost(CANDIDATES[0], FULL) == 0


def test_a_budget_that_affords_nothing_is_one_clear_error():
    known = evaluate_low(CANDIDATES[:3])
    strategy = build_strategy("random", problem(), {})
    with pytest.raises(
        ImpossibleLimitError, match=r"a budget of 5 s and 10 evaluations is too small.*raise search.budget"
    ):
        run_search("random", strategy, problem(), known, Budget(5.0, 10), evaluate, 0, 0)


def test_a_strategy_never_sees_test_accuracy():
    assert "test" not in " ".join(observation(CANDIDATES[0], FULL).__dataclass_fields__)


def evaluate_low(candidates):
    from mf_nas_kd.records import EvaluationRequest

    return evaluate([EvaluationRequest(candidate.architecture, LOW, 0) for candidate in candidates])


OTHER_LOW = Fidelity(Fraction(1, 3), 5, distillation="nst")


def known_with(agreements, count=8):
    """Known before the search: full trainings, and short ones that agree with them, or order them the other way round."""
    seen = []
    for candidate in CANDIDATES[:count]:
        full = truth(candidate.architecture, FULL)
        seen.append(observation(candidate, FULL, step=0))
        for fidelity, sign in agreements.items():
            seen.append(observation(candidate, fidelity, step=0, score=0.5 + sign * full / 10))
    return History(tuple(seen))


@pytest.mark.parametrize("name", ["lf_only", "two_stage"])
@pytest.mark.parametrize(
    ("agreements", "chosen"), [({LOW: 1, OTHER_LOW: -1}, LOW), ({LOW: -1, OTHER_LOW: 1}, OTHER_LOW)]
)
def test_of_several_low_fidelities_the_one_that_agreed_best_is_used(name, agreements, chosen):
    strategy = build_strategy(name, problem(1, low=(LOW, OTHER_LOW)), OPTIONS[name])
    (proposal,) = strategy.propose(known_with(agreements), PLENTY, np.random.default_rng(0))
    assert proposal.fidelity == chosen
    assert "agreed best with the target fidelity before, Kendall 1.00 on 8 candidates" in proposal.reason


def test_agreement_that_is_not_known_leaves_the_order_of_the_configuration():
    the_problem = problem(1, low=(LOW, OTHER_LOW))
    few = known_with({LOW: -1, OTHER_LOW: 1}, count=4)
    assert choose_low_fidelity(the_problem, few)[0] == LOW
    assert choose_low_fidelity(the_problem, History())[0] == LOW


def test_the_choice_stays_the_same_throughout_a_search():
    the_problem = problem(1, low=(LOW, OTHER_LOW))
    before = known_with({LOW: -1, OTHER_LOW: 1})
    later = [observation(c, f, score=0.5) for c in CANDIDATES[8:20] for f in (LOW, OTHER_LOW, FULL)]
    assert choose_low_fidelity(the_problem, before.with_(*later))[0] == OTHER_LOW


def test_full_training_is_no_low_fidelity():
    with pytest.raises(InvalidValueError, match="low fidelity is .* but must be another one than the target fidelity"):
        problem(1, low=(LOW, FULL))


def test_what_narrow_networks_cost_is_expected_of_narrow_networks():
    """Half the width, a quarter of the operations, one second each: the next one costs about a second too."""
    narrow = replace(LOW, width=0.5)
    seen = [replace(observation(c, narrow), cost_seconds=1.0) for c in CANDIDATES]
    costliest = max(CANDIDATES, key=lambda candidate: candidate.macs)
    assert History(tuple(seen)).expected_cost(costliest, narrow) == pytest.approx(1.0, rel=0.05)


@pytest.mark.parametrize("known", [True, False])
def test_an_observation_has_the_macs_at_full_width(known):
    """Those of the candidate; of an architecture that is none, an estimate from what the narrow network has."""
    candidate, narrow = CANDIDATES[0], replace(LOW, width=0.5)
    evaluated = evaluation("", candidate.architecture, narrow, 0, 0.5, macs=round(candidate.macs / 4))
    candidates = CANDIDATES if known else CANDIDATES[1:]
    assert Observation.of(evaluated, 0, problem(candidates=candidates)).macs == pytest.approx(candidate.macs, abs=2)
