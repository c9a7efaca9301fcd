"""CIFAR-style residual networks, which serve as teachers and, scaled by a width multiplier, as references.

References:
    He et al. (2016). Deep Residual Learning for Image Recognition. CVPR, section 4.2: depth 6n+2, three stages.
    Tian et al. (2020). Contrastive Representation Distillation. ICLR: their ``resnet32x4`` has a stem of 32 channels,
    stages of 64, 128 and 256 channels, and five blocks per stage.
    Difference: the shortcut is a projection (1x1 convolution) wherever the shape changes (option B of He et al.).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.networks.trunk import TappedNetwork, convolution
from mf_nas_kd.registry import NoOptions, Options

FEWEST_STRIDED = 8
"""Fewer input channels are sampled before a 1x1 convolution, which then has stride 1: the same numbers. On CPUs,
torch 2.15 writes outside of its memory in the gradient of a 1x1 convolution with stride 2 and fewer than 8 input
channels, and the process is aborted (seen with 4 to 7 channels and maps of 8, 16 and 32 pixels, not with 8 to 12)."""


class ResidualBlock(nn.Module):
    """Residual block of two 3x3 convolutions.

    Args:
        inputs: Input channels.
        outputs: Output channels.
        stride: Stride of the first convolution, 1 or 2.
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            convolution(inputs, outputs, 3, stride, activation=nn.ReLU(inplace=True)), convolution(outputs, outputs, 3)
        )
        same_shape = stride == 1 and inputs == outputs
        self.samples = stride if inputs < FEWEST_STRIDED else 1
        self.shortcut = nn.Identity() if same_shape else convolution(inputs, outputs, 1, stride // self.samples)

    def forward(self, features: Tensor) -> Tensor:
        sampled = features[..., :: self.samples, :: self.samples] if self.samples > 1 else features
        return functional.relu(self.layers(features) + self.shortcut(sampled))


class ResidualOptions(Options):
    """Shape of a residual network.

    Attributes:
        stem: Channels of the first 3x3 convolution.
        stages: Channels of each stage, at least one.
        blocks: Residual blocks in each stage.
    """

    stem: PositiveInt
    stages: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]
    blocks: PositiveInt


class ResidualNetwork(TappedNetwork):
    """A residual network: a stem and stages of residual blocks; every stage but the first halves the resolution.

    Args:
        stem: Channels of the first 3x3 convolution.
        stages: Channels of each stage, at least one stage.
        blocks: Number of residual blocks in each stage; the depth is ``2 * blocks * len(stages) + 2``.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images: 1 for greyscale, 3 for colour.
        width: Width multiplier: factor of all channels, above 0; products are rounded, to at least 1.
    """

    Options: ClassVar[type[Options]] = ResidualOptions

    def __init__(
        self,
        stem: int,
        stages: Sequence[int],
        blocks: int,
        classes: int,
        image_channels: int,
        width: float = 1.0,
    ) -> None:
        inputs, *outputs = (max(1, round(channels * width)) for channels in (stem, *stages))
        layers: list[nn.Module] = [convolution(image_channels, inputs, 3, activation=nn.ReLU(inplace=True))]
        for stage, channels in enumerate(outputs):
            for block in range(blocks):
                layers.append(ResidualBlock(inputs, channels, stride=2 if stage > 0 and block == 0 else 1))
                inputs = channels
        super().__init__(layers, inputs, classes)


class ResNet32x4(ResidualNetwork):
    """The usual teacher for CIFAR-100: 7.43 million parameters with 100 classes; it has no options.

    Args:
        classes: Number of classes, ``K``.
        image_channels: Channels of the images: 1 for greyscale, 3 for colour.
    """

    Options: ClassVar[type[Options]] = NoOptions

    def __init__(self, classes: int, image_channels: int) -> None:
        super().__init__(stem=32, stages=(64, 128, 256), blocks=5, classes=classes, image_channels=image_channels)
