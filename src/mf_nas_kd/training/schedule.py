"""Learning rate schedules: the factor of the learning rate at each step of a training."""

from __future__ import annotations

import math
from collections.abc import Callable

from mf_nas_kd.images import Draws
from mf_nas_kd.training.hyper_parameters import TrainingHyperParameters


def schedule_of(hyper_parameters: TrainingHyperParameters, draws: Draws, epochs: int) -> Callable[[int], float]:
    """Factor of the learning rate by step.

    Args:
        hyper_parameters: Schedule, and length of its parts.
        draws: They determine the number of steps.
        epochs: Epochs of the training.
    """
    if hyper_parameters.can_be_paused:
        constant = draws.steps(constant_epochs(hyper_parameters, epochs))
        return _constant_then_decay(draws.steps(1), constant, draws.steps(epochs))
    return _warm_up_then_cosine(hyper_parameters.warmup_fraction, draws.steps(epochs))


def constant_epochs(hyper_parameters: TrainingHyperParameters, epochs: int) -> int:
    """Epochs before the learning rate decays, at the end of which a training can be paused; 0 with a cosine.

    Trainings that differ only in their number of epochs are equal until the shorter one decays.

    Args:
        hyper_parameters: Schedule, and the share of the decay, which has whole epochs, at least one.
        epochs: Epochs of the training.
    """
    if not hyper_parameters.can_be_paused:
        return 0
    return epochs - max(1, round(hyper_parameters.decay_fraction * epochs))


def _warm_up_then_cosine(warmup_fraction: float, steps: int) -> Callable[[int], float]:
    """One period after a ramp (Loshchilov and Hutter, 2017, SGDR, eq. 5)."""
    warmup_steps = math.ceil(warmup_fraction * steps)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, steps - warmup_steps)))

    return factor


def _constant_then_decay(warmup_steps: int, constant_steps: int, steps: int) -> Callable[[int], float]:
    """Ramp, constant, and a decay by ``1 - sqrt`` of its progress (Hägele et al., 2024, section 3).

    In a training that decays from its first step, ramp and decay are multiplied.
    """

    def factor(step: int) -> float:
        ramp = min(1.0, (step + 1) / warmup_steps)
        decayed = max(0, step - constant_steps) / (steps - constant_steps)
        return ramp * (1 - math.sqrt(min(1.0, decayed)))

    return factor
