"""Distillation configurations: a loss, its options and the weights of the terms. All change results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    RootModel,
    ValidationInfo,
    field_validator,
)

from mf_nas_kd.distillation import LOSSES, LossOptions, validate_options
from mf_nas_kd.errors import InvalidValueError, UnknownNameError
from mf_nas_kd.registry import NameIn, OptionsFor

GRADIENT_NORM: Literal["gradient_norm"] = "gradient_norm"
"""Value of ``loss_weight``: the weight is found at the start of each training, by matching gradient norms."""


class DistillationConfiguration(BaseModel):
    """One way to distil: ``cross_entropy_weight * cross_entropy + warm_up * loss_weight * loss``.

    Attributes:
        loss: A name in ``distillation.LOSSES``.
        cross_entropy_weight: ``γ`` of the literature.
        loss_weight: ``β`` (``α`` for ``kd``); or ``gradient_norm``, to have it found at the start of each training.
        loss_warmup_fraction: Fraction of the training's steps, in [0, 1], over which the weight rises from 0, linearly.
        options: Options of the loss, all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    loss: Annotated[str, NameIn(LOSSES, "distillation loss")]
    cross_entropy_weight: NonNegativeFloat
    loss_weight: NonNegativeFloat | Literal["gradient_norm"]
    loss_warmup_fraction: Annotated[float, Field(ge=0, le=1)]
    options: Annotated[LossOptions, OptionsFor(LOSSES, "loss")]

    @field_validator("options", mode="before")
    @classmethod
    def _options_are_those_of_the_loss(cls, options: Any, info: ValidationInfo) -> Any:
        """Checked before the annotation does it, which gives editors their schema, for a message of one line."""
        if "loss" not in info.data or not isinstance(options, Mapping):
            return options  # the error is another field's, or pydantic's own
        return validate_options(info.data["loss"], options)

    @property
    def distils(self) -> bool:
        """Whether a teacher takes part."""
        return self.loss != "none"

    @property
    def matches_gradient_norm(self) -> bool:
        """Whether the loss's weight is found at the start of each training."""
        return self.loss_weight == GRADIENT_NORM

    @property
    def key_payload(self) -> dict[str, Any]:
        """Content of an evaluation's key, with the words of the first version: stored results are found under it."""
        payload = self.model_dump()
        return {**payload, "loss_weight": "balanced"} if self.matches_gradient_norm else payload


def require_mixable(configuration: DistillationConfiguration, mixup: float) -> None:
    """Refuse mixed images for a loss that needs the label or the position of each image.

    Args:
        configuration: The distillation configuration.
        mixup: ``mixup`` of the training's hyper-parameters.

    Raises:
        InvalidValueError: If the loss needs them, and images are mixed.
    """
    if mixup > 0 and not LOSSES[configuration.loss].mixable:
        allowed = f"0 with the loss {configuration.loss}, which needs the label or the position of each image"
        raise InvalidValueError("training.hyper_parameters.mixup", mixup, allowed)


class DistillationConfigurations(RootModel[dict[str, DistillationConfiguration]]):
    """Distillation configurations by the name that a fidelity's ``distillation`` refers to; ``none`` is among them."""

    model_config = ConfigDict(frozen=True)

    @field_validator("root")
    @classmethod
    def _plain_training_is_there(
        cls, configurations: dict[str, DistillationConfiguration]
    ) -> dict[str, DistillationConfiguration]:
        if "none" not in configurations or configurations["none"].distils:
            raise UnknownNameError("plain configuration of distillation", "none", ["none, with the loss none"])
        return configurations

    def __getitem__(self, name: str) -> DistillationConfiguration:
        return self.root[name]
