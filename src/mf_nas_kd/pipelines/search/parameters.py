"""Parameters of the pipeline ``search``."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, PositiveFloat, PositiveInt

from mf_nas_kd.records import FidelityGrid
from mf_nas_kd.registry import NameIn
from mf_nas_kd.search import STRATEGIES
from mf_nas_kd.spaces import Limits


class SearchParameters(Limits):
    """How to spend how much on what; the limits on the winner's costs are the fields of :class:`Limits`.

    Attributes:
        strategy: A name in ``search.STRATEGIES``.
        budget_seconds: Training time that may be spent.
        budget_evaluations: Evaluations that may be spent, low- and high-fidelity ones alike.
        pool_size: Architectures sampled beside the candidates of the evaluation stage.
        proposals_at_a_time: Evaluations that run in parallel before the strategy has their results.
        seed: Seed of the pool and the strategy.
        low: Low fidelities for the strategies that use them; null for all that the evaluation stage has judged.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    strategy: Annotated[str, NameIn(STRATEGIES, "search.strategy")]
    budget_seconds: PositiveFloat
    budget_evaluations: PositiveInt
    pool_size: PositiveInt
    proposals_at_a_time: PositiveInt
    seed: int
    low: FidelityGrid | None

    @property
    def limits(self) -> Limits:
        """Upper limits of the winner's costs."""
        return Limits(**{name: getattr(self, name) for name in Limits.model_fields})
