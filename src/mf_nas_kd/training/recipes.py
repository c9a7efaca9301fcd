"""How to train, as values of the configuration. Everything here changes results, so nothing has a default."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from mf_nas_kd.distillation import check_options


class TrainingRecipe(BaseModel):
    """Stochastic gradient descent with Nesterov momentum; linear warm-up, then a cosine to zero.

    Attributes:
        batch_size: Images a step; a subset with fewer images is one batch.
        learning_rate: At the end of the warm-up.
        momentum: In [0, 1).
        weight_decay: Of weights of convolutions and linear layers; biases and normalisation have none.
        warmup_fraction: Share of the steps, in [0, 1).
        label_smoothing: In [0, 1).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    batch_size: PositiveInt
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegativeFloat
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]


BALANCED = "balanced"


class DistillationRecipe(BaseModel):
    """One way to imitate: ``cross_entropy_weight * cross_entropy + warm_up * loss_weight * loss``.

    Attributes:
        loss: A name in ``distillation.LOSSES``.
        cross_entropy_weight: ``γ`` of the literature.
        loss_weight: ``β`` (``α`` for ``kd``); or ``balanced``, to have it found at the start of each training.
        loss_warmup_fraction: Share of the training's steps, in [0, 1], over which the weight rises from 0, linearly.
        options: Options of the loss.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    loss: str
    cross_entropy_weight: NonNegativeFloat
    loss_weight: NonNegativeFloat | Literal["balanced"]
    loss_warmup_fraction: Annotated[float, Field(ge=0, le=1)]
    options: dict[str, Any]

    @model_validator(mode="after")
    def _options_belong_to_the_loss(self) -> DistillationRecipe:
        check_options(self.loss, self.options)
        return self

    @property
    def imitates(self) -> bool:
        """Whether a teacher takes part."""
        return self.loss != "none"
