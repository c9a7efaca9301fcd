"""Every strategy keeps what the protocol promises; a new one is tested as soon as it is in the table."""

import numpy as np
import pytest
from pydantic import ValidationError

from mf_nas_kd.errors import UnknownNameError
from mf_nas_kd.search import STRATEGIES, Budget, History, build_strategy, run_search
from tests.search.problems import (
    CANDIDATES,
    FULL,
    LOW,
    OPTIONS,
    evaluate,
    observation,
    problem,
    problem_of,
    skip_unless_installed,
)

PLENTY = Budget(seconds=1e9, evaluations=10_000)


def search(name, budget, seed=0, known=(), the_problem=None):
    the_problem = the_problem or problem_of(name)
    strategy = build_strategy(name, the_problem, OPTIONS[name])
    return run_search(name, strategy, the_problem, known, budget, evaluate, search_seed=seed, training_seed=0)


@pytest.fixture(params=STRATEGIES)
def name(request):
    skip_unless_installed(request.param)
    return request.param


@pytest.fixture(
    params=[
        History(),
        History((observation(CANDIDATES[0], LOW), observation(CANDIDATES[7], LOW), observation(CANDIDATES[9], FULL))),
        History(tuple(observation(c, LOW, step=0) for c in CANDIDATES[:12])),
        History(tuple(observation(c, FULL, step=0) for c in CANDIDATES[::3])),
        History((observation(CANDIDATES[0], FULL, score=None), observation(CANDIDATES[1], LOW, score=None))),
    ],
    ids=["nothing known", "some of both", "short ones known", "full ones known", "only failures"],
)
def history(request):
    return request.param


def test_equal_questions_have_equal_answers(name, history):
    answers = [
        build_strategy(name, problem_of(name), OPTIONS[name]).propose(history, PLENTY, np.random.default_rng(3))
        for _ in range(2)
    ]
    assert answers[0] == answers[1]
    assert answers[0]


def test_proposals_are_new_few_and_explained(name, history):
    proposals = build_strategy(name, problem_of(name), OPTIONS[name]).propose(history, PLENTY, np.random.default_rng(0))
    assert 1 <= len(proposals) <= 2
    for proposal in proposals:
        assert proposal.candidate in CANDIDATES
        assert proposal.fidelity in (FULL, LOW)
        assert proposal.candidate.id not in history.tried(proposal.fidelity)
        assert len(proposal.reason) > 20
    assert len({(p.candidate.id, p.fidelity) for p in proposals}) == len(proposals)


def test_the_budget_is_never_exceeded(name, history):
    strategy = build_strategy(name, problem_of(name), OPTIONS[name])
    for budget in (Budget(0.5, 100), Budget(10.5, 100), Budget(1e9, 1), Budget(11.5, 2)):
        proposals = strategy.propose(history, budget, np.random.default_rng(0))
        assert len(proposals) <= budget.evaluations
        assert sum(history.expected_cost(p.candidate, p.fidelity) for p in proposals) <= budget.seconds


@pytest.mark.parametrize("seconds", [25, 60])
def test_a_search_stays_within_its_budget_and_ends_with_a_full_training(name, seconds):
    result = search(name, Budget(seconds, 1000))
    assert result.spent_seconds <= seconds
    assert result.trace["cumulative_cost_seconds"].is_monotonic_increasing
    assert (result.trace["train_fraction"] == 1).any()
    assert result.winner_id in result.trace["architecture_id"].tolist()


def test_a_search_ends_when_everything_is_known(name):
    small = problem_of(name, candidates=CANDIDATES[:4])
    result = search(name, PLENTY, the_problem=small)
    assert len(result.trace) <= 8
    assert not result.trace.duplicated(["architecture_id", "train_fraction", "epochs", "distillation"]).any()


def test_what_was_known_is_free_and_not_evaluated_again(name):
    known = evaluate_all(CANDIDATES[:20], FULL) + evaluate_all(CANDIDATES[:20], LOW)
    result = search(name, Budget(40, 1000), known=known)
    done = {(e.architecture.id, e.fidelity) for e in known}
    assert not done & {(e.architecture.id, e.fidelity) for e in result.evaluations}
    assert result.spent_seconds == pytest.approx(sum(e.cost_seconds for e in result.evaluations))


def test_the_same_seed_gives_the_same_search(name):
    first, again = search(name, Budget(60, 100)), search(name, Budget(60, 100))
    assert first.trace.equals(again.trace)


DETERMINISTIC = {"proxy_order"}
"""Strategies without randomness."""


def test_other_seeds_give_other_searches_but_for_strategies_without_randomness(name):
    traces = (search(name, Budget(60, 100), seed=seed).trace["architecture_id"].tolist() for seed in range(3))
    first = next(traces)
    differ = any(other != first for other in traces)  # of the others, no more than needed are searched
    assert differ is (name not in DETERMINISTIC)


def test_options_are_checked(name):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        build_strategy(name, problem_of(name), {**OPTIONS[name], "luck": 1})


def test_an_unknown_strategy_lists_the_known_ones():
    with pytest.raises(
        UnknownNameError,
        match="search.strategy is 'best', but must be one of: .*hf_gp, hyperband, lf_only, .*two_stage",
    ):
        build_strategy("best", problem(), {})


def evaluate_all(candidates, fidelity):
    from mf_nas_kd.records import EvaluationRequest

    return evaluate([EvaluationRequest(candidate.architecture, fidelity, 0) for candidate in candidates])
