"""A promotion threshold is kept: what fell below it is not promoted before more is known, and then the reason says so."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mf_nas_kd.search import Budget, History, build_strategy
from mf_nas_kd.search.promotion import setbacks
from tests.search.problems import CANDIDATES, FULL, LOW, observation, problem
from tests.search.test_mf_kd import SHORT, Synthetic

PLENTY = Budget(1e9, 10_000)
LARGEST = max(CANDIDATES, key=lambda c: c.macs)
"""The candidate that is most probably the best as long as little is known."""


def low(candidate, threshold, step=1, **changes):
    return replace(observation(candidate, LOW, step, **changes), threshold=threshold)


def propose(*seen, **fields):
    strategy = build_strategy("mf_kd", problem(1, **fields), {"draws": 64})
    (proposal,) = strategy.propose(History(seen), PLENTY, np.random.default_rng(0))
    return proposal


@pytest.mark.parametrize(("accuracy", "below"), [(0.51, False), (0.5, True), (0.49, True), (None, True)])
def test_a_result_passes_only_above_its_threshold(accuracy, below):
    assert low(CANDIDATES[0], 0.5, score=accuracy).fell_below_threshold is below
    assert not low(CANDIDATES[0], None, score=accuracy).fell_below_threshold


def test_set_back_is_who_fell_below_last_and_has_no_high_fidelity_evaluation():
    first, second, third = CANDIDATES[:3]
    history = History(
        (
            low(first, 0.99),
            low(second, 0.99, 2),
            observation(second, FULL, 3),
            observation(CANDIDATES[9], FULL, 4, score=None),
            low(third, 0.99, 5),
            low(third, 0.01, 6),
        )
    )
    found = setbacks(history, FULL)
    assert list(found) == [first.id]
    assert found[first.id].observation == history.observations[0]
    assert found[first.id].finished_since == 1, "a failed one tells nothing"


def test_what_fell_below_is_not_promoted_before_a_high_fidelity_evaluation_has_finished():
    known = [observation(c, FULL, step=0) for c in CANDIDATES[:3]]
    fell = low(LARGEST, 0.99)
    assert propose(*known).candidate == LARGEST
    for at_hand in ((*known, fell), (fell,)):
        proposal = propose(*at_hand)
        assert (proposal.candidate, proposal.fidelity) != (LARGEST, FULL)
    passed = low(LARGEST, 0.01)
    assert propose(*known, passed).candidate == LARGEST
    assert "threshold" not in propose(*known, passed).reason


def test_afterwards_it_may_be_promoted_and_the_reason_says_why():
    known = [observation(c, FULL, step=0) for c in CANDIDATES[:3]]
    fell = low(LARGEST, 0.99, score=0.6)
    proposal = propose(*known, fell, observation(CANDIDATES[3], FULL, 2), low=())
    assert (proposal.candidate, proposal.fidelity) == (LARGEST, FULL)
    assert (
        ", although its low-fidelity evaluation at step 1 gave 0.6000, not above its promotion threshold 0.9900: "
        "a high-fidelity evaluation has finished since, and no other candidate has a higher probability now"
    ) in proposal.reason


def test_the_only_candidate_that_is_left_is_promoted_and_the_reason_says_so():
    known = [observation(c, f, step=0) for c in CANDIDATES if c != LARGEST for f in (FULL, LOW)]
    proposal = propose(*known, low(LARGEST, 0.99, score=None))
    assert (proposal.candidate, proposal.fidelity) == (LARGEST, FULL)
    assert "at step 1 failed, not above its promotion threshold 0.9900: no other candidate is left" in proposal.reason


def test_a_proposal_of_this_batch_is_no_evaluation_that_has_finished():
    """Of three proposals at once, none promotes what fell below just now."""
    known = [observation(c, FULL, step=0) for c in CANDIDATES[:3]]
    strategy = build_strategy("mf_kd", problem(3), {"draws": 64})
    proposals = strategy.propose(History((*known, low(LARGEST, 0.99))), PLENTY, np.random.default_rng(0))
    assert len(proposals) == 3
    assert all((p.candidate, p.fidelity) != (LARGEST, FULL) for p in proposals)


@pytest.mark.parametrize("agreement", [0.0, 0.95])
def test_in_a_whole_search_no_threshold_is_broken_in_silence(agreement):
    fell = promoted = 0
    for seed in range(3):
        steps = Synthetic({SHORT: agreement}, seed=seed, count=30).until_best(seed=seed)
        for place, step in enumerate(steps):
            seen = step.history.observations[-1]
            assert (seen.threshold is None) is (seen.fidelity == FULL)
            fell += seen.fell_below_threshold
            if seen.fidelity == SHORT:
                assert f"a high-fidelity one only above {seen.threshold:.4f} " in step.proposal.reason
                assert "is not promoted before another high-fidelity evaluation has finished" in step.proposal.reason
            before = [
                o for o in step.history.observations[:-1] if o.architecture_id == seen.architecture_id and o.threshold
            ]
            said = "not above its promotion threshold" in step.proposal.reason
            assert said is bool(seen.fidelity == FULL and before and before[-1].fell_below_threshold)
            if said:
                promoted += 1
                since = [o for o in step.history.observations[before[-1].step : place] if o.fidelity == FULL]
                assert re.search(rf"(a|{len(since)}) high-fidelity evaluations? ha", step.proposal.reason)
                assert since
    assert fell > promoted
