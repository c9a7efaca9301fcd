"""Parameters of the pipeline ``search``."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, PositiveFloat, PositiveInt

from mf_nas_kd.records import Fidelity, FidelityGrid
from mf_nas_kd.registry import NameIn
from mf_nas_kd.search import STRATEGIES, Budget
from mf_nas_kd.search.front_objective import FRONT_OBJECTIVE, FrontCost, Objective
from mf_nas_kd.spaces import Limits


class SearchParameters(Limits):
    """Strategy, budget and candidates of the search, and limits on the costs of the winner (the fields of ``Limits``).

    Attributes:
        device: Device whose costs are limited: ``this`` for this machine, or the name of one whose measurements were
            read (``mf-nas-kd measure --read``). Without limits of such costs nothing is measured.
        strategy: A name in ``search.STRATEGIES``.
        objective: ``accuracy`` for the candidate with the best score; ``front`` for the Pareto front of score against
            ``front_cost``, with a strategy that can search for it.
        front_cost: The cost that stands against the score; latency and peak memory are those on ``device``.
        budget_seconds: Limit of the costs of all evaluations, in seconds of training.
        budget_evaluations: Limit of the number of evaluations, low- and high-fidelity ones alike.
        pool_size: Number of architectures sampled in addition to the candidates of the evaluation stage.
        proposals_at_a_time: Number of evaluations that run in parallel before the strategy has their results.
        seed: Seed of the pool and the strategy.
        stop_below_points: The search ends when the expected gain of the rest of the budget is below, in percentage
            points of the score; null for never. Only mf_kd has a model of it.
        low: Low fidelities for the strategies that use them; null for those of the evaluation stage.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    device: str
    strategy: Annotated[str, NameIn(STRATEGIES, "search.strategy")]
    objective: Objective
    front_cost: FrontCost
    budget_seconds: PositiveFloat
    budget_evaluations: PositiveInt
    pool_size: PositiveInt
    proposals_at_a_time: PositiveInt
    seed: int
    stop_below_points: PositiveFloat | None
    low: FidelityGrid | None

    @property
    def budget(self) -> Budget:
        """Budget of the search."""
        return Budget(self.budget_seconds, self.budget_evaluations)

    @property
    def low_fidelities(self) -> tuple[Fidelity, ...] | None:
        """Low fidelities of the search; None for those of the evaluation stage."""
        return None if self.low is None else self.low.values

    @property
    def limits(self) -> Limits:
        """Upper limits of the winner's costs."""
        return Limits(**{name: getattr(self, name) for name in Limits.model_fields})

    @property
    def cost_of_front(self) -> FrontCost | None:
        """The cost that stands against the score; None if the objective is no front."""
        return self.front_cost if self.objective == FRONT_OBJECTIVE else None
