"""Why a search ended."""

from __future__ import annotations

from mf_nas_kd.search.budget import UNLIMITED, Budget
from mf_nas_kd.search.history import History
from mf_nas_kd.search.strategy import Proposal, Strategy
from mf_nas_kd.seeding import numpy_generator


def gain_below(points: float | None, strategy: Strategy, history: History, left: Budget, seed: int) -> float | None:
    """The expected gain of the rest of the budget, if it is below a limit; both in percentage points.

    Args:
        points: The limit; None for none.
        strategy: The strategy.
        history: All observations.
        left: What is left of the budget.
        seed: Seed of the strategy's random choices.
    """
    if points is None:
        return None
    gain = strategy.expected_gain_points(history, left, numpy_generator(seed, "gain", len(history)))
    return gain if gain is not None and gain < points else None


def why_ended(
    strategy: Strategy,
    history: History,
    budget: Budget,
    left: Budget,
    seed: int,
    stop_below_points: float | None = None,
) -> str:
    """One sentence that says why a search ended.

    The strategy is asked once more, as if its budget had no limit: what it then proposes is what the budget does not
    afford.

    Args:
        strategy: The strategy.
        history: All observations.
        budget: The budget of the search.
        left: What is left of it.
        seed: Seed of the strategy's random choices.
        stop_below_points: Limit of the expected gain, see :func:`.run_search`.
    """
    if left.evaluations <= 0:
        return f"the budget of {budget.evaluations} evaluations is used up"
    problem = strategy.problem
    without = len(problem.by_id.keys() - history.tried(problem.full))
    if not without:
        return f"all {len(problem.candidates)} candidates have been evaluated at the target fidelity"
    gain = gain_below(stop_below_points, strategy, history, left, seed)
    if gain is not None:
        return (
            f"the expected gain of the rest of the budget, {gain:.3f} percentage points, is below "
            f"search.stop_below_points, {stop_below_points:g}"
        )
    wanted = strategy.propose(history, UNLIMITED, numpy_generator(seed, "search", len(history)))
    if not wanted:
        return f"the strategy proposed nothing, with {without} candidates that have no high-fidelity evaluation"
    return _not_afforded(wanted[0], history, budget, left)


def _not_afforded(wanted: Proposal, history: History, budget: Budget, left: Budget) -> str:
    expected = history.expected_cost(wanted.candidate, wanted.fidelity)
    return (
        f"the budget of {budget.seconds:g} s does not afford the next evaluation: {max(left.seconds, 0):.1f} s are "
        f"left, and {wanted.candidate.id} at {wanted.fidelity} is expected to cost up to {expected:.1f} s"
    )
