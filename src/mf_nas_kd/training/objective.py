"""What a training minimises: the one place where the terms of the loss are weighed."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from mf_nas_kd.distillation import DistillationLoss
from mf_nas_kd.images import Batch
from mf_nas_kd.taps import Taps
from mf_nas_kd.training.device import full_precision
from mf_nas_kd.training.teacher_targets import TeacherTargets


class Objective(nn.Module):
    """``cross_entropy_weight * cross_entropy + loss_weight * loss``.

    Args:
        label_smoothing: Of the cross-entropy.
        cross_entropy_weight: ``γ`` of the literature.
        loss_weight: ``β``.
        loss: The distillation loss; None for a plain training.
        teacher_targets: What was remembered of the teacher, or the teacher itself; None for a plain training.
    """

    def __init__(
        self,
        label_smoothing: float,
        cross_entropy_weight: float = 1.0,
        loss_weight: float = 0.0,
        loss: DistillationLoss | None = None,
        teacher_targets: TeacherTargets | None = None,
    ) -> None:
        super().__init__()
        self._label_smoothing = label_smoothing
        self._cross_entropy_weight = cross_entropy_weight
        self._loss_weight = loss_weight
        self._teacher_targets = teacher_targets
        self.loss = loss

    def forward(self, taps: Taps, batch: Batch) -> Tensor:
        """A 0-d tensor."""
        with full_precision(batch.labels.device):
            taps = taps.float()
            cross_entropy = functional.cross_entropy(taps.logits, batch.labels, label_smoothing=self._label_smoothing)
            total = self._cross_entropy_weight * cross_entropy
            if self.loss is not None and self._teacher_targets is not None:
                targets = self._teacher_targets(batch)
                total = total + self._loss_weight * self.loss(taps, targets, batch.positions)
        return total
