"""No distillation: plain cross-entropy, the reference of every comparison."""

from __future__ import annotations

from torch import Tensor

from mf_nas_kd.distillation.loss import DistillationLoss
from mf_nas_kd.taps import Taps


class NoLoss(DistillationLoss):
    """Zero, and nothing to remember."""

    @property
    def target_key(self) -> str:
        return "nothing"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """``(B, 0)``."""
        return taps.logits.new_zeros((len(taps.logits), 0))

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        """Zero, connected to the student's logits."""
        return taps.logits.sum() * 0
