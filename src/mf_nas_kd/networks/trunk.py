"""The part that all networks share: blocks in a row, taps where the resolution changes, a linear classifier."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from mf_nas_kd.taps import Taps


class TappedNetwork(nn.Module):
    """Blocks in a row, global average pooling, and a linear classifier.

    Taps are found by the network itself: the last output of every spatial resolution. A loss therefore never
    needs to know an architecture.

    Args:
        blocks: Modules from ``(B, C, H, W)`` to ``(B, C', H', W')``; the first one takes the images.
        embedding: ``D``, the channels of the last block.
        classes: ``K``.
    """

    def __init__(self, blocks: Iterable[nn.Module], embedding: int, classes: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(blocks)
        self.classifier = nn.Linear(embedding, classes)
        self.apply(_initialise)

    def forward(self, images: Tensor) -> Taps:
        """Images ``(B, C, H, W)`` to taps."""
        maps: list[Tensor] = []
        features = images
        for block in self.blocks:
            features = block(features)
            if maps and maps[-1].shape[-2:] == features.shape[-2:]:
                maps[-1] = features
            else:
                maps.append(features)
        embedding = features.mean(dim=(2, 3))
        return Taps(self.classifier(embedding), embedding, tuple(maps))


def convolution(
    inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, activation: nn.Module | None = None
) -> nn.Sequential:
    """Convolution without bias, batch normalisation, and the activation if there is one."""
    layers: list[nn.Module] = [
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation] if activation is not None else []))


def _initialise(module: nn.Module) -> None:
    """He initialisation of convolutions (He et al., 2015, eq. 14, fan out); small normal weights of the classifier."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.normal_(module.weight, std=0.01)
        nn.init.zeros_(module.bias)
