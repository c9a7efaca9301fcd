"""A paused training: all that a training needs to go on as if it had never been paused.

Orders, augmentations, mixtures and dropout are functions of the seed and the epoch, so the state is that of weights,
statistics, optimiser and average.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mf_nas_kd.training.objective import Objective
from mf_nas_kd.training.weight_average import WeightAverage

MOMENTUM = "momentum_buffer"


@dataclass(frozen=True, eq=False)
class PausedTraining:
    """State of a training after an epoch, on the CPU.

    Attributes:
        epochs: Number of epochs done.
        epoch_losses: Mean loss of each.
        loss_weight: Weight of the distillation loss, also where it was found by gradient norms.
        network: Weights and statistics by their names.
        objective: Adapters and memories of the distillation loss, by their names.
        momentum: Momentum of the trained tensors that have one, by their positions in the optimiser.
        average: State of the moving average of the weights; None where none is kept.
    """

    epochs: int
    epoch_losses: tuple[float, ...]
    loss_weight: float
    network: dict[str, Any]
    objective: dict[str, Any]
    momentum: dict[int, Tensor]
    average: dict[str, Any] | None


def pause(
    epoch_losses: list[float],
    network: nn.Module,
    objective: Objective,
    optimiser: Optimizer,
    average: WeightAverage | None,
) -> PausedTraining:
    """Copy the state of a training after an epoch.

    Args:
        epoch_losses: Mean loss of each epoch so far.
        network: The network.
        objective: The objective.
        optimiser: Stochastic gradient descent, after at least one step.
        average: The moving average of the weights; None where none is kept.
    """
    return PausedTraining(
        epochs=len(epoch_losses),
        epoch_losses=tuple(epoch_losses),
        loss_weight=objective.loss_weight,
        network=_copied(network.state_dict()),
        objective=_copied(objective.state_dict()),
        momentum={
            position: _copied(optimiser.state[parameter][MOMENTUM])
            for position, parameter in _parameters(optimiser)
            if optimiser.state.get(parameter, {}).get(MOMENTUM) is not None
        },
        average=_copied(average.state_dict()) if average is not None else None,
    )


def resume(
    paused: PausedTraining,
    network: nn.Module,
    objective: Objective,
    average: WeightAverage | None,
) -> None:
    """Bring networks, objective and average to a paused state; see :func:`resume_optimiser` for the rest.

    Args:
        paused: The state.
        network: The network, as it was built for the first epoch.
        objective: Likewise the objective.
        average: Likewise the moving average.
    """
    network.load_state_dict(paused.network)
    objective.load_state_dict(paused.objective)
    objective.loss_weight, objective.needs_gradient_norm_matching = paused.loss_weight, False
    if average is not None and paused.average is not None:
        average.load_state_dict(paused.average)


def resume_optimiser(paused: PausedTraining, optimiser: Optimizer) -> None:
    """Give the optimiser its momentum back: in place where a captured step has made the tensors already."""
    for position, parameter in _parameters(optimiser):
        momentum = paused.momentum.get(position)
        if momentum is None:
            continue
        state = optimiser.state[parameter]
        if state.get(MOMENTUM) is None:
            state[MOMENTUM] = torch.empty_like(momentum, device=parameter.device)
        state[MOMENTUM].copy_(momentum)


def _parameters(optimiser: Optimizer) -> Iterator[tuple[int, Tensor]]:
    """Trained tensors with their positions in the optimiser."""
    return enumerate(parameter for group in optimiser.param_groups for parameter in group["params"])


def _copied(value: Any) -> Any:
    """A copy on the CPU with the same strides, of a tensor or of those in a dictionary or a tuple."""
    if isinstance(value, Tensor):
        return torch.empty_like(value, device="cpu", memory_format=torch.preserve_format).copy_(value.detach())
    if isinstance(value, dict):
        return {name: _copied(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_copied(each) for each in value)
    return value
