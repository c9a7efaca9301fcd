"""Settings of the statistics of a study: the parameter ``correlation``."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, PositiveInt

from mf_nas_kd.statistics.bootstrap import BootstrapSettings

Probability = Annotated[float, Field(gt=0, lt=1)]


class AddedValueSettings(BaseModel):
    """Settings of the permutation test of added value, see :mod:`mf_nas_kd.statistics.added_value`.

    Attributes:
        permutations: Number of permutations; the smallest p value is ``1 / (permutations + 1)``.
        level: Probability of a false claim, over all low fidelities together, in (0, 1).
        power: Probability, in (0, 1), with which an effect of the size that is called detectable is found.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    permutations: PositiveInt
    level: Probability
    power: Probability


class CorrelationSettings(BootstrapSettings):
    """Settings of the bootstrap intervals, and of the test of added value.

    Attributes:
        added_value: Settings of the test of added value; its permutations have the same seed.
    """

    added_value: AddedValueSettings
