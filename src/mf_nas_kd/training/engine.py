"""The training loop."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, islice

import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.optim.lr_scheduler import LambdaLR

from mf_nas_kd.device import autocast
from mf_nas_kd.errors import InvalidValueError, TrainingFailedError
from mf_nas_kd.images import Draws, ResidentImages, mixtures
from mf_nas_kd.networks.initialisation import torch_seeded
from mf_nas_kd.training.hyper_parameters import TrainingHyperParameters
from mf_nas_kd.training.normalisation import recalibrate_normalisation
from mf_nas_kd.training.objective import Objective
from mf_nas_kd.training.pause import PausedTraining, pause, resume, resume_optimiser
from mf_nas_kd.training.schedule import constant_epochs, schedule_of
from mf_nas_kd.training.speed_ups import ALL, SpeedUps
from mf_nas_kd.training.step import Drawn, Step, prepare_step
from mf_nas_kd.training.weight_average import WeightAverage

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FitResult:
    """Measurements of the training loop; the network itself was trained in place.

    Attributes:
        epoch_losses: Mean loss of each epoch.
        steps: Number of updates of the weights.
        loss_weight: Weight of the distillation loss after its warm-up, also where it was found by gradient norms.
        averaged: A second network, with the moving average of the weights; None where none is kept. Its normalisation
            is recalibrated with the same batches as that of the trained one.
    """

    epoch_losses: tuple[float, ...]
    steps: int
    loss_weight: float
    averaged: nn.Module | None = None

    def delivered(self, trained: nn.Module) -> nn.Module:
        """The network that a training delivers: the averaged one where there is one, else the trained one.

        Args:
            trained: The network that was trained in place.
        """
        return trained if self.averaged is None else self.averaged


def fit(
    network: nn.Module,
    images: ResidentImages,
    objective: Objective,
    hyper_parameters: TrainingHyperParameters,
    epochs: int,
    seed: int,
    after_epoch: Callable[[int, float], None] | None = None,
    after_step: Callable[[float], None] | None = None,
    speed_ups: SpeedUps = ALL,
    paused: PausedTraining | None = None,
    on_pause: Callable[[PausedTraining], None] | None = None,
) -> FitResult:
    """Train a network in place.

    Which image and augmentation each step sees is a function of :class:`Draws`. Within an epoch the device is never
    waited for: losses add up there and are read once, at its end.

    Args:
        network: A network on the device of the images.
        images: The subset that is trained on.
        objective: The objective; learned adapters in it are trained as well.
        hyper_parameters: Optimiser and schedule.
        epochs: Passes over the images, at least 1, see :meth:`Draws.steps`.
        seed: Seed of the orders, augmentations and dropout; the weights were drawn before.
        after_epoch: Called with the number of epochs done and the mean loss; the network is the trained one, not the
            averaged.
        after_step: Called with the fraction of the training that is done, in (0, 1]; the loss is not known then, it
            stays on the device.
        speed_ups: Which of them may be used; they change results by rounding only.
        paused: State from which the training goes on; on a CPU the result is that of an unpaused training to the last
            bit. It is of a training that is equal until then, see :func:`constant_epochs`.
        on_pause: Called with the state before the learning rate decays; never where that is at the first step, or lies
            before ``paused``.

    Raises:
        InvalidValueError: If there is nothing to train on, or the loss cannot have mixed images.
        TrainingFailedError: If the loss of an epoch is not finite, or a weight or statistic after the last step.
    """
    if epochs < 1 or len(images) == 0:
        raise InvalidValueError("(epochs, images)", (epochs, len(images)), "at least 1 each")
    objective.require_mixable(hyper_parameters.mixup)
    draws = Draws.of(len(images), len(images.augmentation), hyper_parameters.batch_size, seed)
    drawn = _epochs(draws, hyper_parameters.mixup)
    first = next(drawn)
    begun = _begin(network, images, objective, hyper_parameters, epochs, draws, first, speed_ups, paused)
    before_decay = constant_epochs(hyper_parameters, epochs)
    losses, step, average = begun.epoch_losses, begun.step, begun.average
    steps, planned = draws.steps(len(losses)), draws.steps(epochs)
    for epoch, order in enumerate(islice(chain([first], drawn), len(losses), epochs), start=len(losses) + 1):
        step.total.zero_()
        with torch_seeded(seed, "dropout", epoch):
            for batch in _batches(draws, order, images.device):
                steps += 1
                step(batch, steps / planned)
                begun.schedule.step()
                if average is not None:
                    average.update()
                if after_step is not None:
                    after_step(steps / planned)
        losses.append(_require_finite(step.total.item() / (len(order[0]) // draws.batch_size), epoch))
        if after_epoch is not None:
            after_epoch(epoch, losses[-1])
        if on_pause is not None and epoch == before_decay:
            on_pause(pause(losses, network, objective, begun.optimiser, average))
    averaged = average.network() if average is not None else None
    last = list(_batches(draws, next(drawn)[:2], images.device))
    for finished in filter(None, (network, averaged)):
        with torch_seeded(seed, "dropout", 0):
            recalibrate_normalisation(finished, (images.batch(*batch) for batch in last))
        _require_finite_state(finished)
    return FitResult(tuple(losses), steps, objective.loss_weight, averaged)


@dataclass(frozen=True)
class _Begun:
    """What a training works with, at its first step or at that after a pause."""

    step: Step
    optimiser: SGD
    schedule: LambdaLR
    average: WeightAverage | None
    epoch_losses: list[float]


def _begin(
    network: nn.Module,
    images: ResidentImages,
    objective: Objective,
    hyper_parameters: TrainingHyperParameters,
    epochs: int,
    draws: Draws,
    first: Drawn,
    speed_ups: SpeedUps,
    paused: PausedTraining | None,
) -> _Begun:
    network.to(memory_format=torch.channels_last).train()
    fused = speed_ups.fused_optimiser == "auto" and has_fused_optimiser(images.device)
    optimiser = _optimiser(nn.ModuleList([network, objective]), hyper_parameters, images.device, fused)
    average = WeightAverage(network, hyper_parameters.weight_averaging) if hyper_parameters.weight_averaging else None
    if paused is not None:
        resume(paused, network, objective, average)
    elif objective.needs_gradient_norm_matching:
        _match_gradient_norm(network, images, objective, draws)
    losses = [] if paused is None else list(paused.epoch_losses)
    done, factor = draws.steps(len(losses)), schedule_of(hyper_parameters, draws, epochs)
    schedule = LambdaLR(optimiser, lambda step: factor(done + step))
    with torch_seeded(draws.seed, "dropout", 0):
        if speed_ups.capture_steps == "auto" and fused:
            batch = tuple(each[: draws.batch_size] for each in first)
            step = prepare_step(network, images, objective, optimiser, batch, draws.steps(epochs))
        else:
            step = Step(network, images, objective, optimiser)
    if paused is not None:
        resume_optimiser(paused, optimiser)
    return _Begun(step, optimiser, schedule, average, losses)


def _match_gradient_norm(network: nn.Module, images: ResidentImages, objective: Objective, draws: Draws) -> None:
    batch = images.batch(*(drawn.to(images.device) for drawn in draws.gradient_norm_batch()))
    with autocast(images.device), torch_seeded(draws.seed, "dropout", 0):
        objective.match_gradient_norm(network, batch)


def _epochs(draws: Draws, mixup: float) -> Iterator[Drawn]:
    """What is drawn for the steps of each epoch, on the CPU."""
    if mixup == 0:
        return draws.epochs()
    return ((*drawn, *mixed) for drawn, mixed in zip(draws.epochs(), mixtures(draws, mixup), strict=True))


def _batches(draws: Draws, epoch: Drawn, device: torch.device) -> Iterator[Drawn]:
    """What was drawn for each batch, brought to the device for a whole epoch at once."""
    return zip(*(drawn.to(device).split(draws.batch_size) for drawn in epoch), strict=True)


@cache
def has_fused_optimiser(device: torch.device) -> bool:
    """Whether torch has a fused update of weights on a device: tried once a process, with one number."""
    trial = torch.zeros(1, device=device, requires_grad=True)
    trial.grad = torch.zeros_like(trial)
    try:
        SGD([trial], lr=0.1, momentum=0.9, fused=True).step()
    except torch.OutOfMemoryError:
        raise
    except RuntimeError as failure:
        logger.warning("torch has no fused optimiser on %s, its loop over the weights is used: %s", device, failure)
        return False
    return True


def _optimiser(trained: nn.Module, hyper_parameters: TrainingHyperParameters, device: torch.device, fused: bool) -> SGD:
    """Weight decay acts on weights, not on biases and normalisation: the tensors with one axis."""
    parameters = [parameter for parameter in trained.parameters() if parameter.requires_grad]
    groups = [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": hyper_parameters.weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
    rate: float | Tensor = hyper_parameters.learning_rate
    if device.type == "cuda" and fused:
        rate = torch.tensor(rate, device=device)  # a captured step reads it there
    momentum = hyper_parameters.momentum
    return SGD(groups, lr=rate, momentum=momentum, nesterov=momentum > 0, fused=fused)


def _require_finite(loss: float, epoch: int) -> float:
    if not math.isfinite(loss):
        raise TrainingFailedError(
            f"the mean loss of epoch {epoch} is {loss}: the learning rate or a loss weight is too large"
        )
    return loss


@torch.no_grad()
def _require_finite_state(network: nn.Module) -> None:
    """The loss was computed before the last step; what that did to the weights and their statistics is looked at here.

    The device is waited for once.
    """
    finite = [tensor.isfinite().all() for tensor in network.state_dict().values()]
    if finite and not bool(torch.stack(finite).all()):
        raise TrainingFailedError(
            "weights or statistics are not finite after the last step: the learning rate or a loss weight is too large"
        )
