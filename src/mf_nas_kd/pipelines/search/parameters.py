"""Parameters of the pipeline ``search``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt

from mf_nas_kd.records import FidelityGrid
from mf_nas_kd.registry import NameIn
from mf_nas_kd.search import STRATEGIES
from mf_nas_kd.spaces import Limits


class SearchParameters(BaseModel):
    """How to spend how much on what.

    Attributes:
        strategy: A name in ``search.STRATEGIES``.
        max_macs: Upper limit of the winner's multiply-accumulates; null for none.
        max_params: Upper limit of its parameters; null for none.
        budget_seconds: Training time that may be spent.
        budget_evaluations: Trainings that may be spent, short and full ones alike.
        pool_size: Architectures sampled beside the candidates of the evaluation stage.
        proposals_at_a_time: Trainings that run beside each other before the strategy sees their results.
        seed: Of the pool and the strategy.
        low: What short trainings there may be, for the strategies that use them; null for all that the evaluation stage
            has judged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Annotated[str, NameIn(STRATEGIES, "search.strategy")]
    max_macs: PositiveInt | None
    max_params: PositiveInt | None
    budget_seconds: PositiveFloat
    budget_evaluations: PositiveInt
    pool_size: PositiveInt
    proposals_at_a_time: PositiveInt
    seed: int
    low: FidelityGrid | None

    @property
    def limits(self) -> Limits:
        """Upper limits of the winner's cost."""
        return Limits(self.max_macs, self.max_params)
