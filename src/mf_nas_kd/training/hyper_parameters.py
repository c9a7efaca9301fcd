"""Hyper-parameters of a training, as values of the configuration. All change results, so none has a default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, PositiveInt

from mf_nas_kd.registry import NameIn
from mf_nas_kd.training.class_weights import CLASS_WEIGHTS

COSINE = "cosine"
CONSTANT_THEN_DECAY = "constant_then_decay"

LATER: Mapping[str, Any] = {"weight_averaging": 0, "mixup": 0, "class_weights": "none", "schedule": COSINE}
"""Fields after the first version, with the values that change nothing."""


class TrainingHyperParameters(BaseModel):
    """Stochastic gradient descent with Nesterov momentum, and a schedule of the learning rate.

    Attributes:
        batch_size: Images of a step; a subset with fewer images is one batch.
        learning_rate: Learning rate at the end of the warm-up.
        momentum: Momentum, in [0, 1).
        weight_decay: Weight decay of convolutions and linear layers; biases and normalisation have none.
        schedule: ``cosine``: linear warm-up, then a cosine to zero. ``constant_then_decay`` (Hägele et al., 2024.
            Scaling Laws and Compute-Optimal Training Beyond Fixed Training Durations. NeurIPS): linear warm-up in the
            first epoch, constant, then a decay to zero. Trainings that differ in their epochs only are then equal until
            the shorter one decays, and a shorter one is continued at the cost of the difference.
        decay_fraction: With ``constant_then_decay``: share of the epochs that are decay, in (0, 1], rounded to whole
            epochs, at least one; 0.2 in the publication.
        warmup_fraction: With ``cosine``: fraction of the steps that are warm-up, in [0, 1).
        label_smoothing: Label smoothing of the cross-entropy, in [0, 1).
        weight_averaging: Largest decay, a step, of the moving average of the weights (:class:`WeightAverage`), in
            [0, 1); 0 for none. With it, the averaged network is the one that is measured and kept. It averages over the
            last ``1 / (1 - weight_averaging)`` steps or so.
        mixup: ``α`` of the Beta distribution from which the share of an image in its mixture with another one of the
            batch is drawn, at least 0; 0 mixes nothing (Zhang et al., 2018). See :func:`mf_nas_kd.images.mixtures`.
        class_weights: Weights of the classes in the cross-entropy, from the images of each class that are trained on:
            ``none``, ``balanced`` or ``effective_number``. See :mod:`mf_nas_kd.training.class_weights`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    batch_size: PositiveInt
    learning_rate: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]
    weight_decay: NonNegativeFloat
    schedule: Literal["cosine", "constant_then_decay"]
    decay_fraction: Annotated[float, Field(gt=0, le=1)]
    warmup_fraction: Annotated[float, Field(ge=0, lt=1)]
    label_smoothing: Annotated[float, Field(ge=0, lt=1)]
    weight_averaging: Annotated[float, Field(ge=0, lt=1)]
    mixup: NonNegativeFloat
    class_weights: Annotated[str, NameIn(CLASS_WEIGHTS, "class_weights")]

    @property
    def can_be_paused(self) -> bool:
        """Whether a training is equal to those of more epochs until its learning rate decays."""
        return self.schedule == CONSTANT_THEN_DECAY

    @property
    def key_payload(self) -> dict[str, Any]:
        """Content of keys: without the field of the other schedule, and the fields of ``LATER`` that change nothing."""
        unused = "decay_fraction" if self.schedule == COSINE else "warmup_fraction"
        return {
            name: value
            for name, value in self.model_dump().items()
            if name != unused and (name not in LATER or value != LATER[name])
        }
