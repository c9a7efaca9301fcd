"""One update of the weights, plain, or captured once as a CUDA graph and replayed."""

from __future__ import annotations

import logging

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mf_nas_kd.device import autocast
from mf_nas_kd.images import ResidentImages
from mf_nas_kd.training.objective import Objective

logger = logging.getLogger(__name__)

WARM_UP_STEPS = 3  # before a capture, so that libraries have chosen their algorithms and made their workspaces
CAPTURE_PAYS = 20  # steps; with fewer, warming up and capturing take longer than they save

Drawn = tuple[Tensor, ...]
"""Arguments of ``ResidentImages.batch``: positions and augmentations; with mixup, partners and shares too."""

_not_captured: set[str] = set()
"""Objectives, by their names, of which this process could not capture a step: it does not try again."""


class Step:
    """Batch, forward and backward pass, update. The device is never waited for.

    Args:
        network: A network in training mode.
        images: Images from which batches are made.
        objective: The objective.
        optimiser: Optimiser of the weights of both.

    Attributes:
        total: Sum of the losses since it was last set to zero, on the device.
    """

    def __init__(self, network: nn.Module, images: ResidentImages, objective: Objective, optimiser: Optimizer) -> None:
        self._network = network
        self._images = images
        self._objective = objective
        self._optimiser = optimiser
        self.total = torch.zeros((), device=images.device)

    def __call__(self, drawn: Drawn, progress: float) -> None:
        """Update the weights once.

        Args:
            drawn: What was drawn for the batch, on the device.
            progress: Fraction of the training that is done with this step, in (0, 1].
        """
        self._update(drawn, progress)

    def _update(self, drawn: Drawn, progress: float | Tensor) -> None:
        batch = self._images.batch(*drawn)
        with autocast(self._images.device):
            loss = self._objective(self._network(batch.images), batch, progress)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        self.total += loss.detach()


class CapturedStep(Step):
    """The same, captured once and replayed: a hundred small kernels are launched as one.

    The steps before the capture change weights, statistics and momentum; all are restored, so that the training is
    that of :class:`Step`. The learning rate of the optimiser must be a tensor on the device.

    Args:
        network: As for :class:`Step`.
        images: As for :class:`Step`.
        objective: An objective whose loss is ``capturable``.
        optimiser: An optimiser that has not made a step yet.
        first_batch: What was drawn for the training's first batch, on which the steps before the capture are made; all
            batches have its size.

    Raises:
        RuntimeError: If a step cannot be captured; network, objective and optimiser are as they were.
    """

    def __init__(
        self,
        network: nn.Module,
        images: ResidentImages,
        objective: Objective,
        optimiser: Optimizer,
        first_batch: Drawn,
    ) -> None:
        super().__init__(network, images, objective, optimiser)
        self._drawn = tuple(drawn.to(images.device, copy=True) for drawn in first_batch)
        self._progress = torch.ones((), device=images.device)
        self._graph = torch.cuda.CUDAGraph()
        modules = nn.ModuleList([network, objective])
        before = {name: value.clone() for name, value in modules.state_dict().items()}
        try:
            self._capture(images.device)
        except RuntimeError:
            optimiser.zero_grad(set_to_none=True)
            optimiser.state.clear()
            raise
        finally:
            with torch.no_grad():
                for name, value in modules.state_dict().items():
                    value.copy_(before[name])
        for state in optimiser.state.values():
            if state.get("momentum_buffer") is not None:
                state["momentum_buffer"].zero_()  # the first step adds to nothing

    def _capture(self, device: torch.device) -> None:
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                self._update(self._drawn, self._progress)
        torch.cuda.current_stream(device).wait_stream(side)
        with torch.cuda.device(device), torch.cuda.graph(self._graph):
            self._update(self._drawn, self._progress)

    def __call__(self, drawn: Drawn, progress: float) -> None:
        for kept, new in zip(self._drawn, drawn, strict=True):
            kept.copy_(new)
        self._progress.fill_(progress)
        self._graph.replay()


def prepare_step(
    network: nn.Module,
    images: ResidentImages,
    objective: Objective,
    optimiser: Optimizer,
    first_batch: Drawn,
    steps: int,
) -> Step:
    """Make the step of a training: captured on a CUDA device if the loss allows it and the training is long enough.

    Where it cannot be captured, it is a plain one, from the same weights: one warning a process and objective.

    Args:
        network: A network in training mode.
        images: Images from which batches are made.
        objective: The objective, whose gradient norms are matched already.
        optimiser: An optimiser that has not made a step yet.
        first_batch: What was drawn for the training's first batch; all batches have its size.
        steps: Number of steps of the whole training.

    Raises:
        torch.OutOfMemoryError: If the device has too little memory, which is no property of the objective.
    """
    worth_it = images.device.type == "cuda" and objective.capturable and steps >= CAPTURE_PAYS
    if worth_it and objective.name not in _not_captured:
        try:
            return CapturedStep(network, images, objective, optimiser, first_batch)
        except torch.OutOfMemoryError:
            raise
        except RuntimeError as failure:  # torch.AcceleratorError is one
            _not_captured.add(objective.name)
            logger.warning(
                "A step with %s cannot be captured as a CUDA graph; its trainings go on without, slower and with the "
                "same results (training.capture_steps: false does not try): %s",
                objective.name,
                failure,
            )
    return Step(network, images, objective, optimiser)
