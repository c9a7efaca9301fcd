"""One update of the weights: as it comes, or captured once as a CUDA graph and replayed."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from mf_nas_kd.device import autocast
from mf_nas_kd.images import ResidentImages
from mf_nas_kd.training.objective import Objective

WARM_UP_STEPS = 3  # before a capture, so that libraries have chosen their algorithms and made their workspaces
CAPTURE_PAYS = 20  # steps; with fewer, warming up and capturing take longer than they save


class Step:
    """Batch, forward and backward pass, update. Never waits for the device.

    Args:
        network: In training mode.
        images: Where batches come from.
        objective: What is minimised.
        optimiser: Of the weights of both.

    Attributes:
        total: Sum of the losses since it was last set to zero, on the device.
    """

    def __init__(self, network: nn.Module, images: ResidentImages, objective: Objective, optimiser: Optimizer) -> None:
        self._network = network
        self._images = images
        self._objective = objective
        self._optimiser = optimiser
        self.total = torch.zeros((), device=images.device)

    def __call__(self, positions: Tensor, views: Tensor, progress: float) -> None:
        """Train on these images in these views; ``progress`` is the share of the training that is done with it."""
        self._update(positions, views, progress)

    def _update(self, positions: Tensor, views: Tensor, progress: float | Tensor) -> None:
        batch = self._images.batch(positions, views)
        with autocast(self._images.device):
            loss = self._objective(self._network(batch.images), batch, progress)
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self._optimiser.step()
        self.total += loss.detach()


class CapturedStep(Step):
    """The same, captured once and replayed: a hundred small kernels are launched as one.

    The steps before the capture change weights, statistics and momentum; all are put back, so that the training is
    that of :class:`Step`. The learning rate of the optimiser must be a tensor on the device.

    Args:
        network: As for :class:`Step`.
        images: As for :class:`Step`.
        objective: Its loss is ``capturable``.
        optimiser: Has not made a step yet.
        batch_size: Of all batches.
    """

    def __init__(
        self,
        network: nn.Module,
        images: ResidentImages,
        objective: Objective,
        optimiser: Optimizer,
        batch_size: int,
    ) -> None:
        super().__init__(network, images, objective, optimiser)
        self._positions, self._views = (
            torch.zeros(batch_size, dtype=torch.int64, device=images.device) for _ in range(2)
        )
        self._positions.copy_(torch.arange(batch_size))
        self._progress = torch.ones((), device=images.device)
        self._graph = torch.cuda.CUDAGraph()
        modules = nn.ModuleList([network, objective])
        before = {name: value.clone() for name, value in modules.state_dict().items()}
        side = torch.cuda.Stream(images.device)
        side.wait_stream(torch.cuda.current_stream(images.device))
        with torch.cuda.stream(side):
            for _ in range(WARM_UP_STEPS):
                self._update(self._positions, self._views, self._progress)
        torch.cuda.current_stream(images.device).wait_stream(side)
        with torch.cuda.device(images.device), torch.cuda.graph(self._graph):
            self._update(self._positions, self._views, self._progress)
        with torch.no_grad():
            for name, value in modules.state_dict().items():
                value.copy_(before[name])
            for state in optimiser.state.values():
                if state.get("momentum_buffer") is not None:
                    state["momentum_buffer"].zero_()  # the first step adds to nothing

    def __call__(self, positions: Tensor, views: Tensor, progress: float) -> None:
        self._positions.copy_(positions)
        self._views.copy_(views)
        self._progress.fill_(progress)
        self._graph.replay()


def prepare_step(
    network: nn.Module,
    images: ResidentImages,
    objective: Objective,
    optimiser: Optimizer,
    batch_size: int,
    steps: int,
) -> Step:
    """Captured on a CUDA device where the loss allows it and the training is long enough.

    Args:
        network: In training mode.
        images: Where batches come from.
        objective: What is minimised; balanced already.
        optimiser: Has not made a step yet.
        batch_size: Of all batches.
        steps: Of the whole training.
    """
    if images.device.type == "cuda" and objective.capturable and steps >= CAPTURE_PAYS:
        return CapturedStep(network, images, objective, optimiser, batch_size)
    return Step(network, images, objective, optimiser)
