"""ShuffleNetV2: blocks that filter half of the channels, and channel shuffles.

References:
    Ma et al. (2018). ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design. ECCV, figure 3 (c, d)
    and table 5.
    Difference: for images of 8 to 64 pixels the first convolution is 1x1 with stride 1, and no pooling follows it, as
    in Trofimov et al. (2023). The published stem, for images of 224 pixels, has a stride of 4.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from mf_nas_kd.networks.trunk import TappedNetwork, convolution
from mf_nas_kd.spaces.shufflenet_v2 import require_even


def interleave(first: Tensor, second: Tensor) -> Tensor:
    """Channel shuffle of two halves: their channels in alternation.

    It copies the features once; concatenation and a shuffle copy them twice (1.07 and 1.09 times the duration of a
    training step with two threads and one thread, 2 CPU cores, channels last, n = 7).

    Args:
        first: Features ``(B, C, H, W)``.
        second: Features ``(B, C, H, W)``.

    Returns:
        Features ``(B, 2 C, H, W)`` in the memory format of ``second``.

    >>> features = torch.arange(4.0).view(1, 4, 1, 1)
    >>> interleave(*features.chunk(2, dim=1)).flatten().tolist()
    [0.0, 2.0, 1.0, 3.0]
    """
    if second.is_contiguous(memory_format=torch.channels_last):
        both = [half.permute(0, 2, 3, 1) for half in (first, second)]
        return torch.stack(both, dim=-1).flatten(3).permute(0, 3, 1, 2)
    return torch.stack([first, second], dim=2).flatten(1, 2)


class BasicBlock(nn.Module):
    """Block that keeps the resolution and the first half of the channels, and filters the second half (figure 3c).

    Args:
        channels: Channels of input and output, even.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = _filtering_branch(channels // 2, channels // 2, stride=1)

    def forward(self, features: Tensor) -> Tensor:
        kept, filtered = features.chunk(2, dim=1)
        return interleave(kept, self.layers(filtered))


class DownsamplingBlock(nn.Module):
    """Block that halves the resolution: each of two branches filters all channels (figure 3d).

    Args:
        inputs: Input channels.
        outputs: Output channels, even; each branch gives half of them.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.shortcut = nn.Sequential(
            convolution(inputs, inputs, 3, stride=2, groups=inputs),
            convolution(inputs, outputs // 2, 1, activation=nn.ReLU(inplace=True)),
        )
        self.layers = _filtering_branch(inputs, outputs // 2, stride=2)

    def forward(self, features: Tensor) -> Tensor:
        return interleave(self.shortcut(features), self.layers(features))


def _filtering_branch(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """A 1x1 convolution, a 3x3 depthwise one without activation, and a 1x1 one."""
    return nn.Sequential(
        convolution(inputs, outputs, 1, activation=nn.ReLU(inplace=True)),
        convolution(outputs, outputs, 3, stride, groups=outputs),
        convolution(outputs, outputs, 1, activation=nn.ReLU(inplace=True)),
    )


def _stem(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    """The first convolution, and the pooling after it where the stem has a stride of 4."""
    kernel, convolution_stride = (1, 1) if stride == 1 else (3, 2)
    first = convolution(inputs, outputs, kernel, convolution_stride, activation=nn.ReLU(inplace=True))
    return first.append(nn.MaxPool2d(3, stride=2, padding=1)) if stride == 4 else first


class ShuffleNetV2(TappedNetwork):
    """The network of one architecture of the ``shufflenet_v2`` space.

    Args:
        stem: Channels of the first convolution; 24 in the published networks.
        stages: Rows ``(channels, blocks)``: a stage is one block that halves the resolution and ``blocks`` further ones
            that keep it. Channels are even.
        head: Channels of the last 1x1 convolution, the dimensions of the embedding.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images: 1 for greyscale, 3 for colour.
        stem_stride: By how much the stem divides the resolution: 1 (a 1x1 convolution), 2 (a 3x3 convolution of stride
            2), or 4 (the same and 3x3 max pooling of stride 2, as published).
        width: Width multiplier: factor of all channels, above 0; products are rounded, in the stages to even numbers.

    Raises:
        InvalidValueError: If the channels of a stage are odd.
    """

    def __init__(
        self,
        stem: int,
        stages: Sequence[Sequence[int]],
        head: int,
        classes: int,
        image_channels: int,
        stem_stride: int = 1,
        width: float = 1.0,
    ) -> None:
        inputs, embedding = (max(1, round(channels * width)) for channels in (stem, head))
        blocks: list[nn.Module] = [_stem(image_channels, inputs, stem_stride)]
        require_even(tuple(channels for channels, _ in stages))
        for channels, repeats in stages:
            outputs = 2 * max(1, round(channels * width / 2))
            blocks.append(DownsamplingBlock(inputs, outputs))
            blocks.extend(BasicBlock(outputs) for _ in range(repeats))
            inputs = outputs
        blocks.append(convolution(inputs, embedding, 1, activation=nn.ReLU(inplace=True)))
        super().__init__(blocks, embedding, classes)
