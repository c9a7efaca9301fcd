"""MobileNetV2: inverted residuals with linear bottlenecks.

References:
    Sandler et al. (2018). MobileNetV2: Inverted Residuals and Linear Bottlenecks. CVPR, table 1.
    Difference: the stride of the first convolution may also be 1, as in Trofimov et al. (2023), for images of 8 to 64
    pixels; the published network for images of 224 pixels has a stride of 2.
"""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from mf_nas_kd.networks.trunk import TappedNetwork, convolution


class InvertedResidual(nn.Module):
    """Inverted residual block: 1x1 expansion, 3x3 depthwise convolution, linear 1x1 projection.

    The input is added where its shape equals that of the output.

    Args:
        inputs: Input channels.
        outputs: Output channels.
        expansion: Factor of the input channels inside the block, at least 1; 1 leaves out the first convolution.
        stride: Stride of the 3x3 convolution, 1 or 2.
    """

    def __init__(self, inputs: int, outputs: int, expansion: int, stride: int) -> None:
        super().__init__()
        hidden = inputs * expansion
        expand = [convolution(inputs, hidden, 1, activation=nn.ReLU6(inplace=True))] if expansion > 1 else []
        self.layers = nn.Sequential(
            *expand,
            convolution(hidden, hidden, 3, stride, groups=hidden, activation=nn.ReLU6(inplace=True)),
            convolution(hidden, outputs, 1),
        )
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, features: Tensor) -> Tensor:
        filtered: Tensor = self.layers(features)
        return features + filtered if self.adds_input else filtered


class MobileNetV2(TappedNetwork):
    """The network of one architecture of the ``mobilenet_v2`` space.

    Args:
        stem: Channels of the first 3x3 convolution.
        stages: Rows ``(expansion, channels, repeats, stride)``; the stride is that of the first block of a stage.
        head: Channels of the last 1x1 convolution, the dimensions of the embedding.
        classes: Number of classes, ``K``.
        image_channels: Channels of the images: 1 for greyscale, 3 for colour.
        stem_stride: Stride of the first convolution, 1 or 2.
        width: Width multiplier: factor of all channels, above 0; products are rounded, to at least 1.
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
        def scaled(channels: int) -> int:
            return max(1, round(channels * width))

        first = convolution(image_channels, scaled(stem), 3, stem_stride, activation=nn.ReLU6(inplace=True))
        blocks: list[nn.Module] = [first]
        inputs = scaled(stem)
        for expansion, channels, repeats, stride in stages:
            for repeat in range(repeats):
                blocks.append(InvertedResidual(inputs, scaled(channels), expansion, stride if repeat == 0 else 1))
                inputs = scaled(channels)
        blocks.append(convolution(inputs, scaled(head), 1, activation=nn.ReLU6(inplace=True)))
        super().__init__(blocks, scaled(head), classes)
