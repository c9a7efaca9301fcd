"""Taps: the intermediate features and the outputs of a network that distillation losses compare.

Letters of tensor shapes, here and in ``networks``, ``distillation`` and ``training``: ``B`` images of a batch,
``K`` classes, ``D`` dimensions of the embedding, ``C`` channels, ``H`` and ``W`` height and width of a feature map.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Taps:
    """Logits, embedding and feature maps of one forward pass.

    Attributes:
        logits: Outputs of the classifier before the softmax, ``(B, K)``.
        embedding: Spatially pooled features that the classifier takes as input, ``(B, D)``.
        maps: The last feature map of every spatial resolution, largest first, each ``(B, C, H, W)``; empty for
            networks without feature maps (vision transformers).
    """

    logits: Tensor
    embedding: Tensor
    maps: tuple[Tensor, ...]

    def detach(self) -> Taps:
        """The same values, detached from the graph of automatic differentiation."""
        return Taps(self.logits.detach(), self.embedding.detach(), tuple(m.detach() for m in self.maps))

    def float(self) -> Taps:
        """The same values in float32; tensors that have this type already are not copied."""
        return Taps(self.logits.float(), self.embedding.float(), tuple(m.float() for m in self.maps))


@dataclass(frozen=True)
class TapShapes:
    """Shapes of :class:`Taps` without the batch axis; a loss needs them to build its learned adapters.

    Attributes:
        classes: Number of classes, ``K``.
        embedding: Dimensions of the embedding, ``D``.
        maps: Shape ``(C, H, W)`` of each feature map, in the order of :attr:`Taps.maps`.
    """

    classes: int
    embedding: int
    maps: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, taps: Taps) -> TapShapes:
        """The shapes of the taps of any batch.

        >>> import torch
        >>> taps = Taps(torch.zeros(8, 10), torch.zeros(8, 64), maps=(torch.zeros(8, 16, 4, 4),))
        >>> TapShapes.of(taps)
        TapShapes(classes=10, embedding=64, maps=((16, 4, 4),))
        """
        return cls(
            classes=taps.logits.shape[1],
            embedding=taps.embedding.shape[1],
            maps=tuple((m.shape[1], m.shape[2], m.shape[3]) for m in taps.maps),
        )
