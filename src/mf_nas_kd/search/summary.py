"""What the low- and the high-fidelity evaluations of a search cost, and what they led to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mf_nas_kd.search.history import History, Observation
from mf_nas_kd.search.problem import SearchProblem
from mf_nas_kd.search.usual_costs import usual_costs


@dataclass(frozen=True)
class SearchSummary:
    """Numbers and costs of the evaluations that were charged to a search, and where its winner came from.

    Attributes:
        low_fidelity_evaluations: Number of low-fidelity evaluations.
        low_fidelity_seconds: What they were charged, in seconds.
        high_fidelity_evaluations: Number of evaluations at the target fidelity.
        high_fidelity_seconds: What they were charged, in seconds.
        not_promoted: Number of candidates that the search evaluated at low fidelity and that have no high-fidelity
            evaluation at its end.
        not_promoted_seconds: What their high-fidelity evaluations would usually have cost, in seconds. This is not a
            saving: a search without low-fidelity evaluations would not have evaluated all of them.
        below_threshold: Number of candidates whose result fell below the promotion threshold that was announced.
        promoted_below_threshold: How many of these were evaluated at high fidelity all the same.
        winner_step: Step at which the winner was first evaluated at the target fidelity; 0 if that was before the
            search.
        winner_known_before: Whether the winner was evaluated at the target fidelity before the search.
    """

    low_fidelity_evaluations: int
    low_fidelity_seconds: float
    high_fidelity_evaluations: int
    high_fidelity_seconds: float
    not_promoted: int
    not_promoted_seconds: float
    below_threshold: int
    promoted_below_threshold: int
    winner_step: int
    winner_known_before: bool

    def __str__(self) -> str:
        low, high, below = self.low_fidelity_evaluations, self.high_fidelity_evaluations, self.below_threshold
        found = "before the search" if self.winner_known_before else f"at step {self.winner_step}"
        return (
            f"{low} low-fidelity evaluations took {self.low_fidelity_seconds:.1f} s, {high} high-fidelity ones "
            f"{self.high_fidelity_seconds:.1f} s; {self.not_promoted} candidates were evaluated at low fidelity only, "
            f"whose high-fidelity evaluations would usually have taken {self.not_promoted_seconds:.1f} s; {below} fell "
            f"below their promotion threshold, {self.promoted_below_threshold} of these were evaluated at high "
            f"fidelity all the same; the winner was first evaluated {found}"
        )


def search_summary(problem: SearchProblem, history: History, winner_id: str) -> SearchSummary:
    """Summarise a search that has ended.

    Args:
        problem: Candidates and fidelities.
        history: All observations, those from before the search included.
        winner_id: Stable name of the winner.
    """
    charged = [seen for seen in history if seen.step > 0]
    high = [seen for seen in charged if seen.fidelity == problem.full]
    low = [seen for seen in charged if seen.fidelity != problem.full]
    not_promoted = {seen.architecture_id for seen in low} - history.tried(problem.full)
    below = {seen.architecture_id for seen in low if seen.fell_below_threshold}
    winner_step = min(seen.step for seen in history if seen.architecture_id == winner_id and _full(seen, problem))
    return SearchSummary(
        low_fidelity_evaluations=len(low),
        low_fidelity_seconds=_seconds(low),
        high_fidelity_evaluations=len(high),
        high_fidelity_seconds=_seconds(high),
        not_promoted=len(not_promoted),
        not_promoted_seconds=len(not_promoted) * float(usual_costs(problem, history)[0]),
        below_threshold=len(below),
        promoted_below_threshold=len(below & _promoted_after_falling(high, low)),
        winner_step=winner_step,
        winner_known_before=winner_step == 0,
    )


def _promoted_after_falling(high: Sequence[Observation], low: Sequence[Observation]) -> set[str]:
    """Candidates whose last result with a threshold before their high-fidelity evaluation fell below it."""
    last = {
        seen.architecture_id: before
        for seen in high
        for before in low
        if before.architecture_id == seen.architecture_id and before.step < seen.step and before.threshold is not None
    }
    return {name for name, before in last.items() if before.fell_below_threshold}


def _seconds(observations: Sequence[Observation]) -> float:
    return float(sum(seen.charged_seconds for seen in observations))


def _full(seen: Observation, problem: SearchProblem) -> bool:
    return seen.fidelity == problem.full and seen.score is not None
