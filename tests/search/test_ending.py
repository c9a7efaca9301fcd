"""A search says why it ended, and what its evaluations cost and led to."""

from dataclasses import replace

import pytest

from mf_nas_kd.records import EvaluationRequest
from mf_nas_kd.search import Budget, History, Proposal, Strategy, build_strategy, run_search
from mf_nas_kd.search.summary import search_summary
from tests.search.problems import CANDIDATES, FULL, LOW, OPTIONS, evaluate, observation, problem

PLENTY = Budget(1e9, 10_000)


class Scripted(Strategy):
    """Proposes what it was told, as far as the budget goes."""

    def __init__(self, the_problem, *script):
        self.problem, self.script = the_problem, script

    def propose(self, history, budget, rng):
        done = sum(seen.step > 0 for seen in history)
        return (Proposal(*self.script[done][:2], "as told", *self.script[done][2:]),) if done < len(self.script) else ()

    def expected_gain_points(self, history, budget, rng):
        """A point less with each high-fidelity evaluation, from 4."""
        return 4.0 - len(history.scores(FULL)) if len(history) else None


def search(*script, budget=PLENTY, known=(), candidates=CANDIDATES, points=None):
    the_problem = problem(1, candidates=candidates)
    return run_search("told", Scripted(the_problem, *script), the_problem, known, budget, evaluate, 0, 0, points)


def known_at_full(*candidates):
    return evaluate([EvaluationRequest(candidate.architecture, FULL, 0) for candidate in candidates])


ALL = [(c, FULL) for c in CANDIDATES]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"budget": Budget(1e9, 2)}, "the budget of 2 evaluations is used up"),
        (
            {"budget": Budget(25, 100)},
            "the budget of 25 s does not afford the next evaluation: 5.0 s are left, and "
            f"{CANDIDATES[2].id} at {FULL} is expected to cost up to ",
        ),
        ({"candidates": CANDIDATES[:3]}, "all 3 candidates have been evaluated at the target fidelity"),
    ],
)
def test_why_a_search_ended(arguments, expected, caplog):
    with caplog.at_level("INFO"):
        result = search(*ALL, **arguments)
    assert result.ended.startswith(expected)
    assert f"Search with told ended, because {result.ended}: " in caplog.text


def test_a_strategy_that_proposes_nothing_ends_the_search():
    ended = search(*ALL[:4]).ended
    assert ended == "the strategy proposed nothing, with 32 candidates that have no high-fidelity evaluation"


def test_a_search_ends_when_the_rest_of_the_budget_is_expected_to_gain_too_little():
    result = search(*ALL, points=1.5)
    assert len(result.trace) == 3
    assert result.ended == (
        "the expected gain of the rest of the budget, 1.000 percentage points, is below search.stop_below_points, 1.5"
    )
    assert len(search(*ALL[:6], points=None).trace) == 6


def test_mf_kd_stops_by_its_posterior_and_others_go_on():
    """The more points are asked for, the sooner it stops; what it then expects is below."""
    lengths = []
    for points in (None, 0.05, 1.0):
        the_problem = problem(1)
        strategy = build_strategy("mf_kd", the_problem, OPTIONS["mf_kd"])
        result = run_search("mf_kd", strategy, the_problem, (), Budget(200, 100), evaluate, 0, 0, points)
        lengths.append(len(result.trace))
        assert ("is below search.stop_below_points" in result.ended) is (points is not None)
    assert lengths[0] > lengths[1] >= lengths[2] >= 1
    strategy = build_strategy("random", problem(1), {})
    assert len(run_search("random", strategy, problem(1), (), Budget(60, 100), evaluate, 0, 0, 5.0).trace) > 1


@pytest.mark.parametrize("name", ["random", "mf_kd", "two_stage"])
def test_strategies_that_keep_to_their_budget_themselves_are_asked_what_they_wanted(name):
    strategy = build_strategy(name, problem(1), OPTIONS[name])
    result = run_search(name, strategy, problem(1), known_at_full(*CANDIDATES[:2]), Budget(15, 100), evaluate, 0, 0)
    assert "is expected to cost up to" in result.ended


def test_the_summary_counts_costs_and_what_became_of_low_fidelity_evaluations(caplog):
    """Four at low fidelity (9/9 s each), of which two fell below; one of these is promoted all the same."""
    a, b, c, d, e = CANDIDATES[:5]
    script = [(a, LOW, 0.0), (b, LOW, 0.99), (c, LOW, 0.99), (d, LOW), (a, FULL), (b, FULL), (e, FULL)]
    with caplog.at_level("INFO"):
        found = search(*script).summary
    assert (found.low_fidelity_evaluations, found.low_fidelity_seconds) == (4, pytest.approx(4))
    assert (found.high_fidelity_evaluations, found.high_fidelity_seconds) == (3, pytest.approx(30))
    assert (found.not_promoted, found.not_promoted_seconds) == (2, pytest.approx(20))
    assert (found.below_threshold, found.promoted_below_threshold) == (2, 1)
    assert found.winner_step in (5, 6, 7)
    assert not found.winner_known_before
    assert "4 low-fidelity evaluations took 4.0 s, 3 high-fidelity ones 30.0 s; 2 candidates" in caplog.text
    assert f"the winner was first evaluated at step {found.winner_step}" in caplog.text


def test_a_winner_from_before_the_search_is_said_to_be_so(caplog):
    best = next(c for c in CANDIDATES if c.architecture.fields == {"x": 4, "y": 2})
    with caplog.at_level("INFO"):
        found = search((CANDIDATES[0], FULL), known=known_at_full(best)).summary
    assert (found.winner_step, found.winner_known_before) == (0, True)
    assert "the winner was first evaluated before the search" in caplog.text


def test_a_candidate_that_passed_again_after_it_fell_below_did_not_break_its_threshold():
    candidate = CANDIDATES[0]
    fell, passed = (replace(observation(candidate, LOW, step), threshold=t) for step, t in ((1, 0.99), (2, 0.0)))
    summary = search_summary(problem(), History((fell, passed, observation(candidate, FULL, 3))), candidate.id)
    assert (summary.below_threshold, summary.promoted_below_threshold) == (1, 0)
