"""Moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import torch
from torch import nn
from torch.optim.swa_utils import get_ema_multi_avg_fn


class WeightAverage:
    """Exponential moving average of the weights over the steps of a training, from the initial weights on.

    ``average <- d * average + (1 - d) * weights`` after each step, with ``d = min(decay, (1 + t) / (10 + t))`` after
    ``t`` earlier ones. The ramp lets a training of few steps forget its initial weights: 0.1, 0.18, 0.25, ...

    The trained network is only read. What a step costs is one pass over the weights, on the device.

    Args:
        network: The network that is trained, with its initial weights, on its device.
        decay: Largest decay a step, in (0, 1).

    References:
        Polyak, Juditsky (1992). Acceleration of stochastic approximation by averaging; exponential as in Tarvainen,
        Valpola (2017). Mean teachers are better role models. NeurIPS, eq. 1. The ramp is that of TensorFlow's
        ``ExponentialMovingAverage`` with ``num_updates``.
    """

    def __init__(self, network: nn.Module, decay: float) -> None:
        self._network = network
        self._average = deepcopy(network)
        self._weights = [parameter.detach() for parameter in network.parameters()]
        self._averages = [parameter.detach() for parameter in self._average.parameters()]
        self._decay = decay
        self._updates = 0

    def update(self) -> None:
        """Take the weights after a step into the average."""
        decay = min(self._decay, (1 + self._updates) / (10 + self._updates))
        get_ema_multi_avg_fn(decay)(self._averages, self._weights, self._updates)
        self._updates += 1

    def state_dict(self) -> dict[str, Any]:
        """Averages and number of updates, for a training that is continued later."""
        return {"averages": dict(enumerate(self._averages)), "updates": self._updates}

    @torch.no_grad()
    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from an earlier :meth:`state_dict`."""
        for position, average in enumerate(self._averages):
            average.copy_(state["averages"][position])
        self._updates = state["updates"]

    @torch.no_grad()
    def network(self) -> nn.Module:
        """The network with the averaged weights, a copy; statistics of its normalisation are the trained network's.

        An average of statistics of other weights is not their average: they have to be computed anew, see
        :func:`mf_nas_kd.training.normalisation.recalibrate_normalisation`.
        """
        for average, buffer in zip(self._average.buffers(), self._network.buffers(), strict=True):
            average.copy_(buffer)
        return self._average
