"""History of a search: all observations at the time of a proposal."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass, replace

import numpy as np

from mf_nas_kd.records.evaluation import Evaluation
from mf_nas_kd.records.fidelity import Fidelity
from mf_nas_kd.search.problem import Candidate, SearchProblem


@dataclass(frozen=True)
class Observation:
    """The part of an evaluation that a strategy may see; the test accuracy is not in it.

    Attributes:
        architecture_id: Stable name of the architecture.
        fidelity: Fidelity of the evaluation.
        score: Value in [0, 1] of the metric that selects, for the validation images; None if the training failed.
        cost_seconds: Cost of the evaluation from scratch, in seconds.
        macs: Multiply-accumulates of the architecture at full width.
        step: Step of the search that was charged for the evaluation; 0 if it was known before the search.
        lost_seconds: Time that was lost to faults of machines before it, in seconds; it is charged as well.
        threshold: Promotion threshold that its proposal announced, see :class:`.Proposal`; None if it announced none.
        pause_seconds: What a longer training that continues this one saves, in seconds; None if none can.
        reused_seconds: Part of ``cost_seconds`` that was not spent, because an earlier training was continued.
    """

    architecture_id: str
    fidelity: Fidelity
    score: float | None
    cost_seconds: float
    macs: int
    step: int
    lost_seconds: float = 0.0
    threshold: float | None = None
    pause_seconds: float | None = None
    reused_seconds: float = 0.0

    @property
    def charged_seconds(self) -> float:
        """What the budget is charged, in seconds."""
        return self.cost_seconds - self.reused_seconds + self.lost_seconds

    @property
    def fell_below_threshold(self) -> bool:
        """Whether the result is not above the promotion threshold that was announced; a failed one is not."""
        return self.threshold is not None and not (self.score is not None and self.score > self.threshold)

    @classmethod
    def of(
        cls,
        evaluation: Evaluation | Observation,
        step: int,
        problem: SearchProblem,
        threshold: float | None = None,
    ) -> Observation:
        """Observation of an evaluation, without what a strategy may not see.

        Args:
            evaluation: A finished or failed evaluation.
            step: Step of the search that was charged for it; 0 for what was known before.
            problem: Its metric gives the score. MACs of a candidate are those at full width; those of an architecture
                that is no candidate are estimated from the width; at a reduced image size the estimate is too low.
                Without ``continuation``, nothing can be continued.
            threshold: Promotion threshold that was announced; None if there was none.
        """
        pause_seconds = evaluation.pause_seconds if problem.continuation else None
        if isinstance(evaluation, Observation):
            return replace(evaluation, step=step, threshold=threshold, pause_seconds=pause_seconds)
        candidate = problem.by_id.get(evaluation.architecture.id)
        estimate = round(evaluation.costs.macs / evaluation.fidelity.relative_macs)
        return cls(
            architecture_id=evaluation.architecture.id,
            fidelity=evaluation.fidelity,
            score=problem.metric.of(evaluation.metrics),
            cost_seconds=evaluation.cost_seconds,
            macs=estimate if candidate is None else candidate.macs,
            step=step,
            lost_seconds=evaluation.lost_seconds or 0.0,
            threshold=threshold,
            pause_seconds=pause_seconds,
            reused_seconds=evaluation.reused_seconds or 0.0,
        )


@dataclass(frozen=True)
class History:
    """All observations, oldest first."""

    observations: tuple[Observation, ...] = ()

    def __len__(self) -> int:
        return len(self.observations)

    def __iter__(self) -> Iterator[Observation]:
        return iter(self.observations)

    def with_(self, *observations: Observation) -> History:
        """This history, followed by further observations."""
        return History((*self.observations, *observations))

    def tried(self, fidelity: Fidelity) -> set[str]:
        """Stable names of the architectures that were evaluated at a fidelity, failed or not."""
        return {seen.architecture_id for seen in self if seen.fidelity == fidelity}

    def scores(self, fidelity: Fidelity, among: Container[str] | None = None) -> dict[str, float]:
        """Scores of the architectures that finished at a fidelity; only those in ``among``, if given."""
        return {
            seen.architecture_id: seen.score
            for seen in self
            if seen.fidelity == fidelity and seen.score is not None and (among is None or seen.architecture_id in among)
        }

    def charged(self, fidelity: Fidelity) -> tuple[Observation, ...]:
        """Observations at a fidelity that were charged to the budget of this search."""
        return tuple(seen for seen in self if seen.fidelity == fidelity and seen.step > 0)

    def best(self, fidelity: Fidelity, among: Container[str]) -> tuple[str, float] | None:
        """The architecture with the highest score at a fidelity, and this score."""
        return max(self.scores(fidelity, among).items(), key=lambda item: item[1], default=None)

    def expected_cost(self, candidate: Candidate, fidelity: Fidelity) -> float:
        """Cautious estimate of the marginal cost of an evaluation, in seconds.

        Mean plus two standard deviations of the costs at this fidelity, scaled up for a candidate with more
        multiply-accumulates than any observed one. Without an observation at this fidelity, the costs of the others
        count in proportion to their passes over the images; without any observation the estimate is 0. Failed trainings
        do not count: they ended early. Where the evaluation continues an earlier training, what that saves is
        subtracted, and the cost from scratch is at least that of the earlier one in proportion to the passes.
        """
        finished = [seen for seen in self if seen.score is not None]
        same = [seen for seen in finished if seen.fidelity == fidelity]
        seen = same or finished
        if not seen:
            return 0.0
        seconds = np.array([s.cost_seconds * float(fidelity.image_passes / s.fidelity.image_passes) for s in seen])
        larger = max(1.0, candidate.macs / max(s.macs for s in seen))
        from_scratch = float(seconds.mean() + 2 * seconds.std()) * larger
        earlier = self.continued(candidate.id, fidelity)
        if earlier is None:
            return from_scratch
        own = earlier.cost_seconds * float(fidelity.image_passes / earlier.fidelity.image_passes)
        return max(from_scratch, own) - _pause_seconds(earlier)

    def continued(self, architecture_id: str, fidelity: Fidelity) -> Observation | None:
        """The observation that an evaluation would continue: the one that saves most; None if there is none.

        Args:
            architecture_id: Stable name of the architecture.
            fidelity: Fidelity of the evaluation.
        """
        possible = (s for s in self if s.architecture_id == architecture_id and s.pause_seconds is not None)
        return max((s for s in possible if fidelity.continues(s.fidelity)), key=_pause_seconds, default=None)

    def saved_seconds(self, architecture_id: str, fidelity: Fidelity) -> float:
        """What an evaluation saves by continuing an earlier training, in seconds; 0 if it can continue none."""
        earlier = self.continued(architecture_id, fidelity)
        return 0.0 if earlier is None else _pause_seconds(earlier)


def _pause_seconds(observation: Observation) -> float:
    return observation.pause_seconds or 0.0
