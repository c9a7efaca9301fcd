"""No distillation: a loss of zero, for trainings with plain cross-entropy."""

from __future__ import annotations

from torch import Tensor

from mf_nas_kd.distillation.loss import DistillationLoss
from mf_nas_kd.taps import Taps


class NoLoss(DistillationLoss):
    """The constant 0; its teacher targets are empty."""

    @property
    def target_key(self) -> str:
        return "nothing"

    def teacher_targets(self, taps: Taps) -> Tensor:
        """Empty targets, ``(B, 0)``."""
        return taps.logits.new_zeros((len(taps.logits), 0))

    def forward(self, taps: Taps, targets: Tensor, indices: Tensor, labels: Tensor | None = None) -> Tensor:
        """A 0-d zero that depends on the student's logits, so that a backward pass is possible."""
        return taps.logits.sum() * 0
