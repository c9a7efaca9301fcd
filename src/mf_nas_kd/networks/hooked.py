"""Networks of other libraries, with forward hooks that record their taps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor, nn
from torchvision.ops import Permute

from mf_nas_kd.taps import Taps

CHANNELS_LAST = [0, 2, 3, 1]
"""Dimensions of a permutation of ``(B, C, H, W)`` to ``(B, H, W, C)``."""


class HookedNetwork(nn.Module):
    """A classification network of another library.

    The maps are the last outputs of every resolution in the trunk. The embedding is the input of the last layer,
    averaged over the positions where it is a feature map. Vision transformers, which have tokens only, have no maps.

    Args:
        model: The library's network.
        classes: Number of classes, ``K``.
        channels_last: Whether its feature maps are ``(B, H, W, C)`` from the first layer on.

    Attributes:
        model: The library's network.
        prepare: Applied to the images first: an input adapter, or nothing.
    """

    def __init__(self, model: nn.Module, classes: int, channels_last: bool = False) -> None:
        super().__init__()
        self.model = model
        self.prepare: nn.Module = nn.Identity()
        self._begins_channels_last = channels_last
        self._begin()
        for module in _trunk(model):
            module.register_forward_hook(self._record_output)
        model.get_submodule(classifier_name(model, classes)).register_forward_pre_hook(self._record_embedding)

    def forward(self, images: Tensor) -> Taps:
        """Compute the taps of images ``(B, C, H, W)``; ``B`` may be 0, which many attention layers do not take."""
        if len(images) == 0:
            taps: Taps = self(images.new_zeros(1, *images.shape[1:]))
            return Taps(taps.logits[:0], taps.embedding[:0], tuple(features[:0] for features in taps.maps))
        self._begin()
        logits = self.logits(self.prepare(images))
        maps = tuple(self._last_of_resolution.values())
        (embedding,) = self._embeddings
        self._begin()
        if embedding.ndim == 4:
            embedding = embedding.mean(dim=(2, 3))
        return Taps(logits, embedding, maps)

    def logits(self, images: Tensor) -> Tensor:
        """Run the library's network on adapted images ``(B, C', H', W')``; returns ``(B, K)``."""
        logits: Tensor = self.model(images)
        return logits

    def _begin(self) -> None:
        self._last_of_resolution: dict[tuple[int, ...], Tensor] = {}
        self._embeddings: list[Tensor] = []
        self._channels_last, self._trunk_ended = self._begins_channels_last, False

    def _record_output(self, module: nn.Module, _: Any, output: Any) -> None:
        """Forward hook of the trunk's modules: keep feature maps in the layout ``(B, C, H, W)``."""
        if isinstance(module, Permute):
            self._channels_last = module.dims == CHANNELS_LAST
        self._trunk_ended = self._trunk_ended or isinstance(module, nn.AdaptiveAvgPool2d)
        if self._trunk_ended or not isinstance(output, Tensor):
            return
        if output.ndim == 4:
            features = output.permute(0, 3, 1, 2) if self._channels_last else output
            self._last_of_resolution[tuple(features.shape[-2:])] = features
        elif output.ndim == 3:
            self._last_of_resolution = {}  # tokens: the maps before them were patches, not features

    def _record_embedding(self, _: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        """Forward hook before the last layer: keep its input."""
        self._embeddings.append(inputs[0])
        self._trunk_ended = True


def classifier_name(network: nn.Module, classes: int) -> str:
    """Name of the layer whose outputs are the logits: the last linear layer or convolution with ``K`` outputs.

    Args:
        network: A classification network.
        classes: Number of classes, ``K``.
    """
    layers = [(name, each) for name, each in network.named_modules() if isinstance(each, (nn.Linear, nn.Conv2d))]
    fitting: list[str] = [name for name, layer in layers if layer.weight.shape[0] == classes]
    return fitting[-1]


def _trunk(module: nn.Module) -> Iterator[nn.Module]:
    """The modules that a network runs in sequence: its children, with containers replaced by their own children."""
    for child in module.children():
        if isinstance(child, (nn.Sequential, nn.ModuleList)):
            yield from _trunk(child)
        else:
            yield child
