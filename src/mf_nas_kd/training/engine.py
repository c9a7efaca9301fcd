"""The training loop."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from mf_nas_kd.device import autocast
from mf_nas_kd.errors import InvalidValueError, TrainingFailedError
from mf_nas_kd.images import Batch, ResidentImages
from mf_nas_kd.images.draws import Draws
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.training.objective import Objective
from mf_nas_kd.training.recipes import TrainingRecipe
from mf_nas_kd.training.step import prepare_step


@dataclass(frozen=True)
class FitResult:
    """What the loop has to say; the network itself was trained in place.

    Attributes:
        epoch_losses: Mean loss of each epoch.
        steps: Updates of the weights.
        loss_weight: Weight of the distillation loss after its warm-up, found where it was to be balanced.
    """

    epoch_losses: tuple[float, ...]
    steps: int
    loss_weight: float


def fit(
    network: nn.Module,
    images: ResidentImages,
    objective: Objective,
    recipe: TrainingRecipe,
    epochs: int,
    seed: int,
    after_epoch: Callable[[int, float], None] | None = None,
    after_step: Callable[[float], None] | None = None,
) -> FitResult:
    """Train a network in place.

    Which image and view each step sees is what :class:`Draws` says. Within an epoch the device is never waited for:
    losses add up there and are looked at once, at its end.

    Args:
        network: On the device of the images.
        images: The subset that is trained on.
        objective: What is minimised; learned adapters in it are trained as well.
        recipe: How.
        epochs: Passes over the images, at least 1.
        seed: Of the orders and views; the weights were drawn before.
        after_epoch: Called with the number of epochs done and the mean loss.
        after_step: Called with the share of the training that is done; it does not know the loss, which stays on the
            device.

    Raises:
        InvalidValueError: If there is nothing to train on.
        TrainingFailedError: If the loss of an epoch is not finite.
    """
    if epochs < 1 or len(images) == 0:
        raise InvalidValueError("(epochs, images)", (epochs, len(images)), "at least 1 each")
    draws = Draws.of(len(images), images.views, recipe.batch_size, seed)
    planned = draws.steps_an_epoch * epochs
    network.to(memory_format=torch.channels_last).train()
    optimiser = _optimiser(nn.ModuleList([network, objective]), recipe, images.device)
    schedule = LambdaLR(optimiser, _warm_up_then_cosine(recipe.warmup_fraction, planned))
    if objective.needs_balance:
        with autocast(images.device), torch_seeded(seed, "dropout", 0):
            objective.balance(network, images.batch(*(drawn.to(images.device) for drawn in draws.to_balance())))
    with torch_seeded(seed, "dropout", 0):
        step = prepare_step(network, images, objective, optimiser, draws.batch_size, planned)
    drawn = draws.epochs()
    steps = 0
    epoch_losses: list[float] = []
    for epoch in range(1, epochs + 1):
        step.total.zero_()
        with torch_seeded(seed, "dropout", epoch):
            for positions, views in _steps(draws, next(drawn), images.device):
                steps += 1
                step(positions, views, steps / planned)
                schedule.step()
                if after_step is not None:
                    after_step(steps / planned)
        epoch_losses.append(_require_finite(step.total.item() / draws.steps_an_epoch, epoch))
        if after_epoch is not None:
            after_epoch(epoch, epoch_losses[-1])
    with torch_seeded(seed, "dropout", 0):
        last = _steps(draws, next(drawn), images.device)
        recalibrate_normalisation(network, (images.batch(positions, views) for positions, views in last))
    return FitResult(tuple(epoch_losses), steps, objective.loss_weight)


@torch.no_grad()
def recalibrate_normalisation(network: nn.Module, batches: Iterable[Batch]) -> None:
    """Replace the moving averages of batch normalisation by averages at the final weights.

    A short training has few steps: its moving averages (momentum 0.1) still hold the statistics of weights long gone,
    and the accuracy would measure that lag. Source: Wu and Johnson (2021), Rethinking "Batch" in BatchNorm, arXiv
    2105.07576, section 3.

    Args:
        network: Left in training mode.
        batches: One more epoch, as in training; nothing is learned from it.
    """
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
    for number, batch in enumerate(batches, start=1):
        for layer in layers:
            layer.momentum = 1 / number  # the plain average of all so far
        with autocast(batch.images.device):
            network(batch.images)
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum


def _steps(draws: Draws, epoch: tuple[Tensor, Tensor], device: torch.device) -> Iterator[tuple[Tensor, Tensor]]:
    """Positions and views of each batch, brought to the device for a whole epoch at once."""
    positions, views = (drawn.to(device).split(draws.batch_size) for drawn in epoch)
    return zip(positions, views, strict=True)


def _optimiser(trained: nn.Module, recipe: TrainingRecipe, device: torch.device) -> SGD:
    """Weights decay, biases and normalisation do not: the tensors with one axis."""
    parameters = [parameter for parameter in trained.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": recipe.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate = recipe.learning_rate
    if device.type == "cuda":
        rate = torch.tensor(rate, device=device)  # a captured step reads it there
    return SGD(groups, lr=rate, momentum=recipe.momentum, nesterov=recipe.momentum > 0, fused=True)


def _warm_up_then_cosine(warmup_fraction: float, steps: int) -> Callable[[int], float]:
    """Factor of the learning rate by step (Loshchilov and Hutter, 2017, SGDR, eq. 5, one period, after a ramp)."""
    warmup_steps = math.ceil(warmup_fraction * steps)

    def factor(step: int) -> float:
        if step < warmup_steps:
            return (step + 1) / warmup_steps
        return 0.5 * (1 + math.cos(math.pi * (step - warmup_steps) / max(1, steps - warmup_steps)))

    return factor


def _require_finite(loss: float, epoch: int) -> float:
    if not math.isfinite(loss):
        raise TrainingFailedError(
            f"the mean loss of epoch {epoch} is {loss}: the learning rate or a loss weight is too large"
        )
    return loss
