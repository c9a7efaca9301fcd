"""What a zero-cost proxy receives, and what it has to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from mf_nas_kd.errors import InvalidValueError
from mf_nas_kd.networks.trunk import TappedNetwork
from mf_nas_kd.records import Architecture
from mf_nas_kd.taps import Taps

WORST = float("-inf")
"""Value of a network through which no signal passes, where the definition divides by zero."""

UNDEFINED = float("nan")
"""Value where a proxy is not defined for the space of an architecture."""


@dataclass(frozen=True)
class ProxyInputs:
    """What a proxy is computed from. ``B`` images are a batch.

    Attributes:
        architecture: The architecture of the network.
        network: The network with its initial weights, on the device of the images, in training mode.
        batches: Batches of training images ``(B, C, H, W)``, normalised, with their labels ``(B,)``; at least one.
        teacher: Taps of the teacher for the images of the first batch; None if there is no teacher.
        seed: Seed of further random numbers.
    """

    architecture: Architecture
    network: TappedNetwork
    batches: tuple[tuple[Tensor, Tensor], ...]
    teacher: Taps | None
    seed: int

    @property
    def images(self) -> Tensor:
        """Images of the first batch, ``(B, C, H, W)``."""
        return self.batches[0][0]

    def generator(self) -> torch.Generator:
        """A generator of the CPU, the same one for every proxy."""
        return torch.Generator().manual_seed(self.seed)

    def teacher_taps(self) -> Taps:
        """Taps of the teacher for the images of the first batch.

        Raises:
            InvalidValueError: If there is no teacher.
        """
        if self.teacher is None:
            raise InvalidValueError("teacher of the proxy", None, "a trained teacher: run the teacher pipeline first")
        return self.teacher


Proxy = Callable[[ProxyInputs], float]
"""A zero-cost proxy: higher values are expected of better networks.

Obligations: equal inputs give equal values; the network has the same weights, buffers, mode and hooks afterwards; no
global generator is used. The value is finite, ``WORST`` or ``UNDEFINED``.
"""


@contextmanager
def unchanged(network: nn.Module) -> Iterator[None]:
    """Within the block, weights, batch statistics, mode and types of a network may be changed; they are restored.

    Gradients are removed.
    """
    kept = {name: value.detach().clone() for name, value in network.state_dict().items()}
    modes = {module: module.training for module in network.modules()}
    dtype = next(network.parameters()).dtype
    try:
        yield
    finally:
        network.to(dtype).load_state_dict(kept)
        for module, training in modes.items():
            module.training = training
        network.zero_grad(set_to_none=True)
