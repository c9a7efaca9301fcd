"""Hyper-parameters of a training, as values of the configuration. All change results, so none has a default."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt


class TrainingHyperParameters(BaseModel):
    """Stochastic gradient descent with Nesterov momentum; linear warm-up, then a cosine to zero.

    Attributes:
        batch_size: Images of a step; a subset with fewer images is one batch.
        learning_rate: Learning rate at the end of the warm-up.
        momentum: Momentum, in [0, 1).
        weight_decay: Weight decay of convolutions and linear layers; biases and normalisation have none.
        warmup_fraction: Fraction of the steps that are warm-up, in [0, 1).
        label_smoothing: Label smoothing of the cross-entropy, in [0, 1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    batch_size: PositiveInt
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegativeFloat
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
