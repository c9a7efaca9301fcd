"""What a network shows of itself to a distillation loss.

Letters of tensor shapes, here and in ``networks``, ``distillation`` and ``training``: ``B`` images of a batch,
``K`` classes, ``D`` width of the embedding, ``C`` channels, ``H`` and ``W`` height and width of a map.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Taps:
    """Outputs of one forward pass.

    Attributes:
        logits: ``(B, K)``, before the softmax.
        embedding: ``(B, D)``, the pooled features that the classifier sees.
        maps: The last feature map of every spatial resolution, largest first, each ``(B, C, H, W)``.
    """

    logits: Tensor
    embedding: Tensor
    maps: tuple[Tensor, ...]

    def detach(self) -> Taps:
        """The same values without their history."""
        return Taps(self.logits.detach(), self.embedding.detach(), tuple(m.detach() for m in self.maps))

    def float(self) -> Taps:
        """The same values in float32; no copy where they are already."""
        return Taps(self.logits.float(), self.embedding.float(), tuple(m.float() for m in self.maps))


@dataclass(frozen=True)
class TapShapes:
    """Shapes of :class:`Taps` without the batch axis; what a loss must know to build its adapters.

    Attributes:
        classes: ``K``.
        embedding: ``D``.
        maps: ``(C, H, W)`` of each map.
    """

    classes: int
    embedding: int
    maps: tuple[tuple[int, int, int], ...]

    @classmethod
    def of(cls, taps: Taps) -> TapShapes:
        """Read the shapes off the taps of any batch."""
        return cls(
            classes=taps.logits.shape[1],
            embedding=taps.embedding.shape[1],
            maps=tuple((m.shape[1], m.shape[2], m.shape[3]) for m in taps.maps),
        )
